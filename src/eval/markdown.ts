/**
 * Tables as Markdown.
 * @module
 */

/** A cell of a table: numbers stand to the right. */
export type Cell = string | number;

/** @returns Lines without a final newline. */
export function markdownTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map(escape).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function escape(cell: Cell): string {
  return String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ');
}
