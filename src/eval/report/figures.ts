/**
 * The figures of the report, from what was measured: each with its words, its table and its plots.
 * @module
 */
import { FEATURES } from '../../codes/block.ts';
import { bootstrapDifference, describeInterval } from '../bootstrap.ts';
import { CHI_SQUARE_LIMIT } from '../byte-histogram.ts';
import { NPCR_IDEAL, UACI_IDEAL } from '../differential.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Cell } from '../markdown.ts';
import { ANSWER_COUNTS, RECALL_LEVELS } from '../retrieval-curves.ts';
import { COMPARED, type Compared, type Study } from '../study.ts';
import type { Figure } from './figure.ts';
import type { Point } from './plot-library.ts';

/** What a report is made of. */
export interface Measured {
  readonly evaluation: Evaluation;
  readonly study: Study;
}

/** What is drawn as curves; the others are in the tables. */
const DRAWN: readonly Compared[] = ['float', 'ehd', 'bow', 'deep', 'equal', 'adaptive'];
const SINGLE: readonly Compared[] = FEATURES;

const share = (value: number): string => value.toFixed(4);
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const milliseconds = (value: number): string => (value < 1 ? value.toFixed(3) : value.toFixed(1));

/** All figures, in the order of the report. */
export function reportFigures({ evaluation, study }: Measured): Figure[] {
  return [
    pictures(study),
    precisionRecall(study),
    precisionAtK(study),
    codeLength(study),
    features(study),
    classes(study),
    weights(evaluation, study),
    encrypted(evaluation),
    noise(study),
    prefilter(evaluation, study),
    sizes(study),
    times(study),
    cipher(study),
  ];
}

function pictures({ pictures: shown }: Study): Figure {
  return {
    id: 'pictures',
    title: 'Pictures and their ciphertexts',
    text: 'Decoded pixels of sample pictures, the same under the logistic stream alone, and how often each byte occurs. The library seals whole files, inside AES-256-GCM; this view shows the inner layer, as the field does.',
    table: {
      head: ['picture', 'side', 'entropy (bits)', 'chi-square', 'horizontal', 'vertical', 'diagonal'],
      rows: shown.flatMap(({ name, figures }) =>
        (['plain', 'cipher'] as const).map((side) => {
          const { entropy, chiSquare, correlation } = figures[side];
          const { horizontal, vertical, diagonal } = correlation;
          return [name, side, entropy.toFixed(4), chiSquare.toFixed(1), ...[horizontal, vertical, diagonal].map(share)];
        }),
      ),
    },
    plots: shown.map(({ name, plain, cipher: sealed, width, height, figures }) => ({
      title: `${name}: bytes of the pixels and of their ciphertext`,
      draw: (plots, drawn) =>
        `<div class="pair"><img src="${plain}" width="${width}" height="${height}" alt="the picture"><img src="${sealed}" width="${width}" height="${height}" alt="its ciphertext: noise"></div>${plots.histograms(
          [
            { title: 'pixels', counts: figures.plain.histogram },
            { title: 'ciphertext', counts: figures.cipher.histogram },
          ],
          drawn,
        )}`,
    })),
  };
}

function curve(
  xs: readonly number[],
  pick: (compared: Compared) => readonly number[],
): { points: Point[]; rows: (compared: Compared) => Cell[] } {
  return {
    points: DRAWN.flatMap((series) => pick(series).map((y, i) => ({ x: xs[i]!, y, series }))),
    rows: (compared) => [compared, ...pick(compared).map((value) => value.toFixed(3))],
  };
}

function precisionRecall(study: Study): Figure {
  const { points, rows } = curve(RECALL_LEVELS, (compared) => study.curves[compared].precisionAtRecall);
  const shown = RECALL_LEVELS.map((_, i) => i).filter((i) => i % 2 === 0);
  return {
    id: 'precision-recall',
    title: 'Precision against recall',
    text: 'Every photo is a query; interpolated precision at each recall, averaged over the queries. Codes are ranked as plaintext; float is the cosine of the deep features before they are binarised.',
    table: {
      head: ['recall', ...shown.map((i) => RECALL_LEVELS[i]!.toFixed(1))],
      rows: COMPARED.map((compared) => rows(compared).filter((_, i) => i === 0 || shown.includes(i - 1))),
    },
    plots: [
      {
        title: 'Precision against recall',
        draw: (plots, width) =>
          plots.lines(
            points,
            DRAWN,
            { label: 'recall', domain: [0, 1] },
            { label: 'precision', domain: [0, 1] },
            width,
          ),
      },
    ],
  };
}

