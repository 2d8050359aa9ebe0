/**
 * What the benches have found: printed as it comes, kept for `--json` and for docs/BENCHMARKS.md.
 */
import { markdownTable } from '../src/eval/markdown.ts';
import { drawChart, type Place } from './chart.ts';
import { type Bench, type Figures } from './harness.ts';

/** One side of one case. */
export interface Row extends Figures {
  /** Parameters of the case. */
  readonly case: string;
  /** Millions of units a second. */
  readonly rate: number;
  readonly unit: string;
  /** Bytes of memory that a run must read, where that is what bounds it. */
  readonly bytes: number | undefined;
  /** Share of the true nearest that an approximate side finds; undefined where the answer is exact. */
  readonly recall: number | undefined;
}

/** Figures that are no race between sides. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A drawing of figures. */
export interface Chart {
  readonly title: string;
  readonly svg: string;
}

/** All that one file of `bench/` has found. */
export interface Results {
  readonly bench: string;
  readonly rows: Row[];
  readonly tables: Table[];
  readonly charts: Chart[];
}

export const results: Results[] = [];

/** What follows belongs to this file of `bench/`. */
export function open(bench: string): void {
  results.push({ bench, rows: [], tables: [], charts: [] });
  say(`\n## ${bench}`);
}

/** For people, so that `--json` alone fills the standard output. */
export function say(line: string): void {
  console.error(line);
}

interface Options {
  readonly unit: string;
  /** Units of one run. */
  readonly perRun: number;
  readonly bytes?: number;
  /** By side. */
  readonly recall?: Readonly<Record<string, number>>;
}

/** Takes over what a case has measured: one line a side, with the ratio to the side `ts`, plain TypeScript. */
export function report(bench: Bench, { unit, perRun, bytes, recall }: Options): void {
  const figures = bench.figures();
  const plain = figures.find(({ side }) => side === 'ts');
  for (const figure of figures) {
    const { side, median, mad } = figure;
    const rate = perRun / median / 1000;
    const found = recall?.[side];
    results.at(-1)?.rows.push({ ...figure, case: bench.name, rate, unit, bytes, recall: found });
    const ratio = plain === undefined || plain === figure ? '' : `  x${(plain.median / median).toFixed(2)}`;
    const share = found === undefined ? '' : `  recall ${found.toFixed(3)}`;
    say(
      `${bench.name}  ${side.padEnd(10)} ${(median * 1000).toFixed(1)} us ± ${(mad * 1000).toFixed(1)}  ${rate.toFixed(1)} M ${unit}/s${ratio}${share}`,
    );
  }
}

/** Takes over figures that are no race. */
export function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  results.at(-1)?.tables.push({ title, head, rows });
  say(`${title}\n${markdownTable(head, rows)}`);
}

/** Draws lines between places of one series, both axes logarithmic; shown in docs/BENCHMARKS.md. */
export function chart(title: string, x: string, y: string, places: readonly Place[]): void {
  results.at(-1)?.charts.push({ title, svg: drawChart(x, y, places) });
}
