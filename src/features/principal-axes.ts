/**
 * A few directions that hold most of a set of vectors, the mean included: orthogonal iteration on the second moment (Golub
 * and Van Loan, Matrix Computations, 8.2.4), of some of them, begun with the
 * vectors themselves. Two rounds: near enough.
 * @module
 */
import { instantiateKernels } from '../wasm/kernels.ts';
import { multiplyF32, multiplyTransposedF32 } from '../wasm/matrix.ts';

const ROUNDS = 2;
/** Vectors that axes are learned from. */
const SAMPLES = 256;
/** Rounding to f32 lengthens a little; so much shorter, the axes lengthen nothing. */
const SHORTER = 1 - 1e-6;
/** A row of which less is left is a sum of those before. */
const LEAST_SHARE = 1e-9;

/** Vectors by the few numbers that tell most of them apart. */
export interface Projection {
  /** f32[count * dims], row-major: as a matrix it lengthens no vector. */
  readonly axes: Float32Array<ArrayBuffer>;
  /** f32[n * count], row-major: the vectors along them. */
  readonly projected: Float32Array<ArrayBuffer>;
}

/**
 * @param module - Compiled kernels.
 * @param vectors - f32[n * dims], row-major; n at least `count`.
 * @param dims - Numbers a vector.
 * @param count - Axes wanted.
 * @param minShare - Least share of the vectors' squared norms that must lie along the axes.
 * @returns Undefined where less does, where they are more than half of the dims, or where something is no number.
 */
export function project(
  module: WebAssembly.Module,
  vectors: Float32Array,
  dims: number,
  count: number,
  minShare: number,
): Projection | undefined {
  if (2 * count > dims) return undefined;
  const n = vectors.length / dims;
  const kernels = instantiateKernels(module);
  const samples = Math.min(n, SAMPLES);
  const sample = takeRows(vectors, dims, samples);
  let axes = takeRows(sample, dims, count);
  for (let round = 0; round < ROUNDS; round++) {
    const along = multiplyTransposedF32(kernels, axes, sample, count, dims, samples);
    axes = orthonormalise(multiplyF32(kernels, along, sample, count, samples, dims), dims);
  }
  const projected = multiplyTransposedF32(kernels, vectors, axes, n, dims, count);
  return squares(projected) >= minShare * squares(vectors) ? { axes, projected } : undefined;
}

/** `count` rows, evenly spread. */
function takeRows(matrix: Float32Array, dims: number, count: number): Float32Array<ArrayBuffer> {
  const rows = matrix.length / dims;
  const out = new Float32Array(count * dims);
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * rows) / count) * dims;
    out.set(matrix.subarray(from, from + dims), i * dims);
  }
  return out;
}

/** Gram-Schmidt, twice; what depends on the rows before becomes 0. */
function orthonormalise(matrix: Float32Array, dims: number): Float32Array<ArrayBuffer> {
  const rows = Float64Array.from(matrix);
  for (let at = 0; at < rows.length; at += dims) {
    const row = rows.subarray(at, at + dims);
    const before = Math.sqrt(squares(row));
    for (let twice = 0; twice < 2; twice++)
      for (let from = 0; from < at; from += dims) {
        let share = 0;
        for (let d = 0; d < dims; d++) share += row[d]! * rows[from + d]!;
        for (let d = 0; d < dims; d++) row[d]! -= share * rows[from + d]!;
      }
    const norm = Math.sqrt(squares(row));
    const scale = norm > LEAST_SHARE * before ? SHORTER / norm : 0;
    for (let d = 0; d < dims; d++) row[d]! *= scale;
  }
  return Float32Array.from(rows);
}

function squares(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return sum;
}