function precisionAtK(study: Study): Figure {
  const { points, rows } = curve(ANSWER_COUNTS, (compared) => study.curves[compared].precisionAt);
  return {
    id: 'precision-at-k',
    title: 'Precision against the number of answers',
    text: "Share of the first k answers that are of the query's class. A class with fewer than k other photos cannot reach 1.",
    table: { head: ['k', ...ANSWER_COUNTS.map(String)], rows: COMPARED.map(rows) },
    plots: [
      {
        title: 'Precision of the first k answers',
        draw: (plots, width) =>
          plots.lines(
            points,
            DRAWN,
            { label: 'k', type: 'log', ticks: [1, 2, 5, 10, 20, 50, 100] },
            { label: 'precision', domain: [0, 1] },
            width,
          ),
      },
    ],
  };
}

function codeLength({ lengths, curves }: Study): Figure {
  const series = [...new Set(lengths.map(({ feature }) => feature))];
  const longest = Math.max(...lengths.map(({ bits }) => bits));
  const shortest = Math.min(...lengths.map(({ bits }) => bits));
  const points: Point[] = lengths.map(({ feature, bits, map }) => ({ x: bits, y: map, series: feature }));
  const yardstick = [shortest, longest].map((x) => ({ x, y: curves.float.map, series: 'float' }));
  return {
    id: 'code-length',
    title: 'Accuracy against code length',
    text: 'Mean average precision of the first bits of each block of the shipped code: a part of the bits is a shorter code, though one trained for its length would be a little better. The float feature stands for no loss.',
    table: {
      head: ['feature', 'bits', 'mAP', 'of float'],
      rows: lengths.map(({ feature, bits, map }) => [feature, bits, share(map), percent(map / curves.float.map)]),
    },
    plots: [
      {
        title: 'Mean average precision by bits',
        draw: (plots, width) =>
          plots.lines(
            [...yardstick, ...points],
            ['float', ...series],
            {
              label: 'bits of the code',
              type: 'log',
              ticks: [8, 16, 32, 64, 128, 256, 512, 1024].filter((bits) => bits >= shortest && bits <= longest),
            },
            { label: 'mAP', domain: [0, 1] },
            width,
          ),
      },
    ],
  };
}

const BOOTSTRAP_SEED = 1;

/** Adaptive fusion less another, in points of mean average precision, with its interval; of all queries, or of those of one class. */
function adaptiveLess({ curves, labels }: Study, other: Compared, of?: string): string {
  const pick = (compared: Compared): number[] =>
    curves[compared].each
      .filter((_, query) => of === undefined || labels[query] === of)
      // Nothing to find: no number.
      .map((value) => value ?? NaN);
  return describeInterval(bootstrapDifference(pick('adaptive'), pick(other), BOOTSTRAP_SEED));
}

function features(study: Study): Figure {
  const { curves } = study;
  const best = SINGLE.reduce((a, b) => (curves[a].map >= curves[b].map ? a : b));
  const group = (compared: Compared): string =>
    compared === 'float' ? 'float feature' : SINGLE.includes(compared) ? 'one feature' : 'fusion';
  const gain = 100 * (curves.adaptive.map - curves[best].map);
  return {
    id: 'features',
    title: 'Single features against fusions',
    text: `Adaptive fusion is ${Math.abs(gain).toFixed(2)} points of mAP ${gain >= 0 ? 'above' : 'below'} ${best}, the best single feature. The last column is adaptive fusion less that row, in points of mAP, with the 95 % interval of a paired bootstrap over the queries. Rank fusion joins rankings, which no server can do on ciphertext.`,
    table: {
      head: ['feature', 'P@1', 'P@10', 'P@20', 'mAP', 'of float', 'adaptive less it'],
      rows: COMPARED.map((compared) => {
        const { p1, p10, p20, map } = curves[compared];
        const less = compared === 'adaptive' ? '' : adaptiveLess(study, compared);
        return [compared, ...[p1, p10, p20, map].map(share), percent(map / curves.float.map), less];
      }),
    },
    plots: [
      {
        title: 'Mean average precision of each feature and fusion',
        draw: (plots, width) =>
          plots.bars(
            COMPARED.map((compared) => ({ label: compared, value: curves[compared].map, group: group(compared) })),
            ['float feature', 'one feature', 'fusion'],
            { label: 'mAP' },
            width,
          ),
      },
    ],
  };
}

