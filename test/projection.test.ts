import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Block } from '../src/codes/block.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import { Projection } from '../src/codes/projection.ts';
import { project } from './reference/projection.ts';
import { NOT_BYTES, builds, floats, kernels } from './support.ts';

function blockOf(dims: number, bits: number, normalise: boolean): Block {
  return {
    feature: 'deep',
    dims,
    bits,
    normalise,
    mean: floats(dims, 1).map((value) => value / 10),
    matrix: floats(dims * bits, 2),
    offset: floats(bits, 3),
    deviation: new Float32Array(bits).fill(1),
  };
}

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`Projection, ${build}`);

  test('known answers', () => {
    const block: Block = {
      ...blockOf(2, 8, false),
      mean: Float32Array.of(1, 1),
      matrix: Float32Array.of(1, 0, 0, 1, 1, 1, 1, -1, 0, 0, 2, 0, 0, 2, -1, 0),
      offset: Float32Array.of(0, 0, 7, 0, 0, 0, 0, 0),
    };
    const projection = new Projection(module, block);
    assert.equal([...projection.project(Float32Array.of(3, 5))], [2, 4, -1, -2, 0, 4, 8, -2]);
    assert.equal([...projection.binarise(Float32Array.of(3, 5))], [0b01110011]);
    const unit = new Projection(module, { ...block, normalise: true, mean: new Float32Array(2) });
    assert.equal(unit.project(Float32Array.of(3, 4)).slice(0, 2), Float32Array.of(0.6, 0.8));
  });

  test('equals the definition at every length', () => {
    for (let dims = 1; dims <= 40; dims++)
      for (const normalise of [false, true])
        for (const bits of [8, 24]) {
          const block = blockOf(dims, bits, normalise);
          const x = floats(dims, dims);
          const values = new Projection(module, block).project(x);
          const expected = project(block, x);
          values.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${dims} dims`));
        }
  });

  test('zeros stay zeros under normalisation', () => {
    const block = { ...blockOf(5, 8, true), mean: new Float32Array(5) };
    const values = new Projection(module, block).project(new Float32Array(5));
    assert.equal(
      [...values],
      Array.from(block.offset, (number) => 0 - number),
    );
    // A mean makes a direction of them again.
    const centred = blockOf(5, 8, true);
    const expected = project(centred, new Float32Array(5));
    const got = new Projection(module, centred).project(new Float32Array(5));
    got.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-5));
  });

  test('bits are the signs of the numbers', () => {
    for (const bits of [8, 64, 256]) {
      const projection = new Projection(module, blockOf(150, bits, true));
      const x = floats(150, bits);
      assert.equal(projection.binarise(x), packSigns(projection.project(x)));
    }
  });

  test.run();
}

const test = suite('Projection');

test('both builds give the same bits, and inputs stay', () => {
  const block = blockOf(1024, 64, true);
  const x = floats(1024, 9);
  const before = x.slice();
  const values = new Projection(builds.release, block).project(x);
  assert.equal(new Projection(builds.debug, block).project(x), values);
  assert.equal(x, before);
});

test('rejects what it cannot use', () => {
  const block = blockOf(4, 8, true);
  assert.throws(() => new Projection(kernels, { ...block, mean: new Float32Array(3) }), /"mean" expected 4 numbers/);
  assert.throws(() => new Projection(kernels, { ...block, matrix: new Float32Array(3) }), /"matrix" expected 32/);
  assert.throws(() => new Projection(kernels, { ...block, offset: new Float32Array(3) }), /"offset" expected 8/);
  const projection = new Projection(kernels, block);
  for (const bad of NOT_BYTES)
    assert.throws(
      () => projection.project(bad as Float32Array),
      (error: Error) => error instanceof TypeError,
    );
  assert.throws(() => projection.binarise(new Float32Array(5)), /"x" expected 4 numbers, got 5/);
});

test.run();
