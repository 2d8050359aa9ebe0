/**
 * The permutation of largest sum: the Hungarian method by shortest augmenting paths (Jonker & Volgenant, Computing 38, 1987).
 * @module
 */

/**
 * @param gain - f64[n * n], row-major.
 * @returns u32[n]: the column of each row.
 */
export function linearAssignment(gain: Float64Array, n: number): Uint32Array<ArrayBuffer> {
  // Rows and columns from 1; column 0 stands for the row that is being placed.
  const rowPrice = new Float64Array(n + 1);
  const columnPrice = new Float64Array(n + 1);
  const rowOf = new Uint32Array(n + 1);
  const before = new Uint32Array(n + 1);
  for (let row = 1; row <= n; row++) {
    rowOf[0] = row;
    const least = new Float64Array(n + 1).fill(Infinity);
    const done = new Uint8Array(n + 1);
    let column = 0;
    do {
      done[column] = 1;
      const placed = rowOf[column]!;
      let [step, next] = [Infinity, 0];
      for (let j = 1; j <= n; j++) {
        if (done[j] === 1) continue;
        const cost = -gain[(placed - 1) * n + j - 1]! - rowPrice[placed]! - columnPrice[j]!;
        if (cost < least[j]!) {
          least[j] = cost;
          before[j] = column;
        }
        if (least[j]! < step) [step, next] = [least[j]!, j];
      }
      for (let j = 0; j <= n; j++)
        if (done[j] === 1) {
          rowPrice[rowOf[j]!]! += step;
          columnPrice[j]! -= step;
        } else least[j]! -= step;
      column = next;
    } while (rowOf[column] !== 0);
    for (; column !== 0; column = before[column]!) rowOf[column] = rowOf[before[column]!]!;
  }
  const columns = new Uint32Array(n);
  for (let j = 1; j <= n; j++) columns[rowOf[j]! - 1] = j - 1;
  return columns;
}
