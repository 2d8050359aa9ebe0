/** Eigenpairs, principal axes, polar factors, quantisation: what a block is made of. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gaussian, seededRandom } from '../src/base/random.ts';
import { Projection } from '../src/codes/projection.ts';
import { eigen } from '../src/train/eigen.ts';
import { quantise } from '../src/train/itq.ts';
import { principalAxes } from '../src/train/pca.ts';
import { polarFactor } from '../src/train/polar.ts';
import { trainBlock } from '../src/train/train-block.ts';
import { instantiateKernels, type Kernels } from '../src/wasm/kernels.ts';
import { project, signs } from './reference/codes.ts';
import { jacobi, procrustes, product, turn, type Matrix } from './reference/training.ts';
import { builds, floats, kernels as module } from './support.ts';

const test = suite('training');
const kernels = instantiateKernels(module);

function normals(length: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  return Float64Array.from({ length }, () => gaussian(random));
}

function rowsOf(a: ArrayLike<number>, columns: number): Matrix {
  return Array.from({ length: a.length / columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => a[i * columns + j]!),
  );
}

function near(actual: ArrayLike<number>, expected: ArrayLike<number>, within: number, message = ''): void {
  assert.is(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= within, `${message} ${i}: ${actual[i]} ${expected[i]}`);
}

/** Largest entry of `|A A^T - I|`. */
function lackOfOrthogonality(a: Matrix): number {
  return Math.max(...product(a, turn(a)).flatMap((row, i) => row.map((x, j) => Math.abs(x - (i === j ? 1 : 0)))));
}

/** Runs steps to their result. */
function finish<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function symmetric(n: number, seed: number): Float64Array {
  const a = normals(n * n, seed);
  return a.map((value, at) => value + a[(at % n) * n + Math.floor(at / n)]!);
}

test('eigenvalues known in closed form', () => {
  near(eigen(Float64Array.from([2, 1, 1, 2]), 2).values, [3, 1], 1e-14);
  near(eigen(Float64Array.from([2, 1, 1, 2]), 2).vectors.map(Math.abs), new Array(4).fill(Math.SQRT1_2), 1e-14);
  // The second difference: 2 - 2 cos(k pi / (n + 1)), k = 1..n (Strang, Introduction to Applied Mathematics, 5.5).
  const n = 40;
  const difference = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    difference[i * n + i] = 2;
    if (i > 0) difference[i * n + i - 1] = difference[(i - 1) * n + i] = -1;
  }
  const expected = Array.from({ length: n }, (_, k) => 2 - 2 * Math.cos(((n - k) * Math.PI) / (n + 1)));
  near(eigen(difference, n).values, expected, 1e-12);
  near(eigen(new Float64Array(9), 3).values, [0, 0, 0], 0);
  assert.is(eigen(new Float64Array(0), 0).values.length, 0);
});

for (const n of [1, 2, 3, 8, 25])
  test(`eigenpairs equal Jacobi's, ${n} x ${n}`, () => {
    const matrix = symmetric(n, n);
    const { values, vectors } = eigen(matrix, n);
    near(values, jacobi(rowsOf(matrix, n)).values, 1e-10);
    assert.ok(lackOfOrthogonality(rowsOf(vectors, n)) < 1e-12);
    const image = product(rowsOf(vectors, n), rowsOf(matrix, n));
    image.forEach((row, i) =>
      near(
        row,
        rowsOf(vectors, n)[i]!.map((x) => x * values[i]!),
        1e-10,
      ),
    );
  });

test('repeated eigenvalues still have orthonormal vectors', () => {
  const n = 12;
  const ones = new Float64Array(n * n).fill(1);
  const { values, vectors } = eigen(ones, n);
  near(values, [n, ...new Array(n - 1).fill(0)], 1e-12);
  assert.ok(lackOfOrthogonality(rowsOf(vectors, n)) < 1e-12);
});

