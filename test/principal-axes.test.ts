import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { project } from '../src/features/principal-axes.ts';
import { floats, kernels } from './support.ts';

const test = suite('principal axes');

const DIMS = 60;
const COUNT = 8;

/** Rows of a plane, stretched along its first axis, and a little off it. */
function flat(rows: number, noise: number): Float32Array {
  const [along, across] = [floats(DIMS, 1), floats(DIMS, 2)];
  const shares = floats(2 * rows, 3);
  return floats(DIMS * rows, 4).map((value, at) => {
    const [row, d] = [Math.floor(at / DIMS), at % DIMS];
    return 5 * shares[2 * row]! * along[d]! + shares[2 * row + 1]! * across[d]! + noise * value;
  });
}

function norm(values: ArrayLike<number>): number {
  return Math.hypot(...Array.from(values));
}

test('axes are orthonormal, and hold nearly all of vectors near a plane', () => {
  const { axes } = project(kernels, flat(500, 0.1), DIMS, COUNT, 0.99)!;
  for (let a = 0; a < COUNT; a++)
    for (let b = 0; b <= a; b++) {
      let product = 0;
      for (let d = 0; d < DIMS; d++) product += axes[a * DIMS + d]! * axes[b * DIMS + d]!;
      assert.ok(Math.abs(product - (a === b ? 1 : 0)) < 1e-5, `${a}, ${b}: ${product}`);
    }
});

test('no vector is lengthened, in f64', () => {
  for (const noise of [0, 0.001, 0.1]) {
    const vectors = flat(300, noise);
    const { axes, projected } = project(kernels, vectors, DIMS, COUNT, 0.5)!;
    const others = floats(DIMS * 300, 9);
    for (let i = 0; i < 300; i++)
      // Vectors that lie in the space of the axes would show it most.
      for (const from of [vectors, others, axes]) {
        const vector = from.subarray(i * DIMS, (i + 1) * DIMS);
        if (vector.length === 0) continue;
        const along = Array.from({ length: COUNT }, (_, a) =>
          vector.reduce((sum, value, d) => sum + value * axes[a * DIMS + d]!, 0),
        );
        assert.ok(norm(along) <= norm(vector), `${noise}: ${i}`);
        if (from === vectors)
          along.forEach((value, a) => assert.ok(Math.abs(value - projected[i * COUNT + a]!) < 1e-4 * norm(vector)));
      }
  }
});

test('nothing where too much is off the axes, they are no saving, or something is no number', () => {
  assert.is(project(kernels, floats(DIMS * 300, 1), DIMS, COUNT, 0.9), undefined);
  assert.is(project(kernels, flat(300, 0), DIMS, DIMS / 2 + 1, 0.5), undefined);
  for (const bad of [NaN, Infinity]) {
    const vectors = flat(300, 0);
    vectors[77] = bad;
    assert.is(project(kernels, vectors, DIMS, COUNT, 0.5), undefined);
  }
});

test('vectors of nothing have no axes, and vectors all alike have one', () => {
  assert.equal(project(kernels, new Float32Array(DIMS * 300), DIMS, COUNT, 0.5)?.axes, new Float32Array(DIMS * COUNT));
  const alike = Float32Array.from({ length: DIMS * 300 }, (_, i) => i % DIMS);
  const { axes } = project(kernels, alike, DIMS, COUNT, 0.5)!;
  assert.ok(Math.abs(norm(axes.subarray(0, DIMS)) - 1) < 1e-5);
});

test.run();
