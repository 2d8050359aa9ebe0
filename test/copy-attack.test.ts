/** The copy attacks: what they make can be read, is another picture, and is the same picture every time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ATTACKS, type AttackContext } from '../bench/copy-attack/attacks.ts';
import { drawDistractors, drawSources, thumbnail } from '../bench/copy-attack/photos.ts';
import { loadDecoders } from '../src/adapters/decoders.ts';
import { seededRandom } from '../src/base/random.ts';
import { ImageReader } from '../src/image/decode.ts';
import { SAMPLES } from './command.ts';
import { kernels } from './support.ts';

const test = suite('copy attacks');
const paths = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).map((name) => join(SAMPLES, name));
const reader = new ImageReader(kernels, await loadDecoders());
/** Small, so that the test is quick. */
const photos = await Promise.all(
  paths.slice(0, 4).map(async (path) => {
    const { default: sharp } = await import('sharp');
    return sharp(await readFile(path))
      .resize(96, 72, { fit: 'fill' })
      .png()
      .toBuffer();
  }),
);
const others = photos.slice(1, 4) as [Buffer, Buffer, Buffer];
const context = (): AttackContext => ({ random: seededRandom(5), others });

test('at least twenty attacks, each a readable picture that differs from the photo and from the others', async () => {
  const seen = new Set<string>([Buffer.from((await reader.read(photos[0]!)).image.data).toString('base64')]);
  const names = Object.keys(ATTACKS);
  assert.ok(names.length >= 20);
  for (const name of names) {
    const copy = await ATTACKS[name]!(photos[0]!, context());
    assert.equal(await ATTACKS[name]!(photos[0]!, context()), copy, name);
    const { image } = await reader.read(copy);
    assert.ok(image.width >= 16 && image.height >= 16, name);
    seen.add(Buffer.from(image.data).toString('base64'));
  }
  assert.is(seen.size, names.length + 1);
});

test('geometry and values, by hand', async () => {
  const shape = async (name: string): Promise<readonly [number, number]> => {
    const { image } = await reader.read(await ATTACKS[name]!(photos[0]!, context()));
    return [image.width, image.height];
  };
  assert.equal(await shape('scale 50 %'), [48, 36]);
  assert.equal(await shape('crop to 25 %'), [48, 36]);
  assert.equal(await shape('rotate 90'), [72, 96]);
  assert.equal(await shape('letterbox'), [98, 108]);
  assert.equal(await shape('collage'), [192, 144]);
  assert.equal(await shape('inset'), [160, 120]);
  const { image } = await reader.read(photos[0]!);
  const dark = (await reader.read(await ATTACKS['brightness - 50 %']!(photos[0]!, context()))).image;
  image.data.forEach((value, i) => assert.ok(Math.abs(dark.data[i]! - value / 2) <= 1));
  const mirrored = (await reader.read(await ATTACKS['flip']!(photos[0]!, context()))).image;
  assert.equal(mirrored.data.subarray(0, 3), image.data.subarray(3 * 95, 3 * 96));
});

test('sources are one a class, other photos are no sources, and distractors look like none', async () => {
  const labelled = paths.slice(0, 8).map((path, i) => ({ path, label: `class ${i % 4}` }));
  const drawn = drawSources(labelled, 3);
  assert.equal(drawSources(labelled, 3), drawn);
  assert.equal(drawn.map(({ source }) => source.label).sort(), ['class 0', 'class 1', 'class 2', 'class 3']);
  const sources = new Set(drawn.map(({ source }) => source.path));
  for (const { others: mixed } of drawn) for (const path of mixed) assert.not(sources.has(path));
  assert.throws(() => drawSources(labelled.slice(0, 4), 3), RangeError);

  const thumbnails = await Promise.all([...sources].map((path) => thumbnail(path)));
  const { kept, alike } = await drawDistractors(paths, thumbnails, 100, 3);
  assert.ok(alike >= sources.size);
  assert.ok(kept.every((path) => !sources.has(path)));
  assert.is(kept.length + alike, paths.length);
  assert.equal((await drawDistractors(paths, thumbnails, 2, 3)).kept, kept.slice(0, 2));
});

test.run();
