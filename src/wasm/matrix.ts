/**
 * Linear algebra over typed arrays, matrices row-major.
 *
 * Every function lays out the memory of the instance it is given anew: give it one that holds nothing else.
 * @module
 */
import { layOut, type Kernels } from './kernels.ts';

/** Scratch of `assembly/matmul-f32.ts`, and of `assembly/matmul-f64.ts` below: a packed panel and one tile. */
export const SCRATCH_F32_BYTES: number = 512 * 8 * 4 + 4 * 8 * 4;
const SCRATCH_F64_BYTES = 256 * 4 * 8 + 4 * 4 * 8;

/**
 * `a b`.
 * @param a - f32[rows * inner].
 * @param b - f32[inner * columns].
 * @returns f32[rows * columns].
 * @throws On arrays of other lengths. {@link RangeError}
 */
export function multiplyF32(
  kernels: Kernels,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  return productF32(kernels, kernels.multiplyF32, a, b, rows, inner, columns);
}

/**
 * `a b^T`.
 * @param a - f32[rows * inner].
 * @param b - f32[columns * inner].
 * @returns f32[rows * columns].
 * @throws On arrays of other lengths. {@link RangeError}
 */
export function multiplyTransposedF32(
  kernels: Kernels,
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  return productF32(kernels, kernels.multiplyTransposedF32, a, b, rows, inner, columns);
}

function productF32(
  kernels: Kernels,
  multiply: Kernels['multiplyF32'],
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  assertLength(a, 'a', rows * inner);
  assertLength(b, 'b', inner * columns);
  const c = 4 * rows * columns;
  const at = layOut(kernels, { a: a.byteLength, b: b.byteLength, c, scratch: SCRATCH_F32_BYTES });
  const { buffer } = kernels.memory;
  new Float32Array(buffer, at.a, a.length).set(a);
  new Float32Array(buffer, at.b, b.length).set(b);
  multiply(at.a, at.b, rows, inner, columns, at.c, at.scratch);
  return new Float32Array(buffer, at.c, rows * columns).slice();
}

/**
 * `a b`.
 * @param a - f64[rows * inner].
 * @param b - f64[inner * columns].
 * @returns f64[rows * columns].
 * @throws On arrays of other lengths. {@link RangeError}
 */
export function multiplyF64(
  kernels: Kernels,
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array<ArrayBuffer> {
  assertLength(a, 'a', rows * inner);
  assertLength(b, 'b', inner * columns);
  const c = 8 * rows * columns;
  const at = layOut(kernels, { a: a.byteLength, b: b.byteLength, c, scratch: SCRATCH_F64_BYTES });
  const { buffer } = kernels.memory;
  new Float64Array(buffer, at.a, a.length).set(a);
  new Float64Array(buffer, at.b, b.length).set(b);
  kernels.multiplyF64(at.a, at.b, rows, inner, columns, at.c, at.scratch);
  return new Float64Array(buffer, at.c, rows * columns).slice();
}

/**
 * `matrix x`.
 * @param matrix - f64[rows * columns].
 * @param x - f64[columns].
 * @returns f64[rows].
 * @throws On arrays of other lengths. {@link RangeError}
 */
export function multiplyVectorF64(
  kernels: Kernels,
  matrix: Float64Array,
  x: Float64Array,
  rows: number,
  columns: number,
): Float64Array<ArrayBuffer> {
  assertLength(matrix, 'matrix', rows * columns);
  assertLength(x, 'x', columns);
  const at = layOut(kernels, { matrix: matrix.byteLength, x: x.byteLength, out: 8 * rows });
  const { buffer } = kernels.memory;
  new Float64Array(buffer, at.matrix, matrix.length).set(matrix);
  new Float64Array(buffer, at.x, columns).set(x);
  kernels.multiplyVectorF64(at.matrix, at.x, rows, columns, at.out);
  return new Float64Array(buffer, at.out, rows).slice();
}

/**
 * A matrix under Householder reflections `I - 2 v v^T / (v^T v)`, applied from the left, the first vector first.
 * A vector of zeros changes nothing; leading zeros make a reflection cheaper.
 * @param matrix - f64[rows * columns].
 * @param vectors - f64[n * rows], one reflection a row.
 * @returns f64[rows * columns].
 * @throws On arrays of other lengths. {@link RangeError}
 */
export function reflectF64(
  kernels: Kernels,
  matrix: Float64Array,
  rows: number,
  columns: number,
  vectors: Float64Array,
): Float64Array<ArrayBuffer> {
  assertLength(matrix, 'matrix', rows * columns);
  const count = rows === 0 ? 0 : vectors.length / rows;
  assertLength(vectors, 'vectors', Math.ceil(count) * rows);
  const at = layOut(kernels, { matrix: matrix.byteLength, vector: 8 * rows, scratch: 8 * columns });
  const { buffer } = kernels.memory;
  const out = new Float64Array(buffer, at.matrix, matrix.length);
  const vector = new Float64Array(buffer, at.vector, rows);
  out.set(matrix);
  for (let i = 0; i < count; i++) {
    vector.set(vectors.subarray(i * rows, (i + 1) * rows));
    const from = vector.findIndex((number) => number !== 0);
    if (from >= 0) kernels.reflectF64(at.matrix, rows, columns, at.vector, from, at.scratch);
  }
  return out.slice();
}

function assertLength(value: Float32Array | Float64Array, name: string, length: number): void {
  if (value.length !== length) throw new RangeError(`"${name}" expected ${length} numbers, got ${value.length}`);
}