function classes(study: Study): Figure {
  const { curves } = study;
  const labels = Object.keys(curves.adaptive.classes).sort();
  const compared: readonly Compared[] = ['ehd', 'bow', 'deep', 'adaptive'];
  const best = SINGLE.reduce((a, b) => (curves[a].map >= curves[b].map ? a : b));
  const others: readonly Compared[] = [best, 'equal', 'static'];
  const shown = labels.slice(0, 24);
  return {
    id: 'classes',
    title: 'Class by class',
    text: `Mean average precision of the queries of each class, and adaptive fusion less others, in points, with the 95 % interval of a paired bootstrap over the queries of the class${shown.length < labels.length ? `; the first ${shown.length} classes are drawn` : ''}.`,
    table: {
      head: ['class', ...compared, ...others.map((other) => `less ${other}`)],
      rows: labels.map((label) => [
        label,
        ...compared.map((each) => share(curves[each].classes[label]!)),
        ...others.map((other) => adaptiveLess(study, other, label)),
      ]),
    },
    plots: [
      {
        title: 'Adaptive fusion, class by class',
        draw: (plots, width) =>
          plots.bars(
            shown.map((label) => ({ label, value: curves.adaptive.classes[label]!, group: 'adaptive' })),
            ['adaptive'],
            { label: 'mAP' },
            width,
          ),
      },
    ],
  };
}

function weights({ weights: means }: Evaluation, { weights: queries }: Study): Figure {
  const at = (feature: (typeof FEATURES)[number], part: number): number =>
    queries.map((query) => query[feature]).sort((a, b) => a - b)[Math.floor(part * (queries.length - 1))]!;
  return {
    id: 'weights',
    title: 'Weights, query by query',
    text: `Adaptive weights of ${queries.length} queries, one a column, class by class. They are in the query alone: stored codes never change.`,
    table: {
      head: ['feature', 'mean', 'least', '10 %', 'median', '90 %', 'most'],
      rows: FEATURES.map((feature) => [
        feature,
        share(means[feature]),
        ...[0, 0.1, 0.5, 0.9, 1].map((part) => share(at(feature, part))),
      ]),
    },
    plots: [
      {
        title: 'Share of each feature in the score',
        draw: (plots, width) => plots.shares(queries, FEATURES, { label: 'queries, class by class' }, width),
      },
    ],
  };
}

function encrypted({ rows, agreement20 }: Evaluation): Figure {
  const names = [...new Set(rows.filter(({ side }) => side === 'encrypted').map(({ feature }) => feature))];
  const of = (feature: string, side: string): number =>
    rows.find((row) => row.feature === feature && row.side === side)!.map;
  const loss = 1 - of('adaptive', 'encrypted') / of('adaptive', 'plain');
  return {
    id: 'encrypted',
    title: 'Encrypted equals plaintext',
    text: `A real client and a real server, secure kNN with the default noise, the whole library ranked, scores as the server gives them: adaptive fusion loses ${(100 * loss).toFixed(2)} % of its mAP. Without noise the first 20 are those of the plaintext for ${percent(agreement20 ?? NaN)} of the queries.`,
    table: {
      head: ['feature', 'side', 'P@1', 'P@10', 'P@20', 'mAP', 'of plaintext'],
      rows: names.flatMap((feature) =>
        rows
          .filter((row) => row.feature === feature)
          .map(({ side, p1, p10, p20, map }) => [
            ...[feature, side, ...[p1, p10, p20, map].map(share)],
            percent(map / of(feature, 'plain')),
          ]),
      ),
    },
    plots: [
      {
        title: 'Mean average precision, plaintext and encrypted',
        draw: (plots, width) =>
          plots.bars(
            names.flatMap((feature) =>
              (['plain', 'encrypted'] as const).map((side) => ({
                label: `${feature}, ${side}`,
                value: of(feature, side),
                group: side,
              })),
            ),
            ['plain', 'encrypted'],
            { label: 'mAP' },
            width,
          ),
      },
    ],
  };
}

