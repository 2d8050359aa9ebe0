/**
 * Dense matrices for training, row-major: products and the inverse. Plain loops over contiguous rows; the products
 * may be replaced by the kernels' (`Multiply`).
 * @module
 */

/** `out = a * b`: a f32[rows * inner], b f32[inner * columns]; returns f32[rows * columns], new. */
export type Multiply = (a: Float32Array, b: Float32Array, rows: number, inner: number, columns: number) => Float32Array;

/** {@link Multiply} in plain loops, summed in f64. */
export function multiply(
  a: Float32Array,
  b: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows * columns);
  const sums = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    sums.fill(0);
    let k = 0;
    // Four rows of b at once: a quarter of the loads and stores of the sums.
    for (; k + 4 <= inner; k += 4) {
      const at = i * inner + k;
      const a0 = a[at]!;
      const a1 = a[at + 1]!;
      const a2 = a[at + 2]!;
      const a3 = a[at + 3]!;
      const b0 = k * columns;
      const b1 = b0 + columns;
      const b2 = b1 + columns;
      const b3 = b2 + columns;
      for (let j = 0; j < columns; j++)
        sums[j]! += a0 * b[b0 + j]! + a1 * b[b1 + j]! + (a2 * b[b2 + j]! + a3 * b[b3 + j]!);
    }
    for (; k < inner; k++) {
      const a0 = a[i * inner + k]!;
      for (let j = 0; j < columns; j++) sums[j]! += a0 * b[k * columns + j]!;
    }
    out.set(sums, i * columns);
  }
  return out;
}

/** The transpose of f32[rows * columns]. New. */
export function transpose(a: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}

/**
 * The inverse of f64[n * n], by Gauss-Jordan elimination with partial pivoting. New.
 * @throws On a singular matrix. {@link RangeError}
 */
export function invert(matrix: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const a = matrix.slice();
  const swaps = new Uint32Array(n);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]!) > Math.abs(a[pivot * n + k]!)) pivot = i;
    swaps[k] = pivot;
    if (pivot !== k) swapRows(a, n, pivot, k);
    const row = a.subarray(k * n, (k + 1) * n);
    const value = row[k]!;
    if (value === 0 || !Number.isFinite(value)) throw new RangeError('"matrix" expected a regular matrix');
    row[k] = 1;
    const scale = 1 / value;
    for (let j = 0; j < n; j++) row[j]! *= scale;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const at = i * n;
      const factor = a[at + k]!;
      if (factor === 0) continue;
      a[at + k] = 0;
      for (let j = 0; j < n; j++) a[at + j]! -= factor * row[j]!;
    }
  }
  // Rows were swapped going down: columns are swapped back going up.
  for (let k = n - 1; k >= 0; k--) {
    const other = swaps[k]!;
    if (other === k) continue;
    for (let i = 0; i < n; i++) {
      const at = i * n;
      const kept = a[at + k]!;
      a[at + k] = a[at + other]!;
      a[at + other] = kept;
    }
  }
  return a;
}

function swapRows(a: Float64Array, n: number, i: number, j: number): void {
  const kept = a.slice(i * n, (i + 1) * n);
  a.copyWithin(i * n, j * n, (j + 1) * n);
  a.set(kept, j * n);
}