test('principal axes of points with known spread', () => {
  // Deviations 3, 2, 0.5 along the axes, turned by a known rotation about (1, 2, 3).
  const [c, s] = [Math.cos(0.7), Math.sin(0.7)];
  const draw = normals(3 * 20000, 1);
  const rows = new Float32Array(draw.length);
  for (let i = 0; i < draw.length; i += 3) {
    const [x, y, z] = [2 * draw[i]!, 3 * draw[i + 1]!, 0.5 * draw[i + 2]!];
    rows.set([1 + c * x - s * y, 2 + s * x + c * y, 3 + z], i);
  }
  const { mean, axes, variances } = principalAxes(rows, 3, 3);
  near(mean, [1, 2, 3], 0.05);
  near(
    variances.map((value, i) => value / [9, 4, 0.25][i]!),
    [1, 1, 1],
    0.05,
  );
  // Each axis points where its largest number is positive.
  near(axes, [-s, c, 0, c, s, 0, 0, 0, 1], 0.02);
});

test('principal axes equal the definition', () => {
  const rows = floats(37 * 6, 5);
  const table = rowsOf(rows, 6);
  const mean = turn(table).map((column) => column.reduce((sum, x) => sum + x, 0) / 37);
  const centred = table.map((row) => row.map((x, j) => x - mean[j]!));
  const covariance = product(turn(centred), centred).map((row) => row.map((x) => x / 37));
  const expected = jacobi(covariance);
  const actual = principalAxes(rows, 6, 4);
  near(actual.mean, mean, 1e-6);
  near(actual.variances, expected.values.slice(0, 4), 1e-9);
  rowsOf(actual.axes, 6).forEach((axis, i) => {
    const cosine = axis.reduce((sum, x, j) => sum + x * expected.vectors[i]![j]!, 0);
    near([Math.abs(cosine)], [1], 1e-6);
  });
});

test('PCA of fewer rows than numbers in one gives the same axes', () => {
  const rows = floats(9 * 20, 5);
  // Three copies of every row have the same mean and covariance, and are more than 20.
  const doubled = new Float32Array(3 * rows.length);
  for (let i = 0; i < 3; i++) doubled.set(rows, i * rows.length);
  const few = principalAxes(rows, 20, 7);
  const many = principalAxes(doubled, 20, 7);
  for (const [i, value] of many.axes.entries()) assert.ok(Math.abs(few.axes[i]! - value) < 1e-4, `${i}`);
  for (const [i, value] of many.variances.entries()) assert.ok(Math.abs(few.variances[i]! - value) < 1e-6);
});

for (const [build, compiled] of Object.entries(builds))
  for (const n of [1, 2, 5, 8, 17])
    test(`the polar factor solves Procrustes as the SVD does, ${n} x ${n}, ${build}`, () => {
      const matrix = normals(n * n, 100 + n);
      const actual = polarFactor(instantiateKernels(compiled), matrix, n);
      near(actual, procrustes(rowsOf(matrix, n)).flat(), 1e-6);
      assert.ok(lackOfOrthogonality(rowsOf(actual, n)) < 1e-9);
    });

test('polar factors of rotations, scaled and spread matrices', () => {
  near(polarFactor(kernels, Float64Array.from([0, -5, 5, 0]), 2), [0, -1, 1, 0], 1e-9);
  near(polarFactor(kernels, Float64Array.from([1e6, 0, 0, 1e-1]), 2), [1, 0, 0, 1], 1e-9);
  near(polarFactor(kernels, new Float64Array(4), 2), [0, 0, 0, 0], 0);
});

function losses(instance: Kernels, rows: Float32Array, bits: number, seed: number): [number[], Float32Array] {
  const steps = quantise(instance, rows, bits, { seed, iterations: 30 });
  const out: number[] = [];
  for (;;) {
    const step = steps.next();
    if (step.done === true) return [out, step.value];
    out.push(step.value.loss);
  }
}

test('quantisation: the rotation is orthogonal, the loss never rises, the seed decides', () => {
  const rows = Float32Array.from(normals(300 * 16, 3), (value, i) => value / (1 + (i % 16)));
  const [loss, rotation] = losses(kernels, rows, 16, 9);
  assert.is(loss.length, 30);
  for (let i = 1; i < loss.length; i++) assert.ok(loss[i]! <= loss[i - 1]! * (1 + 1e-6), `iteration ${i}`);
  assert.ok(loss[29]! < 0.999 * loss[0]!);
  assert.ok(lackOfOrthogonality(rowsOf(rotation, 16)) < 1e-5);
  assert.equal(losses(kernels, rows, 16, 9)[1], rotation);
  assert.not.equal(losses(kernels, rows, 16, 10)[1], rotation);
});

