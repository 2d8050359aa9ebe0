/**
 * The orthogonal matrix nearest to a square one: its polar factor `U S A^T -> U A^T`.
 *
 * It solves the orthogonal Procrustes problem: of all rotations R, `polar(M)` has the largest `trace(R^T M)`.
 * Newton's iteration with scaling (Higham, "Computing the polar decomposition - with applications", SIAM J. Sci.
 * Stat. Comput. 7(4), 1986, section 3): `X <- (g X + X^-T / g) / 2`, 6 to 10 steps whatever the matrix, and no SVD.
 * @module
 */
import { invert } from './matrix.ts';

const MAX_STEPS = 60;

/**
 * The polar factor. New.
 * @param matrix - f64[n * n], regular.
 * @param n - Its side.
 * @throws On a singular matrix. {@link RangeError}
 */
export function polarFactor(matrix: Float64Array, n: number): Float64Array<ArrayBuffer> {
  let x = matrix.slice(0, n * n);
  for (let step = 0; step < MAX_STEPS; step++) {
    const inverse = invert(x, n);
    // Equation 3.10: norms that balance X against its inverse. Near the end it would only disturb.
    const gamma = Math.sqrt(norm(inverse) / norm(x));
    const scale = Math.abs(gamma - 1) < 1e-2 ? 1 : gamma;
    const next = new Float64Array(n * n);
    let change = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const value = (scale * x[i * n + j]! + inverse[j * n + i]! / scale) / 2;
        change += (value - x[i * n + j]!) ** 2;
        next[i * n + j] = value;
      }
    x = next;
    // Convergence is quadratic: after a step of 1e-8 the next one is at rounding.
    if (change <= 1e-16 * n) break;
  }
  return x;
}

/** Frobenius norm. */
function norm(a: Float64Array): number {
  let sum = 0;
  for (const value of a) sum += value * value;
  return Math.sqrt(sum);
}
