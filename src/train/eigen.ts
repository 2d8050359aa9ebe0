/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder tridiagonalisation, then implicit QL.
 *
 * After EISPACK's tred2 and tql2 (Bowdler, Martin, Reinsch and Wilkinson, Handbook for Automatic Computation II,
 * 1971), in the form of JAMA (NIST, public domain), stored by columns so that the inner loops run over contiguous
 * numbers. f64; time grows with the cube of n.
 * @module
 */

/** Eigenpairs, largest value first. */
export interface Eigen {
  /** f64[n] */
  readonly values: Float64Array<ArrayBuffer>;
  /** f64[n * n]: row i is the unit eigenvector of `values[i]`. */
  readonly vectors: Float64Array<ArrayBuffer>;
}

/**
 * All eigenpairs.
 * @param matrix - f64[n * n], symmetric.
 * @param n - Its side.
 */
export function eigen(matrix: Float64Array, n: number): Eigen {
  // v holds V by columns: V[i][j] = v[j * n + i].
  const v = matrix.slice(0, n * n);
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  if (n > 0) {
    tridiagonalise(v, d, e, n);
    diagonalise(v, d, e, n);
  }
  const order = Array.from(d.keys()).sort((a, b) => d[b]! - d[a]! || a - b);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => vectors.set(v.subarray(from * n, (from + 1) * n), to * n));
  return { values: Float64Array.from(order, (i) => d[i]!), vectors };
}

/** tred2: the diagonal goes to d, the sub-diagonal to e (from 1), the transformation to v. */
function tridiagonalise(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) d[j] = v[j * n + n - 1]!;
  for (let i = n - 1; i > 0; i--) {
    let scale = 0;
    let h = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(d[k]!);
    if (scale === 0) {
      e[i] = d[i - 1]!;
      for (let j = 0; j < i; j++) {
        d[j] = v[j * n + i - 1]!;
        v[j * n + i] = 0;
        v[i * n + j] = 0;
      }
    } else {
      for (let k = 0; k < i; k++) {
        d[k]! /= scale;
        h += d[k]! * d[k]!;
      }
      let f = d[i - 1]!;
      let g = f > 0 ? -Math.sqrt(h) : Math.sqrt(h);
      e[i] = scale * g;
      h -= f * g;
      d[i - 1] = f - g;
      e.fill(0, 0, i);
      // Similarity transformation of the remaining columns.
      for (let j = 0; j < i; j++) {
        f = d[j]!;
        v[i * n + j] = f;
        const column = j * n;
        g = e[j]! + v[column + j]! * f;
        for (let k = j + 1; k < i; k++) {
          const value = v[column + k]!;
          g += value * d[k]!;
          e[k]! += value * f;
        }
        e[j] = g;
      }
      f = 0;
      for (let j = 0; j < i; j++) {
        e[j]! /= h;
        f += e[j]! * d[j]!;
      }
      const half = f / (h + h);
      for (let j = 0; j < i; j++) e[j]! -= half * d[j]!;
      for (let j = 0; j < i; j++) {
        f = d[j]!;
        g = e[j]!;
        const column = j * n;
        for (let k = j; k < i; k++) v[column + k]! -= f * e[k]! + g * d[k]!;
        d[j] = v[column + i - 1]!;
        v[column + i] = 0;
      }
    }
    d[i] = h;
  }
  // Accumulate the transformations.
  for (let i = 0; i < n - 1; i++) {
    v[i * n + n - 1] = v[i * n + i]!;
    v[i * n + i] = 1;
    const h = d[i + 1]!;
    const next = (i + 1) * n;
    if (h !== 0) {
      for (let k = 0; k <= i; k++) d[k] = v[next + k]! / h;
      for (let j = 0; j <= i; j++) {
        const column = j * n;
        let g = 0;
        for (let k = 0; k <= i; k++) g += v[next + k]! * v[column + k]!;
        for (let k = 0; k <= i; k++) v[column + k]! -= g * d[k]!;
      }
    }
    v.fill(0, next, next + i + 1);
  }
  for (let j = 0; j < n; j++) {
    d[j] = v[j * n + n - 1]!;
    v[j * n + n - 1] = 0;
  }
  v[n * n - 1] = 1;
  e[0] = 0;
}

/** tql2: implicit QL on the tridiagonal matrix, with the rotations applied to v. */
function diagonalise(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  let shift = 0;
  let largest = 0;
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(d[l]!) + Math.abs(e[l]!));
    let m = l;
    while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * largest) m++;
    if (m > l)
      do {
        // Implicit shift.
        let g = d[l]!;
        let p = (d[l + 1]! - g) / (2 * e[l]!);
        let r = p < 0 ? -Math.hypot(p, 1) : Math.hypot(p, 1);
        d[l] = e[l]! / (p + r);
        d[l + 1] = e[l]! * (p + r);
        const next = d[l + 1]!;
        let h = g - d[l]!;
        for (let i = l + 2; i < n; i++) d[i]! -= h;
        shift += h;
        // Implicit QL.
        p = d[m]!;
        let c = 1;
        let c2 = 1;
        let c3 = 1;
        const after = e[l + 1]!;
        let s = 0;
        let s2 = 0;
        for (let i = m - 1; i >= l; i--) {
          c3 = c2;
          c2 = c;
          s2 = s;
          g = c * e[i]!;
          h = c * p;
          r = Math.hypot(p, e[i]!);
          e[i + 1] = s * r;
          s = e[i]! / r;
          c = p / r;
          p = c * d[i]! - s * g;
          d[i + 1] = h + s * (c * g + s * d[i]!);
          rotate(v, i * n, n, c, s);
        }
        p = (-s * s2 * c3 * after * e[l]!) / next;
        e[l] = s * p;
        d[l] = c * p;
      } while (Math.abs(e[l]!) > Number.EPSILON * largest);
    d[l]! += shift;
    e[l] = 0;
  }
}

/** Rotates the column at `at` against the one after it. */
function rotate(v: Float64Array, at: number, n: number, c: number, s: number): void {
  for (let k = at, next = at + n; k < at + n; k++, next++) {
    const a = v[k]!;
    const b = v[next]!;
    v[next] = s * a + c * b;
    v[k] = c * a - s * b;
  }
}