test('quantisation finds the corners of a turned cube', () => {
  // The corners of a cube, turned: a rotation exists that loses nothing.
  const random = seededRandom(4);
  const n = 4;
  const turned = rowsOf(polarFactor(kernels, normals(n * n, 8), n), n);
  const corners = Array.from({ length: 200 }, () => Array.from({ length: n }, () => (random() < 0.5 ? -1 : 1)));
  const rows = Float32Array.from(product(corners, turned).flat());
  const best = Math.min(...[1, 2, 3].map((seed) => losses(kernels, rows, n, seed)[0][29]!));
  assert.ok(best < 1e-6, `${best}`);
});

test('fewer images than bits, and directions without variance, still give a rotation', () => {
  const rows = floats(10 * 16, 2).map((value, i) => (i % 16 < 12 ? value : 0));
  const [, rotation] = losses(kernels, rows, 16, 1);
  assert.ok(lackOfOrthogonality(rowsOf(rotation, 16)) < 1e-4, `${lackOfOrthogonality(rowsOf(rotation, 16))}`);
});

for (const normalise of [false, true])
  test(`a block projects as its training did, normalise ${normalise}`, () => {
    const [count, dims, bits] = [200, 20, 16];
    const rows = floats(count * dims, 6).map((value, i) => value / (1 + (i % dims)) + 0.2);
    const options = { feature: 'deep' as const, bits, normalise, seed: 1, iterations: 20 };
    const block = finish(trainBlock(kernels, rows, dims, options));
    const values = rowsOf(rows, dims).map((row) => project(block, row));
    for (let j = 0; j < bits; j++) {
      const column = values.map((row) => row[j]!);
      const mean = column.reduce((sum, value) => sum + value, 0) / count;
      const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
      // Projections are centred, and their deviation is stored.
      assert.ok(Math.abs(mean) < 1e-5);
      near([block.deviation[j]!], [deviation], 1e-5);
    }
    const fast = new Projection(module, block);
    rowsOf(rows, dims).forEach((row, i) => near(fast.project(Float32Array.from(row)), values[i]!, 1e-5));
    assert.is(signs(fast.binarise(rows.slice(0, dims))).length, bits);
    assert.equal(finish(trainBlock(kernels, rows, dims, options)), block);
  });

test('whitening wholly gives uncorrelated projections of variance 1, in part the roots of the variances', () => {
  const [count, dims, bits] = [300, 12, 8];
  const rows = floats(count * dims, 8).map((value, i) => value / (1 + (i % dims)));
  const { variances } = principalAxes(rows, dims, bits);
  const covariance = (whitening: number): number[][] => {
    const options = { feature: 'ehd' as const, bits, normalise: false, whitening, seed: 1, iterations: 20 };
    const block = finish(trainBlock(kernels, rows, dims, options));
    const values = rowsOf(rows, dims).map((row) => project(block, row));
    const mean = (i: number, j: number): number => values.reduce((sum, row) => sum + row[i]! * row[j]!, 0) / count;
    return Array.from({ length: bits }, (_, i) => Array.from({ length: bits }, (_, j) => mean(i, j)));
  };
  covariance(1).forEach((row, i) => row.forEach((value, j) => near([value], [i === j ? 1 : 0], 0.02)));
  const trace = (whitening: number): number => covariance(whitening).reduce((sum, row, i) => sum + row[i]!, 0);
  for (const whitening of [0, 0.5])
    near([trace(whitening)], [variances.reduce((sum, value) => sum + value ** (1 - whitening), 0)], 0.02);
});

test('rejects what it cannot use', () => {
  const rows = floats(20, 1);
  const shape = { feature: 'ehd' as const, normalise: false, seed: 1, iterations: 2 };
  assert.throws(() => finish(trainBlock(kernels, rows, 10, { ...shape, bits: 16 })), RangeError);
  assert.throws(() => finish(trainBlock(kernels, rows, 10, { ...shape, bits: 4 })), /multiple of 8/);
  for (const whitening of [-0.1, 1.1, NaN])
    assert.throws(() => finish(trainBlock(kernels, rows, 10, { ...shape, bits: 8, whitening })), RangeError);
  assert.throws(() => principalAxes(rows, 3, 2), RangeError);
  assert.throws(() => principalAxes(rows, 5, 6), RangeError);
  assert.throws(() => principalAxes([1] as unknown as Float32Array, 1, 1), TypeError);
  assert.throws(() => finish(quantise(kernels, rows, 3, { seed: 1, iterations: 1 })), RangeError);
});

test.run();
