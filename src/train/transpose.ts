/** The transpose of a row-major matrix: f32[rows * columns] -> f32[columns * rows]. New. */
export function transpose(a: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}
