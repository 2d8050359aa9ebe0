/** The first table of docs/EVALUATION.md: what the reports of some sets say, side by side. */
import { bootstrapDifference, describeInterval } from '../../src/eval/bootstrap.ts';
import type { Evaluation } from '../../src/eval/evaluate.ts';
import { markdownTable } from '../../src/eval/markdown.ts';
import type { Compared, Study } from '../../src/eval/study.ts';
import { FEATURES } from '../../src/codes/block.ts';

/** What `blindsight eval --report` writes as JSON, as far as it is read here. */
export interface Report {
  readonly evaluation: Pick<Evaluation, 'rows' | 'prefilter'>;
  readonly study: Pick<Study, 'curves' | 'lengths' | 'noise'>;
}

const BOOTSTRAP_SEED = 1;
/** A noise that is told of besides the default. */
const MORE_NOISE = 16;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** @param sets - Name and report of each set. */
export function summary(sets: readonly (readonly [name: string, report: Report])[]): string {
  const rows: readonly (readonly [what: string, of: (report: Report) => string])[] = [
    ['mAP of the float feature', ({ study }) => study.curves.float.map.toFixed(4)],
    ['of it: the fused code, adaptive', (report) => `${percent(ofFloat(report))}, ${bits(report)} bits`],
    ['of it: half of its bits', (report) => half(report)],
    ['adaptive less the best single feature', (report) => `${less(report, best(report))} (${best(report)})`],
    ...(['static', 'equal', 'entropy', 'area', 'rank fusion'] as const).map(
      (other) => [`adaptive less ${other}`, (report: Report) => less(report, other)] as const,
    ),
    ['mAP lost to encryption, default noise', (report) => percent(1 - encrypted(report))],
    [
      `mAP lost to encryption, noise ${MORE_NOISE} (of 500 queries)`,
      (report) => percent(1 - atNoise(report, MORE_NOISE)),
    ],
    [
      'default prefilter: recall@20, ranked, tokens a query',
      ({ evaluation: { prefilter } }) =>
        prefilter === undefined
          ? ''
          : `${prefilter.recall20.toFixed(3)}, ${percent(prefilter.touched)}, ${prefilter.tokens.toFixed(0)}`,
    ],
  ];
  return markdownTable(
    ['', ...sets.map(([name]) => name)],
    rows.map(([what, of]) => [what, ...sets.map(([, report]) => of(report))]),
  );
}

function best({ study: { curves } }: Report): Compared {
  return FEATURES.reduce((a, b) => (curves[b].map > curves[a].map ? b : a));
}

function ofFloat({ study: { curves } }: Report): number {
  return curves.adaptive.map / curves.float.map;
}

function bits({ study: { lengths } }: Report): number {
  return Math.max(...lengths.filter(({ feature }) => feature === 'adaptive').map((row) => row.bits));
}

function half(report: Report): string {
  const row = report.study.lengths.find((each) => each.feature === 'adaptive' && 2 * each.bits === bits(report));
  return row === undefined ? '' : `${percent(row.map / report.study.curves.float.map)}, ${row.bits} bits`;
}

function less({ study: { curves } }: Report, other: Compared): string {
  const each = (compared: Compared): number[] => curves[compared].each.map((value) => value ?? NaN);
  return describeInterval(bootstrapDifference(each('adaptive'), each(other), BOOTSTRAP_SEED));
}

function encrypted({ evaluation: { rows } }: Report): number {
  const of = (side: string): number => rows.find((row) => row.feature === 'adaptive' && row.side === side)?.map ?? NaN;
  return of('encrypted') / of('plain');
}

function atNoise({ study: { noise } }: Report, level: number | 'plain'): number {
  const of = (wanted: number | 'plain'): number => noise.find((row) => row.noise === wanted)?.map ?? NaN;
  return of(level) / of('plain');
}
