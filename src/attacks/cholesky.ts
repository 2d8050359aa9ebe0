/**
 * Cholesky factors of symmetric positive definite matrices, and systems solved with them: `A = L L^T`.
 *
 * f64, matrices row-major, L in the lower triangle. Inner loops run along rows. Golub and Van Loan, Matrix Computations, section 4.2.
 * @module
 */

/**
 * Replaces a matrix by its factor L; what is above the diagonal stays and is never read.
 * @param matrix - f64[n * n], symmetric positive definite.
 * @throws When it is not positive definite. {@link RangeError}
 */
export function cholesky(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    const row = matrix.subarray(i * n, (i + 1) * n);
    for (let j = 0; j < i; j++) {
      const other = matrix.subarray(j * n, j * n + j + 1);
      row[j] = (row[j]! - dot(row, other, j)) / other[j]!;
    }
    const rest = row[i]! - dot(row, row, i);
    if (!(rest > 0)) throw new RangeError('"matrix" expected a positive definite one, got another');
    row[i] = Math.sqrt(rest);
  }
}

/**
 * `x <- L^-1 x`.
 * @param lower - From {@link cholesky}.
 * @param x - f64[n], changed.
 */
export function solveLower(lower: Float64Array, n: number, x: Float64Array): void {
  for (let i = 0; i < n; i++) {
    const row = lower.subarray(i * n, i * n + i + 1);
    x[i] = (x[i]! - dot(row, x, i)) / row[i]!;
  }
}

/**
 * `x <- (L L^T)^-1 x`.
 * @param lower - From {@link cholesky}.
 * @param x - f64[n], changed.
 */
export function solveCholesky(lower: Float64Array, n: number, x: Float64Array): void {
  solveLower(lower, n, x);
  for (let i = n - 1; i >= 0; i--) {
    const row = lower.subarray(i * n, i * n + i + 1);
    const value = x[i]! / row[i]!;
    x[i] = value;
    for (let j = 0; j < i; j++) x[j]! -= value * row[j]!;
  }
}

/** Four sums at a time: the engine does not reorder additions by itself. */
function dot(a: Float64Array, b: Float64Array, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (; i < n; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}
