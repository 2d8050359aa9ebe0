/** The report of the ablation, as Markdown. */
import { FEATURES, type Feature } from '../../src/codes/block.ts';
import { markdownTable } from '../../src/eval/markdown.ts';
import { DEFAULT_SHAPES, WEIGHT_POWER } from '../../src/train/train.ts';
import type { Interval } from './measure.ts';

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly p10: number;
  readonly p20: number;
  readonly map: number;
  readonly ms: number;
  /** Of a stored code, or of one feature's block. */
  readonly bytes: number;
}

type Against = Readonly<Record<'best' | 'equal' | 'static', Interval>>;

/** Of one test set. */
export interface Report {
  readonly name: string;
  readonly photos: number;
  readonly shareOfFloat: number;
  readonly best: Feature;
  /** Mean of the adaptive rule. */
  readonly weights: Readonly<Record<Feature, number>>;
  readonly against: Against & Readonly<Record<'float' | 'searched', Interval>>;
  readonly classes: readonly (Against & { readonly label: string })[];
}

export interface Result {
  /** Whether this is all of it. */
  readonly done: boolean;
  readonly photos: number;
  readonly heldOut: number;
  /** Every so many held-out photos is a query. */
  readonly step: number;
  /** Rows of other words take every so many photos of either half. */
  readonly wordsStep: number;
  /** Held-out photos, all of them queries, of the rows of other words. */
  readonly thinned: number;
  readonly iterations: number;
  readonly staticWeights: Readonly<Record<Feature, number>>;
  readonly rows: readonly Row[];
  readonly reports: readonly Report[];
}

const points = (value: number): string => (value < 0 ? '' : '+') + (100 * value).toFixed(2);
const interval = ({ difference, low, high }: Interval): string =>
  `${points(difference)} (${points(low)} to ${points(high)})`;
const listed = (of: Readonly<Record<Feature, number>>): string =>
  FEATURES.map((feature) => `${feature} ${of[feature].toFixed(3)}`).join(', ');

export function document(result: Result): string {
  const sets = new Set(result.reports.map(({ name }) => name));
  const { ehd, bow, deep } = DEFAULT_SHAPES;
  const shape = ({ bits, whitening = 0 }: { bits: number; whitening?: number }): string =>
    `${bits} bits, whitening ${whitening}`;
  return `${[
    '# Ablation',
    '',
    'One choice of the scheme changed at a time, from the defaults of `blindsight train`:',
    `ehd ${shape(ehd)}; bow ${shape(bow)}, 1000 dense words, square root of tf-idf; deep ${shape(deep)};`,
    `adaptive weights from mAP^${WEIGHT_POWER} in training; real-valued queries. Written by`,
    '',
    '    npm run ablation -- --photos caltech101 --test corel1k --test corel5k20 --cache features -o docs/ABLATION.md',
    '',
    `Tuned on Caltech-101 alone: its ${result.photos} photos are split by a seed, all is trained on one half, and one in ${result.step} of the other half's`,
    `${result.heldOut} photos is a query against the rest of that half. Rows of group *words* take one in ${result.wordsStep} photos of either half`,
    `(${result.thinned} queries) and compare with each other only. ITQ runs ${result.iterations} rounds here, 50 in training. *alone*: that feature's block;`,
    '*adaptive*: the fused code. Bytes are those of a stored code. Milliseconds score all photos for one query, plain, on 2 cores of an AMD EPYC (Zen 5), Node 20.20,',
    'shared: orders of magnitude. Differences below a point between two rows of this split mean little.',
    '',
    ...(result.done ? [] : ['**The run was stopped: rows of the first table are missing.**', '']),
    `Static weights of the shipped vocabulary: ${listed(result.staticWeights)}.`,
    '',
    table(result.rows.filter(({ group }) => !sets.has(group))),
    '',
    '## Test sets',
    '',
    'Every photo is a query, with the shipped vocabulary. Nothing was trained, tuned or chosen on these.',
    ...result.reports.flatMap((report) => [
      '',
      `### ${report.name}: ${report.photos} photos`,
      '',
      table(result.rows.filter(({ group }) => group === report.name)),
      '',
      `The adaptive code reaches ${(100 * report.shareOfFloat).toFixed(1)} % of the float mAP. Mean adaptive weights: ${listed(report.weights)}.`,
      '',
      'Adaptive less another, in points of mAP, with the 95 % interval of a paired bootstrap over queries (2000 resamples):',
      '',
      markdownTable(
        ['less', 'points'],
        [
          ['float cosine', interval(report.against.float)],
          [`best single feature (${report.best})`, interval(report.against.best)],
          ['equal weights', interval(report.against.equal)],
          ['static weights', interval(report.against.static)],
          ['as searched (copies first), less best single feature', interval(report.against.searched)],
        ],
      ),
      '',
      'The same by class:',
      '',
      markdownTable(
        ['class', `less ${report.best}`, 'less equal', 'less static'],
        report.classes.map(({ label, best, equal, static: fixed }) => [
          label,
          interval(best),
          interval(equal),
          interval(fixed),
        ]),
      ),
    ]),
  ].join('\n')}\n`;
}

function table(rows: readonly Row[]): string {
  return markdownTable(
    ['choice', 'row', 'P@10', 'P@20', 'mAP', 'bytes', 'ms'],
    rows.map(({ group, name, p10, p20, map, bytes, ms }) => [
      ...[group, name, p10.toFixed(4), p20.toFixed(4), map.toFixed(4), bytes, ms.toFixed(2)],
    ]),
  );
}
