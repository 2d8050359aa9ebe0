/** Slow definitions for training: Jacobi eigenvalues, the SVD by way of them, products by three loops. */

export type Matrix = number[][];

export function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
}

export function turn(a: Matrix): Matrix {
  return a[0]!.map((_, j) => a.map((row) => row[j]!));
}

/** Eigenpairs of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, section 8.5), falling. */
export function jacobi(matrix: Matrix): { values: number[]; vectors: Matrix } {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v: Matrix = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p]![q]!) < 1e-300) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (const rows of [a, v])
          for (let k = 0; k < n; k++) {
            const x = rows[k]![p]!;
            const y = rows[k]![q]!;
            rows[k]![p] = c * x - s * y;
            rows[k]![q] = s * x + c * y;
          }
        for (let k = 0; k < n; k++) {
          const x = a[p]![k]!;
          const y = a[q]![k]!;
          a[p]![k] = c * x - s * y;
          a[q]![k] = s * x + c * y;
        }
      }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return { values: order.map((i) => a[i]![i]!), vectors: order.map((i) => v.map((row) => row[i]!)) };
}

/** `U A^T` of the SVD `M = U S A^T`: A from the eigenvectors of `M^T M`, U = M A / S. */
export function procrustes(m: Matrix): Matrix {
  const { values, vectors } = jacobi(product(turn(m), m));
  const a = turn(vectors);
  const u = product(m, a).map((row) => row.map((value, j) => value / Math.sqrt(values[j]!)));
  return product(u, vectors);
}
