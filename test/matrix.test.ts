import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { instantiateKernels } from '../src/wasm/kernels.ts';
import { multiplyF32, multiplyF64, multiplyTransposedF32, multiplyVectorF64, reflectF64 } from '../src/wasm/matrix.ts';
import { multiply, reflection, toRows, transpose, type Rows } from './reference/matmul.ts';
import { builds, floats, kernels as module } from './support.ts';

// Every remainder of the tiles (4 x 8 and 4 x 4), and inner lengths around the depth of a panel (256 and 512).
const SHAPES: [number, number, number][] = [
  [64, 64, 64],
  [5, 255, 9],
  [6, 256, 11],
  [7, 257, 13],
  [9, 511, 17],
  [4, 512, 8],
  [3, 513, 7],
  [2, 1030, 12],
];
for (let rows = 0; rows <= 5; rows++)
  for (let columns = 0; columns <= 9; columns++) for (const inner of [0, 1, 2, 5]) SHAPES.push([rows, inner, columns]);

function assertClose(got: ArrayLike<number>, expected: Rows, tolerance: number, message: string): void {
  const flat = expected.flat();
  assert.is(got.length, flat.length, message);
  flat.forEach((value, i) => assert.ok(Math.abs(got[i]! - value) <= tolerance, `${message}: ${got[i]} and ${value}`));
}

const integers = (length: number, seed: number): Float32Array<ArrayBuffer> =>
  floats(length, seed).map((value) => Math.round(8 * value));

/** The slow product; shapes without rows, columns or inner length have no rows to look at. */
function product(
  a: Float32Array | Float64Array,
  b: Float32Array | Float64Array,
  shape: [number, number, number],
): Rows {
  const [rows, inner, columns] = shape;
  if (rows * inner * columns === 0) return Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
  return multiply(toRows(a, inner), toRows(b, columns));
}

for (const [build, wasm] of Object.entries(builds)) {
  const test = suite(`matrix, ${build}`);
  const kernels = instantiateKernels(wasm);

  test('known answers', () => {
    const a = [1, 2, 3, 4];
    const b = [5, 6, 7, 8];
    assert.equal([...multiplyF32(kernels, Float32Array.from(a), Float32Array.from(b), 2, 2, 2)], [19, 22, 43, 50]);
    assert.equal(
      [...multiplyTransposedF32(kernels, Float32Array.from(a), Float32Array.from(b), 2, 2, 2)],
      [17, 23, 39, 53],
    );
    assert.equal([...multiplyF64(kernels, Float64Array.from(a), Float64Array.from(b), 2, 2, 2)], [19, 22, 43, 50]);
    assert.equal([...multiplyVectorF64(kernels, Float64Array.from(a), Float64Array.of(1, -1), 2, 2)], [-1, -1]);
    // The mirror that swaps the axes.
    assert.equal([...reflectF64(kernels, Float64Array.from(a), 2, 2, Float64Array.of(1, -1))], [3, 4, 1, 2]);
  });

  test('products equal the definition, exactly for integers', () => {
    for (const shape of SHAPES) {
      const [rows, inner, columns] = shape;
      const a = integers(rows * inner, 1);
      const b = integers(inner * columns, 2);
      const expected = product(a, b, shape);
      const message = shape.join(' x ');
      assertClose(multiplyF32(kernels, a, b, rows, inner, columns), expected, 0, message);
      const mirrored = Float32Array.from(transpose(columns * inner === 0 ? [] : toRows(b, columns)).flat());
      assertClose(multiplyTransposedF32(kernels, a, mirrored, rows, inner, columns), expected, 0, message);
      const a64 = Float64Array.from(a);
      const b64 = Float64Array.from(b);
      assertClose(multiplyF64(kernels, a64, b64, rows, inner, columns), expected, 0, message);
    }
  });

  test('products of real numbers are close', () => {
    const [rows, inner, columns] = [13, 600, 21];
    const a = floats(rows * inner, 3);
    const b = floats(inner * columns, 4);
    const expected = product(a, b, [rows, inner, columns]);
    assertClose(multiplyF32(kernels, a, b, rows, inner, columns), expected, 1e-3, 'f32');
    const wide = multiplyF64(kernels, Float64Array.from(a), Float64Array.from(b), rows, inner, columns);
    assertClose(wide, expected, 1e-11, 'f64');
  });

  test('matrix-vector products at every length', () => {
    for (let columns = 0; columns <= 40; columns++) {
      const matrix = Float64Array.from(integers(3 * columns, 5));
      const x = Float64Array.from(integers(columns, 6));
      const expected = columns === 0 ? [[0], [0], [0]] : multiply(toRows(matrix, columns), toRows(x, 1));
      assertClose(multiplyVectorF64(kernels, matrix, x, 3, columns), expected, 0, `${columns} columns`);
    }
  });

  test('reflections equal the definition', () => {
    for (let rows = 1; rows <= 9; rows++)
      for (const columns of [1, 2, 5, 8]) {
        const matrix = Float64Array.from(floats(rows * columns, 7));
        // Two reflections; the second does not touch the first row.
        const vectors = Float64Array.from(floats(2 * rows, 8));
        vectors[rows] = 0;
        const [first, second] = toRows(vectors, rows).map(reflection);
        const expected = multiply(second!, multiply(first!, toRows(matrix, columns)));
        assertClose(reflectF64(kernels, matrix, rows, columns, vectors), expected, 1e-13, `${rows} x ${columns}`);
      }
  });

  test('reflections of the identity are orthogonal', () => {
    const size = 33;
    const identity = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
    const q = reflectF64(kernels, identity, size, size, Float64Array.from(floats(size * size, 9)));
    const rows = toRows(q, size);
    assertClose(identity, multiply(rows, transpose(rows)), 1e-12, 'Q Q^T');
  });

  test.run();
}

const test = suite('matrix');

test('rejects lengths that do not fit', () => {
  const kernels = instantiateKernels(module);
  const two = new Float32Array(2);
  assert.throws(() => multiplyF32(kernels, two, two, 2, 2, 1), /"a" expected 4 numbers, got 2/);
  assert.throws(() => multiplyTransposedF32(kernels, two, two, 1, 2, 2), /"b" expected 4 numbers, got 2/);
  const wide = new Float64Array(2);
  assert.throws(() => multiplyF64(kernels, wide, wide, 1, 2, 2), /"b" expected 4 numbers, got 2/);
  assert.throws(() => multiplyVectorF64(kernels, wide, wide, 1, 3), /"matrix" expected 3 numbers, got 2/);
  assert.throws(() => reflectF64(kernels, wide, 2, 1, new Float64Array(3)), /"vectors" expected 4 numbers, got 3/);
});

test.run();
