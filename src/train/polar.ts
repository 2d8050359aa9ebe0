/**
 * The orthogonal matrix nearest to a square one: its polar factor `U S A^T -> U A^T`.
 *
 * It solves the orthogonal Procrustes problem: of all orthogonal R, the polar factor of M has the largest
 * `trace(R^T M)`. Newton-Schulz iteration, `X <- X (3 I - X^T X) / 2`, which is products only, with the scaling of
 * Chen and Chow, "A stable scaling of Newton-Schulz for improving the sign function computation of a Hermitian
 * matrix" (Argonne ANL/MCS-P5059-0114, 2014): while singular values lie in [l, 1], `X` is first multiplied by
 * `sqrt(3 / (1 + l + l^2))`.
 * @module
 */
import type { Kernels } from '../wasm/kernels.ts';
import { multiplyF64 } from '../wasm/matrix.ts';

/** Singular values are taken to spread this far; where they spread farther it takes longer. */
const SMALLEST = 1e-4;
const MAX_STEPS = 100;

/**
 * The polar factor. New. A matrix that is singular has no single one: then directions that it sends to zero stay
 * there.
 * @param kernels - An instance that holds nothing else.
 * @param matrix - f64[n * n]
 * @param n - Its side.
 */
export function polarFactor(kernels: Kernels, matrix: Float64Array, n: number): Float64Array<ArrayBuffer> {
  // The largest singular value is at most the fourth root of the sum of all fourth powers.
  const bound = Math.sqrt(norm(gram(kernels, matrix, n)));
  if (bound === 0) return new Float64Array(n * n);
  let x = matrix.map((value) => value / bound);
  let least = SMALLEST;
  for (let step = 0; step < MAX_STEPS; step++) {
    const scale = 3 / (1 + least + least * least);
    const product = gram(kernels, x, n);
    let error = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const value = product[i * n + j]!;
        const unit = i === j ? 1 : 0;
        error += (value - unit) ** 2;
        product[i * n + j] = (Math.sqrt(scale) * (3 * unit - scale * value)) / 2;
      }
    if (error <= 1e-20 * n) break;
    x = multiplyF64(kernels, x, product, n, n, n);
    least = Math.min(1, (Math.sqrt(scale) * least * (3 - scale * least * least)) / 2);
  }
  return x;
}

/** `X^T X` */
function gram(kernels: Kernels, x: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const turned = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) turned[j * n + i] = x[i * n + j]!;
  return multiplyF64(kernels, turned, x, n, n, n);
}

/** Frobenius norm. */
function norm(a: Float64Array): number {
  let sum = 0;
  for (const value of a) sum += value * value;
  return Math.sqrt(sum);
}
