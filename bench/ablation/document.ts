/** The report of the ablation, as Markdown. */
import { cpus } from 'node:os';
import { FEATURES, type Feature } from '../../src/codes/block.ts';
import { describeInterval as interval, type Interval } from '../../src/eval/bootstrap.ts';
import { markdownTable } from '../../src/eval/markdown.ts';
import { DEFAULT_SHAPES, WEIGHT_POWER } from '../../src/train/train.ts';

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly p10: number;
  readonly p20: number;
  readonly map: number;
  readonly ms: number;
  /** Of a stored code, or of one feature's block. */
  readonly bytes: number;
  /** Than the row of the shipped choice, in mean average precision. */
  readonly less?: Interval | undefined;
  /** Whether it is that row. */
  readonly shipped: boolean;
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
    `adaptive weights from mAP^${WEIGHT_POWER} in training; real-valued queries, copies first. Written by`,
    '',
    '    npm run ablation -- --photos caltech101 --test corel1k --test corel5k20 --cache features -o docs/ABLATION.md',
    '',
    `Tuned on Caltech-101 alone: its ${result.photos} photos are split by a seed, all is trained on one half, and one in ${result.step} of the other half's`,
    `${result.heldOut} photos is a query against the rest of that half. Rows of group *words* take one in ${result.wordsStep} photos of either half`,
    `(${result.thinned} queries) and compare with each other only. ITQ runs ${result.iterations} rounds here, 50 in training. *alone*: that feature's block;`,
    `*adaptive*: the fused code. Bytes are those of a stored code. Milliseconds score all photos for one query, plain, on ${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown CPU'}, Node ${process.version},`,
    'shared: orders of magnitude.',
    '',
    '**Bold** rows are what is shipped. *Less shipped*: points of mAP above that row of the same group (for one feature alone: above that feature as shipped), with the',
    '95 % interval of a paired bootstrap over the queries. It knows of other queries, not of other splits or seeds: of those, half a point means little.',
    '',
    ...(result.done ? [] : ['**The run was stopped: rows of the first table are missing.**', '']),
    `Static weights of the shipped vocabulary: ${listed(result.staticWeights)}.`,
    '',
    table(
      result.rows.filter(({ group }) => !sets.has(group)),
      true,
    ),
    '',
    '## What is shipped, and the best that is not',
    '',
    'By group of the table above. In `src/train/train.ts`, `src/codes/fusion.ts` and `src/codes/copy-evidence.ts` each default names its group.',
    '',
    markdownTable(
      ['choice', 'shipped', 'mAP', 'best other', 'mAP', 'less shipped'],
      decisions(result.rows.filter(({ group }) => !sets.has(group))),
    ),
    '',
    'Only a second query is clearly better than what is shipped. It is not the default: it costs a second trapdoor, which the server can lay beside the first, and a second',
    'round trip. Of the rows within their interval of the shipped one, shorter codes are the ones to take where space counts.',
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

function table(rows: readonly Row[], compared = false): string {
  return markdownTable(
    ['choice', 'row', 'P@10', 'P@20', 'mAP', ...(compared ? ['less shipped'] : []), 'bytes', 'ms'],
    rows.map(({ group, name, p10, p20, map, bytes, ms, less, shipped }) => [
      ...[group, shipped ? `**${name}**` : name, p10.toFixed(4), p20.toFixed(4), map.toFixed(4)],
      ...(compared ? [less === undefined ? '' : interval(less)] : []),
      ...[bytes, ms.toFixed(2)],
    ]),
  );
}

/** Of each group that has a shipped row: that one, and the best fused row beside it. */
function decisions(rows: readonly Row[]): string[][] {
  return [...new Set(rows.map(({ group }) => group))].flatMap((group) => {
    const members = rows.filter((row) => row.group === group);
    const ours = members.find(({ shipped }) => shipped);
    const others = members.filter(({ name, shipped }) => !shipped && !name.endsWith(' alone'));
    if (ours === undefined || others.length === 0) return [];
    const best = others.reduce((a, b) => (b.map > a.map ? b : a));
    const less = best.less === undefined ? '' : interval(best.less);
    return [[group, ours.name, ours.map.toFixed(4), best.name, best.map.toFixed(4), less]];
  });
}
