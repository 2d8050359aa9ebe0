/**
 * docs/BENCHMARKS.md: what people wrote stays, the section of each bench that has run is replaced.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { markdownTable } from '../src/eval/markdown.ts';
import { between } from './between-marks.ts';
import type { Machine } from './machine.ts';
import type { Results, Row } from './report.ts';

const FILE = join(import.meta.dirname, '..', '..', 'docs', 'BENCHMARKS.md');

/** Sides that count as the C program, as plain TypeScript, and as what several threads are held against. */
const C = /^(c$|gcc )/;
const PLAIN = /^ts$/;
const ALONE = /^one thread$/;

/** Replaces the sections of these results; new ones go to the end. */
export async function writeSections(machine: Machine, results: readonly Results[]): Promise<void> {
  let text = await readFile(FILE, 'utf8');
  for (const result of results) {
    const { bench } = result;
    if (!text.includes(`<!-- ${bench} -->`)) text = `${text.trimEnd()}\n\n<!-- ${bench} -->\n<!-- /${bench} -->\n`;
    text = between(text, bench, sectionOf(machine, result).join('\n'));
    for (const [i, { svg }] of result.charts.entries()) await writeFile(join(dirname(FILE), chartName(bench, i)), svg);
  }
  await writeFile(FILE, text);
}

/** Lines of one bench. */
export function sectionOf(machine: Machine, { bench, rows, tables, charts }: Results): string[] {
  const { cpu, platform, node, gcc, bandwidth } = machine;
  const date = new Date().toISOString().slice(0, 10);
  const lines = [
    `### ${bench}`,
    '',
    `\`npm run bench -- ${bench}\`, ${date}, ${cpu}, ${platform}, Node ${node}${gcc === undefined ? '' : `, gcc ${gcc}`}; one thread read memory at ${bandwidth.toFixed(1)} GB/s in the same run.`,
  ];
  if (rows.length > 0) {
    const has = (of: (row: Row, all: readonly Row[]) => string): boolean => rows.some((row) => of(row, rows) !== '');
    const columns = [
      { head: 'case', of: (row: Row) => row.case },
      { head: 'side', of: (row: Row) => row.side },
      { head: 'median', of: (row: Row) => duration(row.median) },
      { head: 'MAD', of: (row: Row) => duration(row.mad) },
      { head: 'plain TypeScript takes', of: (row: Row) => times(row, PLAIN, rows) },
      { head: 'C takes', of: (row: Row) => times(row, C, rows) },
      { head: 'one thread takes', of: (row: Row) => times(row, ALONE, rows) },
      { head: 'of memory speed', of: (row: Row) => share(row, bandwidth) },
      { head: 'recall', of: (row: Row) => row.recall?.toFixed(2) ?? '' },
    ].filter(({ of }) => has(of));
    lines.push(
      '',
      ...markdownTable(
        columns.map(({ head }) => head),
        rows.map((row) => columns.map(({ of }) => of(row))),
      ).split('\n'),
    );
  }
  for (const { title, head, rows: cells } of tables)
    lines.push('', title, '', ...markdownTable(head, cells).split('\n'));
  charts.forEach(({ title }, i) => lines.push('', `![${title}](${chartName(bench, i)})`));
  return lines;
}

/** Beside the document. */
function chartName(bench: string, i: number): string {
  return `bench-${bench}${i === 0 ? '' : `-${i + 1}`}.svg`;
}

/** How many times as long another side of the same case takes. */
function times(row: Row, other: RegExp, rows: readonly Row[]): string {
  const found = rows.find(({ side, case: name }) => name === row.case && other.test(side));
  return found === undefined || found === row ? '' : `x ${(found.median / row.median).toFixed(2)}`;
}

function share({ bytes, median }: Row, bandwidth: number): string {
  return bytes === undefined ? '' : `${((100 * bytes) / median / 1e6 / bandwidth).toFixed(0)} %`;
}

/** Milliseconds, in a unit that fits. */
export function duration(ms: number): string {
  if (ms < 0.01) return `${(1000 * ms).toFixed(2)} us`;
  return ms < 1 ? `${(1000 * ms).toFixed(0)} us` : `${ms.toFixed(ms < 100 ? 2 : 0)} ms`;
}
