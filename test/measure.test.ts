/** `blindsight models measure` through the real command line, and the figures it quotes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findModel } from '../src/adapters/package-files.ts';
import { alter } from '../src/cli/variants.ts';
import { figuresOf } from '../src/eval/figures.ts';
import { measureFeatures } from '../src/eval/measure-features.ts';
import { SAMPLES, answerOf, blindsight, temporaryFolder } from './command.ts';
import { floats } from './support.ts';
import { TINY_DIMS, TINY_SIDE, tinyOnnx } from './tiny-onnx.ts';

interface Row {
  model: string;
  bytes: number;
  dims: number;
  inputSide: number;
  inputFit: string;
  sets: { folder: string; photos: number; classes: number; mean: number; p1: number; p20: number; map: number }[];
  times: { threads: number; ms: number; ratio: number }[];
}

const test = suite('measure');
const folder = await temporaryFolder();
const photos = join(folder.path, 'photos');
const mean = join(folder.path, 'mean');
const cache = join(folder.path, 'cache');
const tiny = join(folder.path, 'tiny.onnx');
const open = join(folder.path, 'open.onnx');
const CLASSES = ['cat', 'coffee', 'grass'];
const OTHERS = ['alps', 'bricks', 'canyon', 'airplane'];

test.before(async () => {
  await mkdir(mean);
  for (const name of CLASSES) {
    await mkdir(join(photos, name), { recursive: true });
    const bytes = await readFile(join(SAMPLES, `${name}.jpg`));
    await writeFile(join(photos, name, 'a.jpg'), bytes);
    await writeFile(join(photos, name, 'b.jpg'), await alter(bytes, 'grey'));
  }
  for (const name of OTHERS) await copyFile(join(SAMPLES, `${name}.jpg`), join(mean, `${name}.jpg`));
  await writeFile(tiny, tinyOnnx());
  await writeFile(open, tinyOnnx('embedding', ['height', 'width']));
});
test.after(() => folder.remove());

test('figures of rankings, by hand', () => {
  // Of class a: the second of two others is relevant; b: none is, so precision is 0 and there is no average precision.
  const { p1, p10, map } = figuresOf(
    [
      [1, 2],
      [0, 2],
      [1, 0],
    ],
    ['a', 'b', 'a'],
  );
  assert.ok(Math.abs(p1 - 0) < 1e-12);
  assert.ok(Math.abs(p10 - 2 / 30) < 1e-12);
  assert.ok(Math.abs(map - 1 / 2) < 1e-12);
  assert.throws(() => figuresOf([[1]], ['a', 'b']), RangeError);
});

test('the mean that is subtracted decides: without its direction, classes part', () => {
  // All share one strong direction; what is left tells the classes apart.
  const row = (...values: number[]): Float32Array => Float32Array.from(values);
  const descriptors = [row(9, 1, 0), row(9, 0, 1), row(90, 9, 1), row(90, 1, 9)];
  const labels = ['a', 'b', 'a', 'b'];
  const figures = measureFeatures({ descriptors, labels }, [row(9, 0.5, 0.5), row(18, 1, 1)]);
  assert.equal([figures.p1, figures.map], [1, 1]);
  const scaled = descriptors.map((each, i) => each.map((value) => value * (i + 1)));
  assert.equal(measureFeatures({ descriptors: scaled, labels }, [row(9, 0.5, 0.5)]), figures);
  assert.throws(() => measureFeatures({ descriptors, labels }, []), RangeError);
  assert.throws(() => measureFeatures({ descriptors, labels }, [floats(2, 1)]), RangeError);
  assert.throws(() => measureFeatures({ descriptors: [[1, 2, 3]] as never, labels }, [row(1, 1, 1)]), TypeError);
});

test('models side by side: an installed one, a file of fixed shape, a file of any shape; again from the cache', async () => {
  const args = ['models', 'measure', 'densenet121-distilled', tiny, `${open}@48-square`];
  const sets = ['--photos', photos, '--mean-photos', mean, '--cache', cache];
  const first = await answerOf<{ models: Row[]; failed: unknown[] }>([
    ...args,
    ...sets,
    '--threads',
    '1',
    '2',
    '--timed',
    '1',
  ]);
  assert.equal(first.failed, []);
  const { entry: installed } = await findModel('densenet121-distilled');
  assert.equal(
    first.models.map(({ model, dims, inputSide, inputFit }) => [model, dims, inputSide, inputFit]),
    [
      ['densenet121-distilled', 1024, installed.inputSide, installed.inputFit],
      ['tiny.onnx', TINY_DIMS, TINY_SIDE, 'square'],
      ['open.onnx@48-square', TINY_DIMS, 48, 'square'],
    ],
  );
  for (const { sets: figures, times } of first.models) {
    assert.equal([figures[0]!.photos, figures[0]!.classes, figures[0]!.mean], [6, 3, 4]);
    assert.equal(
      times.map(({ threads }) => threads),
      [1, 2],
    );
    assert.ok(times.every(({ ms }) => ms > 0));
  }
  assert.ok(first.models[0]!.times.every(({ ratio }) => ratio === 1));
  // A grey copy of one of three photos: chance is an mAP near 0.46.
  assert.ok(first.models[0]!.sets[0]!.map > 0.8, String(first.models[0]!.sets[0]!.map));
  const kept = (await readdir(cache, { recursive: true })).length;
  const again = await answerOf<{ models: Row[] }>([...args, ...sets, '--timed', '0']);
  assert.equal(
    again.models.map((row) => row.sets),
    first.models.map((row) => row.sets),
  );
  assert.equal(again.models[0]!.times, []);
  assert.is((await readdir(cache, { recursive: true })).length, kept);
  const text = await blindsight([...args, ...sets, '--timed', '0']);
  assert.match(text.stdout, 'photos: 6 photos of 3 classes, the mean from 4 others');
});

test('a measured photo has no part in the mean, whatever its name; several sets, each with its own labels', async () => {
  await copyFile(join(SAMPLES, 'cat.jpg'), join(mean, 'zz-other-name.jpg'));
  const labels = join(folder.path, 'labels.csv');
  await writeFile(labels, 'path,class\ncoffee/a.jpg,x\ncoffee/b.jpg,x\ngrass/a.jpg,y\n');
  const sets = ['--photos', photos, '--photos', photos, '--labels', labels, '--mean-photos', mean, '--timed', '0'];
  const { models } = await answerOf<{ models: Row[] }>(['models', 'measure', tiny, ...sets]);
  assert.equal(
    models[0]!.sets.map(({ photos: count, classes, mean: others }) => [count, classes, others]),
    [
      [6, 3, 4],
      [3, 2, 5],
    ],
  );
  const itself = await blindsight(['models', 'measure', tiny, '--photos', photos, '--mean-photos', photos, '--json']);
  assert.is(itself.code, 1);
  assert.match(itself.stdout, 'that are not measured');
});

test('bad input is told: labels before photos, another side for a fixed shape, no file, no labels', async () => {
  const rest = ['--photos', photos, '--mean-photos', mean, '--timed', '0', '--json'];
  const code = async (...args: string[]): Promise<string> => {
    const { code: status, stdout } = await blindsight(['models', 'measure', ...args]);
    return status === 2 ? 'usage' : (JSON.parse(stdout) as { error: { code: string } }).error.code;
  };
  assert.is(await code(tiny, '--labels', 'x.csv', ...rest), 'usage');
  assert.is(await code(`${tiny}@48`, ...rest), 'parameter-mismatch');
  assert.is(await code(`${tiny}@${TINY_SIDE}-area`, ...rest), 'parameter-mismatch');
  assert.is(await code(join(folder.path, 'none.onnx'), ...rest), 'not-found');
  assert.is(await code('nothing', ...rest), 'model-unavailable');
  assert.is(await code(tiny, '--photos', mean, '--mean-photos', mean, '--json'), 'not-found');
});

test.run();