function noise({ noise: rows }: Study): Figure {
  const plain = rows.find((row) => row.noise === 'plain')!;
  const levels = rows.filter((row) => row.noise !== 'plain');
  const largest = Math.max(...levels.map((row) => Number(row.noise)));
  return {
    id: 'noise',
    title: 'Noise against accuracy',
    text: 'Adaptive fusion, ranked by the server, at each standard deviation of the noise on stored vectors (in bits of the inner product). Noise makes recovery of codes from known images dearer; it does not prevent it.',
    table: {
      head: ['noise', 'P@1', 'P@20', 'mAP', 'of plaintext'],
      rows: rows.map(({ noise: level, p1, p20, map }) => [
        ...[level, ...[p1, p20, map].map(share)],
        percent(map / plain.map),
      ]),
    },
    plots: [
      {
        title: 'Mean average precision by noise',
        draw: (plots, width) =>
          plots.lines(
            [
              ...[0, largest].map((x) => ({ x, y: plain.map, series: 'plaintext' })),
              ...levels.map(({ noise: level, map }) => ({ x: Number(level), y: map, series: 'encrypted' })),
            ],
            ['plaintext', 'encrypted'],
            { label: 'noise', type: 'sqrt', ticks: [0, 2, 8, 16, 32, 64, 128] },
            { label: 'mAP', domain: [0, 1] },
            width,
          ),
      },
    ],
  };
}

function prefilter({ prefilter: own }: Evaluation, { prefilter: rows }: Study): Figure {
  const series = [...new Set(rows.map(({ family, size }) => `${family}, ${size}`))];
  const points = (x: (row: Study['prefilter'][number]) => number): Point[] =>
    rows.map((row) => ({ x: x(row), y: row.recall20, series: `${row.family}, ${row.size}` }));
  return {
    id: 'prefilter',
    title: 'Prefilter: recall and time against tables and probes',
    text: `Recall of the full scan's first 20 for tokens of different families, sizes and probes. Time is that of the tokens, the look-up and ranking what they name, on plaintext codes.${own === undefined ? '' : ` The index as shipped: recall ${share(own.recall20)}, ${percent(own.touched)} of the library ranked, ${own.tokens} tokens a query.`}`,
    table: {
      head: ['family', 'stored', 'probes', 'tokens a query', 'recall@20', 'ranked', 'ms'],
      rows: rows.map(({ family, size, probes, tokens, recall20, touched, ms }) => [
        ...[family, size, probes, tokens, share(recall20)],
        ...[percent(touched), milliseconds(ms)],
      ]),
    },
    plots: [
      {
        title: 'Recall against the share that is ranked',
        draw: (plots, width) =>
          plots.lines(
            points(({ touched }) => touched),
            series,
            { label: 'share of the library that is ranked', percent: true },
            { label: 'recall@20', domain: [0, 1] },
            width,
          ),
      },
      {
        title: 'Recall against time',
        draw: (plots, width) =>
          plots.lines(
            points(({ ms }) => ms),
            series,
            { label: 'milliseconds a query', type: 'log' },
            { label: 'recall@20', domain: [0, 1] },
            width,
          ),
      },
    ],
  };
}

