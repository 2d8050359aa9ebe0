import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BagOfWords } from '../src/features/bag-of-words.ts';
import { DenseSift } from '../src/features/dense-sift.ts';
import type { LocalFeatures } from '../src/features/local-features.ts';
import { Sift } from '../src/features/sift.ts';
import { floats, kernels } from './support.ts';
import { texture } from './textures.ts';

const test = suite('BagOfWords');

/** Word w of the codebook is the w-th unit vector; so is a feature that shows it. */
function units(...words: number[]): Float32Array<ArrayBuffer> {
  const out = new Float32Array(128 * words.length);
  words.forEach((word, i) => (out[128 * i + word] = 1));
  return out;
}

const local = (...words: number[]): LocalFeatures => ({
  count: words.length,
  points: new Float32Array(4 * words.length),
  descriptors: units(...words),
});

test('tf-idf by hand', () => {
  const bag = new BagOfWords(kernels, units(0, 1, 2, 3), Float32Array.of(1, 2, 0.5, 4));
  assert.is(bag.dims, 4);
  // Counts 3, 1, 2, 0 times idf: 3, 2, 1, 0; the squares of their square roots sum to 6.
  const expected = [3, 2, 1, 0].map((value) => Math.sqrt(value / 6));
  bag.describe(local(0, 2, 0, 1, 0, 2)).forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-7));
});

test('no feature, or only words without weight: all 0', () => {
  const bag = new BagOfWords(kernels, units(0, 1, 2), Float32Array.of(1, 0, 1));
  assert.equal([...bag.describe(local())], [0, 0, 0]);
  assert.equal([...bag.describe(local(1, 1))], [0, 0, 0]);
});

test('keypoints and grids alike give L2 norm 1, whatever their order', () => {
  const luma = texture(120, 90, 1);
  const bag = new BagOfWords(
    kernels,
    floats(128 * 50, 2).map(Math.abs),
    floats(50, 3).map((value) => 1 + value),
  );
  for (const features of [new Sift(kernels).describe(luma), new DenseSift(kernels).describe(luma)]) {
    const descriptor = bag.describe(features);
    assert.ok(Math.abs(Math.hypot(...descriptor) - 1) < 1e-6);
    const { count, descriptors } = features;
    const backwards = new Float32Array(descriptors.length);
    for (let i = 0; i < count; i++) backwards.set(descriptors.subarray(128 * i, 128 * (i + 1)), 128 * (count - 1 - i));
    assert.equal(bag.describe({ ...features, descriptors: backwards }), descriptor);
  }
});

test('keeps its own idf', () => {
  const idf = Float32Array.of(1, 1);
  const bag = new BagOfWords(kernels, units(0, 1), idf);
  idf.fill(9);
  idf[0] = 0;
  assert.equal([...bag.describe(local(0))], [1, 0]);
});

test('rejects what it cannot use', () => {
  for (const bad of [undefined, null, [1], new Float64Array(128)] as unknown[])
    assert.throws(
      () => new BagOfWords(kernels, bad as Float32Array, new Float32Array(1)),
      (e: Error) => e instanceof TypeError,
    );
  assert.throws(
    () => new BagOfWords(kernels, new Float32Array(0), new Float32Array(0)),
    (e: Error) => e instanceof RangeError,
  );
  assert.throws(
    () => new BagOfWords(kernels, new Float32Array(127), new Float32Array(1)),
    (e: Error) => e instanceof RangeError,
  );
  assert.throws(
    () => new BagOfWords(kernels, new Float32Array(256), new Float32Array(1)),
    /"idf" expected 2 numbers, got 1/,
  );
  const bag = new BagOfWords(kernels, units(0), Float32Array.of(1));
  assert.throws(
    () => bag.describe(undefined as unknown as LocalFeatures),
    (e: Error) => e instanceof TypeError,
  );
  assert.throws(() => bag.describe({ ...local(0), count: 2 }), /"local.descriptors" expected 256 numbers, got 128/);
});

test.run();
