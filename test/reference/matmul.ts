/** The definitions, in f64, matrices as arrays of rows. */
export type Rows = number[][];

/** Cuts a flat array into rows. */
export function toRows(values: ArrayLike<number>, columns: number): Rows {
  const rows = [];
  for (let at = 0; at < values.length; at += columns)
    rows.push(Array.from({ length: columns }, (_, j) => values[at + j]!));
  return rows;
}

/** The mirror image of a matrix at its diagonal. */
export function transpose(a: Rows): Rows {
  return (a[0] ?? []).map((_, j) => a.map((row) => row[j]!));
}

/** `a b` */
export function multiply(a: Rows, b: Rows): Rows {
  const columns = transpose(b);
  return a.map((row) => columns.map((column) => row.reduce((sum, value, i) => sum + value * column[i]!, 0)));
}

/** `I - 2 v v^T / (v^T v)`, written out. */
export function reflection(v: number[]): Rows {
  const squares = v.reduce((sum, value) => sum + value * value, 0);
  return v.map((a, i) => v.map((b, j) => (i === j ? 1 : 0) - (squares === 0 ? 0 : (2 * a * b) / squares)));
}
