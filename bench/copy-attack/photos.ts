/**
 * The photos of the copy-attack set: which are copied, which stand around them.
 *
 * One source a class, drawn by the seed. Distractors are drawn from another folder, less those that look like a source: the
 * correlation of their 16 x 16 grey thumbnails is above 0.9 (a photo and a smaller version of it have more than 0.98).
 */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { seededRandom, shuffle } from '../../src/base/random.ts';
import type { Labelled } from '../../src/eval/labels.ts';

const THUMBNAIL_SIDE = 16;
/** Above this correlation two photos count as one. */
const ALIKE = 0.9;

/** Grey thumbnail with mean 0 and L2 norm 1, so that an inner product is a correlation. */
export async function thumbnail(path: string): Promise<Float32Array> {
  const grey = await sharp(await readFile(path))
    .flatten({ background: 'white' })
    .resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'fill' })
    .greyscale()
    .raw()
    .toBuffer();
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  const centred = Float32Array.from(grey, (value) => value - mean);
  const norm = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0));
  return norm > 0 ? centred.map((value) => value / norm) : centred;
}

/** Whether two thumbnails are of one photo. */
function looksAlike(a: Float32Array, b: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum > ALIKE;
}

/**
 * One photo of each class as a source, and three of other classes to be mixed into its copies, none of which is a source.
 * @throws On fewer than two classes, or a class of one photo. {@link RangeError}
 */
export function drawSources(
  photos: readonly Labelled[],
  seed: number,
): { readonly source: Labelled; readonly others: readonly [string, string, string] }[] {
  const random = seededRandom(seed);
  const classes = new Map<string, Labelled[]>();
  for (const photo of photos) classes.set(photo.label, [...(classes.get(photo.label) ?? []), photo]);
  const drawn = [...classes.values()].map((members) => shuffle(members, random));
  if (drawn.length < 2 || drawn.some((members) => members.length < 2))
    throw new RangeError('"photos" expected two classes or more, of two photos or more');
  return drawn.map(([source], i) => {
    // The first photos of the classes are sources, the second ones never are.
    const other = (step: number): string => drawn[(i + 1 + (step % (drawn.length - 1))) % drawn.length]![1]!.path;
    return { source: source!, others: [other(6), other(18), other(30)] };
  });
}

/**
 * `count` photos that look like no source, in the order of a shuffle by the seed; fewer where there are no more.
 * @param sources - Thumbnails of the sources.
 */
export async function drawDistractors(
  paths: readonly string[],
  sources: readonly Float32Array[],
  count: number,
  seed: number,
): Promise<{ readonly kept: string[]; readonly alike: number }> {
  const kept: string[] = [];
  let alike = 0;
  for (const path of shuffle([...paths], seededRandom(seed))) {
    if (kept.length === count) break;
    const small = await thumbnail(path);
    if (sources.some((source) => looksAlike(source, small))) alike++;
    else kept.push(path);
  }
  return { kept, alike };
}
