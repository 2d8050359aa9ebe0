/**
 * Principal component analysis: the directions in which descriptors vary most.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { eigen } from './eigen.ts';

/** Axes of a set of rows. */
export interface PrincipalAxes {
  /** f32[dims] */
  readonly mean: Float32Array<ArrayBuffer>;
  /** f32[keep * dims], row-major: orthonormal, largest variance first. */
  readonly axes: Float32Array<ArrayBuffer>;
  /** f64[keep]: variance along each axis. */
  readonly variances: Float64Array<ArrayBuffer>;
}

/**
 * The `keep` principal axes. The sign of each axis is fixed by its largest number, which is positive.
 * @param rows - f32[count * dims], at least one row.
 * @param dims - Numbers a row.
 * @param keep - Axes wanted, 1..dims.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On wrong lengths. {@link RangeError}
 */
export function principalAxes(rows: Float32Array, dims: number, keep: number): PrincipalAxes {
  assertFloats(rows, 'rows');
  assertInteger(dims, 'dims', 1, 1 << 16);
  assertInteger(keep, 'keep', 1, dims);
  const count = rows.length / dims;
  assertInteger(count, 'count', 1, 2 ** 32);
  const mean = new Float64Array(dims);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < dims; j++, at++) mean[j]! += rows[at]!;
  for (let j = 0; j < dims; j++) mean[j]! /= count;
  const fewer = keep < count && count < dims;
  const { values, vectors } = fewer ? dualEigen(rows, dims, mean) : eigen(covariance(rows, dims, mean), dims);
  const axes = Float32Array.from(vectors.subarray(0, keep * dims));
  for (let i = 0; i < keep; i++) {
    const axis = axes.subarray(i * dims, (i + 1) * dims);
    let peak = 0;
    for (let j = 1; j < dims; j++) if (Math.abs(axis[j]!) > Math.abs(axis[peak]!)) peak = j;
    if (axis[peak]! < 0) for (let j = 0; j < dims; j++) axis[j] = -axis[j]!;
  }
  return { mean: Float32Array.from(mean), axes, variances: values.slice(0, keep).map((value) => Math.max(0, value)) };
}

/**
 * The same eigenvectors from the `count * count` products of the rows, which is less work when there are fewer rows than
 * numbers in one: if `X X^T u = n l u`, then `X^T u` is an eigenvector of the covariance, with the same `l`
 * (Turk and Pentland, "Eigenfaces for recognition", 1991).
 */
function dualEigen(
  rows: Float32Array,
  dims: number,
  mean: Float64Array,
): { readonly values: Float64Array<ArrayBuffer>; readonly vectors: Float64Array } {
  const count = rows.length / dims;
  const centred = Float64Array.from(rows, (value, at) => value - mean[at % dims]!);
  const products = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = i; j < count; j++) {
      let sum = 0;
      for (let d = 0; d < dims; d++) sum += centred[i * dims + d]! * centred[j * dims + d]!;
      products[i * count + j] = products[j * count + i] = sum / count;
    }
  const { values, vectors } = eigen(products, count);
  const axes = new Float64Array(count * dims);
  for (let k = 0; k < count; k++) {
    const axis = axes.subarray(k * dims, (k + 1) * dims);
    for (let i = 0; i < count; i++)
      for (let d = 0; d < dims; d++) axis[d]! += vectors[k * count + i]! * centred[i * dims + d]!;
    const norm = Math.sqrt(axis.reduce((sum, value) => sum + value * value, 0));
    if (norm > 0) for (let d = 0; d < dims; d++) axis[d]! /= norm;
  }
  return { values, vectors: axes };
}

/** f64[dims * dims] */
function covariance(rows: Float32Array, dims: number, mean: Float64Array): Float64Array {
  const count = rows.length / dims;
  const out = new Float64Array(dims * dims);
  // Four rows at once: a quarter of the loads and stores of the sums.
  const block = new Float64Array(4 * dims);
  for (let start = 0; start < count; start += 4) {
    block.fill(0);
    for (let b = 0; b < 4 && start + b < count; b++)
      for (let j = 0; j < dims; j++) block[b * dims + j] = rows[(start + b) * dims + j]! - mean[j]!;
    for (let i = 0; i < dims; i++) {
      const x0 = block[i]!;
      const x1 = block[dims + i]!;
      const x2 = block[2 * dims + i]!;
      const x3 = block[3 * dims + i]!;
      if (x0 === 0 && x1 === 0 && x2 === 0 && x3 === 0) continue;
      for (let j = i, at = i * dims + i; j < dims; j++, at++)
        out[at]! += x0 * block[j]! + x1 * block[dims + j]! + (x2 * block[2 * dims + j]! + x3 * block[3 * dims + j]!);
    }
  }
  for (let i = 0; i < dims; i++)
    for (let j = i; j < dims; j++) {
      const value = out[i * dims + j]! / count;
      out[i * dims + j] = value;
      out[j * dims + i] = value;
    }
  return out;
}