function sizes({ sizes: rows }: Study): Figure {
  return {
    id: 'sizes',
    title: 'Search time against collection size',
    text: 'Milliseconds a query of a real client and server in one process, median of 20: the whole library ranked by secure kNN, and only what shares a token. Beyond the photos at hand, descriptors are mixed from two photos (0.7 and 0.3).',
    table: {
      head: ['images', 'whole library (ms)', 'prefiltered (ms)', 'ranked'],
      rows: rows.map(({ images, scan, prefiltered, touched }) => [
        ...[images, milliseconds(scan), milliseconds(prefiltered), percent(touched)],
      ]),
    },
    plots: [
      {
        title: 'Milliseconds a query by number of images',
        draw: (plots, width) =>
          plots.lines(
            rows.flatMap(({ images, scan, prefiltered }) => [
              { x: images, y: scan, series: 'whole library' },
              { x: images, y: prefiltered, series: 'prefiltered' },
            ]),
            ['whole library', 'prefiltered'],
            { label: 'images', type: 'log', ticks: rows.map(({ images }) => images) },
            { label: 'ms' },
            width,
          ),
      },
    ],
  };
}

function times({ times: steps }: Study): Figure {
  const total = (of: 'index' | 'query'): number =>
    steps.reduce((sum, step) => (step.of === of || step.of === 'both' ? sum + step.ms : sum), 0);
  const names = { both: 'index and query', index: 'index only', query: 'query only' };
  return {
    id: 'times',
    title: 'Making an index entry and a trapdoor',
    text: `Step by step, median milliseconds: an index entry takes ${milliseconds(total('index'))} ms, so 1000 images ${total('index').toFixed(0)} s; a trapdoor ${milliseconds(total('query'))} ms with the picture's features, ${milliseconds(steps.filter(({ of }) => of === 'query').reduce((sum, { ms }) => sum + ms, 0))} ms without.`,
    table: {
      head: ['step', 'for', 'ms'],
      rows: [
        ...steps.map(({ step, of, ms }) => [step, names[of], milliseconds(ms)]),
        ['all', 'index', milliseconds(total('index'))],
        ['all', 'query', milliseconds(total('query'))],
      ],
    },
    plots: [
      {
        title: 'Milliseconds of each step',
        draw: (plots, width) =>
          plots.bars(
            steps.map(({ step, of, ms }) => ({ label: step, value: ms, group: names[of] })),
            Object.values(names),
            { label: 'milliseconds' },
            width,
          ),
      },
    ],
  };
}

function cipher({ pictures: shown }: Study): Figure {
  const precise = (value: number): string => `${(100 * value).toFixed(4)} %`;
  return {
    id: 'cipher',
    title: 'The usual figures of image ciphers',
    text: `Passing these says nothing about security: the logistic stream passes, and alone it falls to one known picture. What protects a picture is AES-256-GCM, around it, under a key that seals one file once. Ideal: NPCR ${precise(NPCR_IDEAL)}, UACI ${precise(UACI_IDEAL)}, entropy 8, correlation 0; random bytes stay below a chi-square of ${CHI_SQUARE_LIMIT} 19 times in 20. One pixel changed: under a key of its own, as the library does it, everything changes; under the same key, which it never uses, only that pixel would.`,
    table: {
      head: [
        'picture',
        'NPCR, one pixel',
        'UACI, one pixel',
        'NPCR, one key bit',
        'UACI, one key bit',
        'right bytes, wrong key',
        'NPCR, same key',
        'entropy',
        'chi-square',
        'largest correlation',
      ],
      rows: shown.map(({ name, figures: { onePixel, oneKeyBit, wrongKey, oneKey, cipher: side } }) => [
        name,
        ...[onePixel.npcr, onePixel.uaci, oneKeyBit.npcr, oneKeyBit.uaci, wrongKey, oneKey.npcr].map(precise),
        side.entropy.toFixed(4),
        side.chiSquare.toFixed(1),
        Math.max(...Object.values(side.correlation).map((value) => Math.abs(value))).toFixed(4),
      ]),
    },
    plots: [
      {
        title: 'Bytes that differ when one pixel, or one bit of the key, is changed (NPCR)',
        draw: (plots, width) =>
          plots.bars(
            shown.flatMap(({ name, figures }) => [
              { label: `${short(name)}, pixel`, value: figures.onePixel.npcr, group: 'one pixel' },
              { label: `${short(name)}, key bit`, value: figures.oneKeyBit.npcr, group: 'one key bit' },
            ]),
            ['one pixel', 'one key bit'],
            { label: 'bytes that differ', percent: true },
            width,
          ),
      },
    ],
  };
}

function short(name: string): string {
  return name.length > 18 ? `...${name.slice(-15)}` : name;
}
