/**
 * Whitening: rows brought to unit covariance, so that inner products no longer show the matrix they were multiplied with.
 *
 * Rows `x = M p` have covariance `C = M cov(p) M^T`; with `C = L L^T`, the inner products of `y = L^-1 (x - mean)` are those of
 * whitened p, whatever M is. Who holds many rows needs neither key nor query for that.
 * @module
 */
import { instantiateKernels } from '../wasm/kernels.ts';
import { multiplyF64 } from '../wasm/matrix.ts';
import { cholesky, solveLower } from './cholesky.ts';

/** Added to the diagonal of the covariance, times its mean: far above the rounding of f32, far below what varies. */
const RIDGE = 1e-6;
/** With fewer rows than this times their dimensions, the covariance is mostly chance, and is pulled towards a multiple of the unit matrix. */
const ENOUGH = 1.5;
const SHRINKAGE = 0.1;

/**
 * Whitens rows by their own covariance.
 * @param rows - f32[count * dims].
 * @returns f32[count * dims], new.
 */
export function whiten(
  kernels: WebAssembly.Module,
  rows: Float32Array,
  count: number,
  dims: number,
): Float32Array<ArrayBuffer> {
  const mean = new Float64Array(dims);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < dims; j++, at++) mean[j]! += rows[at]! / count;
  const centred = new Float64Array(count * dims);
  const turned = new Float64Array(count * dims);
  for (let i = 0, at = 0; i < count; i++)
    for (let j = 0; j < dims; j++, at++) {
      const value = rows[at]! - mean[j]!;
      centred[at] = value;
      turned[j * count + i] = value / count;
    }
  const covariance = multiplyF64(instantiateKernels(kernels), turned, centred, dims, count, dims);
  let trace = 0;
  for (let j = 0; j < dims; j++) trace += covariance[j * dims + j]!;
  const ridge = ((count < ENOUGH * dims ? SHRINKAGE : RIDGE) * trace) / dims + Number.MIN_VALUE;
  for (let j = 0; j < dims; j++) covariance[j * dims + j]! += ridge;
  cholesky(covariance, dims);
  const out = new Float32Array(count * dims);
  for (let i = 0; i < count; i++) {
    const row = centred.subarray(i * dims, (i + 1) * dims);
    solveLower(covariance, dims, row);
    out.set(row, i * dims);
  }
  return out;
}
