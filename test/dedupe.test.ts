/** `blindsight dedupe` through the real command line, on the sample photos and altered copies. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cp, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Jimp } from 'jimp';
import { alter } from '../src/cli/variants.ts';
import { SAMPLES, answerOf, blindsight, hasten, temporaryFolder } from './command.ts';

interface Listed {
  id: string;
  path: string;
  distance: number;
}
interface Deduped {
  images: number;
  groups: { keep: Listed; others: Listed[] }[];
  duplicates: number;
  removed: number;
  failed: unknown[];
}

const test = suite('dedupe');
const folder = await temporaryFolder();
const library = join(folder.path, 'photos.blind');

test.before(async () => {
  const photos = join(folder.path, 'photos');
  await mkdir(photos);
  for (const name of ['cat.jpg', 'coffee.jpg', 'grass.jpg']) await cp(join(SAMPLES, name), join(photos, name));
  const cat = await readFile(join(SAMPLES, 'cat.jpg'));
  await writeFile(join(photos, 'a-copy.jpg'), await alter(cat, { quality: 50 }));
  await utimes(join(photos, 'a-copy.jpg'), new Date('2001-01-01'), new Date('2001-01-01'));
  // The same pixels in other bytes, and the same bytes once more.
  const png = await (await Jimp.fromBuffer(cat)).getBuffer('image/png');
  const bmp = await (await Jimp.fromBuffer(cat)).getBuffer('image/bmp');
  await writeFile(join(photos, 'b-pixels.png'), png);
  await writeFile(join(photos, 'c-pixels.bmp'), bmp);
  await cp(join(photos, 'b-pixels.png'), join(photos, 'd-bytes.png'));
  await answerOf(['init', library]);
  await hasten(library);
  await answerOf(['add', library, photos]);
});
test.after(() => folder.remove());

const paths = ({ groups }: Deduped): string[][] =>
  groups.map(({ keep, others }) => [keep.path, ...others.map(({ path }) => path).sort()]);

test('a dry run names the groups, keeps by rule, and removes nothing', async () => {
  const found = await answerOf<Deduped>(['dedupe', library]);
  // Equal bytes are added once.
  assert.equal([found.groups.length, found.duplicates, found.removed, found.failed], [1, 3, 0, []]);
  const all = ['a-copy.jpg', 'b-pixels.png', 'c-pixels.bmp', 'cat.jpg'];
  const [names = []] = paths(found);
  assert.equal([...names].sort(), all);
  // Most pixels; of these, most bytes.
  assert.is(names[0], 'c-pixels.bmp');
  for (const [rule, kept] of [
    ['oldest', 'a-copy.jpg'],
    ['first-name', 'a-copy.jpg'],
  ] as const)
    assert.is(paths(await answerOf<Deduped>(['dedupe', library, '--keep', rule]))[0]![0], kept, rule);
  assert.is((await answerOf<Deduped>(['dedupe', library])).images, found.images);
});

test('equal pixels only, and how it is said', async () => {
  const found = await answerOf<Deduped>(['dedupe', library, '--exact', '--keep', 'first-name']);
  assert.equal(paths(found), [['b-pixels.png', 'c-pixels.bmp']]);
  const { stdout, code } = await blindsight(['dedupe', library, '--exact']);
  assert.is(code, 0);
  assert.match(stdout, /^1 duplicates in 1 groups.*Nothing is removed without --remove\.$/m);
});

test('wrong use', async () => {
  for (const args of [
    ['--exact', '--distance', '0.1'],
    ['--distance', '0.9'],
    ['--keep', 'best'],
  ])
    assert.is((await blindsight(['dedupe', library, ...args])).code, 2, args.join(' '));
});

test('--remove leaves one of each, which opens', async () => {
  const before = await answerOf<{ images: number }>(['info', library]);
  const done = await answerOf<Deduped>(['dedupe', library, '--remove']);
  assert.equal([done.removed, done.duplicates], [3, 3]);
  const after = await answerOf<{ images: number }>(['info', library]);
  assert.is(after.images, before.images - 3);
  assert.equal((await answerOf<Deduped>(['dedupe', library])).groups, []);
  const out = join(folder.path, 'kept.bmp');
  await answerOf(['get', library, done.groups[0]!.keep.id, '-o', out]);
  assert.ok((await readFile(out)).length > 0);
});

test.run();
