/**
 * The study of prefilters: recall against share touched and tokens a query, for both families and growing collections, and what tokens
 * tell a server (`src/attacks/token-frequency.ts`).
 *
 *     npm run prefilter -- caltech101 --report corel1k --report corel5k20 --cache features --write docs/TUNING.md
 *
 * Every second photo of the first folder trains the centroids; the others are held out: what is chosen is chosen on these. (The rest of
 * the bundled vocabulary has seen all photos of Caltech-101.) The folders of `--report` are only reported, with the bundled vocabulary (or `--vocabulary`). Each folder has a `labels.csv`, or a
 * sub-folder a class. `--write` puts the tables between the marks of that file.
 */
import { parseArgs } from 'node:util';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { loadKernels, loadVocabulary } from '../../src/adapters/package-files.ts';
import { tokenFrequency, type TokenSet } from '../../src/attacks/token-frequency.ts';
import { concat } from '../../src/base/bytes.ts';
import { seededRandom, shuffle } from '../../src/base/random.ts';
import type { Prefilter } from '../../src/client/index-parameters.ts';
import { libraryTokens } from '../../src/client/library-tokens.ts';
import { collectPhotos } from '../../src/cli/photo-features.ts';
import { describePrefilter } from '../../src/cli/prefilter-options.ts';
import { walk } from '../../src/cli/walk.ts';
import { FEATURES } from '../../src/codes/block.ts';
import { createVocabulary, decodeVocabulary } from '../../src/codes/vocabulary-format.ts';
import type { Vocabulary } from '../../src/codes/vocabulary.ts';
import { centroidInput } from '../../src/crypto/centroid-tokens.ts';
import { LibraryKeys } from '../../src/crypto/keys.ts';
import { Tokens } from '../../src/crypto/token.ts';
import { Collection } from '../../src/eval/collection.ts';
import type { Photo } from '../../src/eval/evaluate.ts';
import { labelByFolder, readLabels } from '../../src/eval/labels.ts';
import { markdownTable, type Cell } from '../../src/eval/markdown.ts';
import { mixedCodes } from '../../src/eval/mixed-codes.ts';
import { measurePrefilters, type MeasuredQuery, type PrefilterFigures } from '../../src/eval/prefilter-measure.ts';
import { evenly } from '../../src/eval/query-sample.ts';
import { trainCentroids } from '../../src/train/bucket-centroids.ts';
import { DEFAULT_CENTROIDS } from '../../src/train/train.ts';
import { putBetweenMarks } from '../between-marks.ts';
import { ATTACKED, CENTROID_COUNTS, GRID, SHOWN, SIZES } from './grid.ts';

interface LabelledCodes {
  readonly codes: readonly Uint8Array[];
  readonly labels: readonly string[];
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    report: { type: 'string', multiple: true, default: [] },
    cache: { type: 'string' },
    vocabulary: { type: 'string' },
    largest: { type: 'string', default: '1000000' },
    write: { type: 'string' },
  },
});
const [tuning] = positionals;
if (tuning === undefined) throw new RangeError('"folder" expected one, got none');
const MOST_QUERIES = 100;
const started = performance.now();
const tell = (what: string): void => {
  console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${what}`);
};

const kernels = await loadKernels();
const shipped =
  options.vocabulary === undefined
    ? (await loadVocabulary()).vocabulary
    : decodeVocabulary(await readFile(options.vocabulary));
const random = seededRandom(1);
const sampleKey = Uint8Array.from({ length: 32 }, () => Math.floor(256 * random()));

async function photosOf(folder: string): Promise<readonly Photo[]> {
  const found = await readLabels(folder, join(folder, 'labels.csv')).catch(async () =>
    labelByFolder((await walk([folder])).found),
  );
  const { photos } = await collectPhotos(found, {
    ...{ kernels, vocabulary: shipped, cache: options.cache, quiet: true },
  });
  tell(`${basename(folder)}: ${photos.length} photos`);
  return photos;
}

/** Photos of a collection as queries. `own`: whether they are records of it as well. */
function queriesOf(collection: Collection, photos: readonly number[], own: boolean): MeasuredQuery[] {
  return photos.map((photo) => ({
    query: collection.query(photo, 'adaptive'),
    margins: collection.encoder.margins(collection.encoded[photo]!.projections),
    own: own ? photo : -1,
  }));
}

/** The vocabulary with centroids that have seen these photos only. */
async function withCentroids(codes: readonly Uint8Array[], count: number): Promise<Vocabulary> {
  const blocks = FEATURES.map((feature) => ({
    bits: shipped.blocks[feature].bits,
    weight: shipped.staticWeights[feature],
  }));
  const centroids = await trainCentroids(concat(...codes), { module: kernels, blocks, count, seed: 1 });
  return createVocabulary({ ...shipped, centroids });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const cells = ({ tokens, bytes, recall20, touched }: PrefilterFigures): Cell[] => [
  ...[tokens, bytes, recall20.toFixed(3), percent(touched)],
];
const HEAD = ['prefilter', 'tokens a query', 'bytes', 'recall@20', 'touched'];
const table = (rows: readonly PrefilterFigures[]): string =>
  markdownTable(
    HEAD,
    rows.map((row) => [describePrefilter(row.prefilter), ...cells(row)]),
  );

// Held-out photos of the first folder.
const all = await photosOf(tuning);
const training = all.filter((_, i) => i % 2 === 0);
const heldOut = all.filter((_, i) => i % 2 === 1);
const trainedCodes = new Collection(kernels, shipped, training).encoded.map(({ code }) => code);
const vocabulary = await withCentroids(trainedCodes, DEFAULT_CENTROIDS);
tell('centroids of every second photo');
const asked = evenly(heldOut.length, MOST_QUERIES);
const collection = new Collection(kernels, vocabulary, heldOut);
// Shuffled, so that fewer of them are of all classes.
const library = shuffle(
  collection.encoded.filter((_, i) => !asked.includes(i)),
  random,
).map(({ projections }) => projections);
const queries = queriesOf(collection, asked, false);

const lines: string[] = [];
const real = { kernels, vocabulary, queries, sampleKey, codes: mixedCodes(library, library.length, 1) };
lines.push(
  `### Held-out ${basename(tuning)}: ${library.length} photos, ${queries.length} others as queries`,
  '',
  table(await measurePrefilters(GRID, real)),
  '',
);
tell('held-out photos');

// Numbers of centroids.
const few: Prefilter[] = [8, 16, 32].map((probes) => ({ family: 'centroids', assigned: 2, probes }));
const byCount: Cell[][] = [];
for (const count of CENTROID_COUNTS) {
  const figures = await measurePrefilters(few, { ...real, vocabulary: await withCentroids(trainedCodes, count) });
  byCount.push(...figures.map((row) => [count, ...cells(row)]));
}
lines.push(
  `### Numbers of centroids, two a photo, on the same photos (${training.length} trained on)`,
  '',
  markdownTable(['centroids', ...HEAD.slice(1)], byCount),
  '',
);
tell('numbers of centroids');

// Growing collections.
for (const [records, most] of SIZES) {
  if (records > Number(options.largest)) continue;
  const codes = mixedCodes(library, records, 1);
  const figures = await measurePrefilters(SHOWN, {
    ...real,
    codes,
    queries: evenly(queries.length, most).map((i) => queries[i]!),
  });
  lines.push(`### ${records.toLocaleString('en')} records, ${most} queries`, '', table(figures), '');
  tell(`${records} records`);
}

// Only reported.
for (const folder of options.report) {
  const photos = await photosOf(folder);
  const reported = new Collection(kernels, shipped, photos);
  const codes = concat(...reported.encoded.map(({ code }) => code));
  const own = queriesOf(reported, evenly(photos.length, MOST_QUERIES), true);
  const shown = SHOWN.filter(({ family }) => family === 'lsh' || shipped.centroids.length > 0);
  const figures = await measurePrefilters(shown, { kernels, vocabulary: shipped, queries: own, sampleKey, codes });
  lines.push(
    `### ${basename(folder)}, only reported: ${photos.length} photos, ${own.length} of them as queries`,
    '',
    table(figures),
    '',
  );
  tell(basename(folder));
}

const command = `    npm run prefilter -- ${[basename(tuning), ...options.report.map((folder) => `--report ${basename(folder)}`)].join(' ')} --cache features --write docs/TUNING.md`;
await putBetweenMarks(
  options.write,
  'prefilter',
  [
    command,
    '',
    `${new Date().toISOString().slice(0, 10)}, vocabulary of the last tables ${Buffer.from(shipped.fingerprint).toString('hex').slice(0, 16)}.`,
    '',
    ...lines,
  ]
    .join('\n')
    .trimEnd(),
);

// What tokens tell: the library is the held-out photos, and the server's own pictures those that trained the vocabulary.
function labelledCodes(photos: readonly Photo[]): LabelledCodes {
  const { encoded, labels } = new Collection(kernels, vocabulary, photos);
  return { labels, codes: encoded.map(({ code }) => code) };
}

function keysOf(seed: number): LibraryKeys {
  const draw = seededRandom(seed);
  return new LibraryKeys(Uint8Array.from({ length: 64 }, () => Math.floor(256 * draw())));
}

function tokensOf(keys: LibraryKeys, { codes, labels }: LabelledCodes, prefilter: Prefilter): TokenSet {
  const family = libraryTokens(keys, vocabulary, { prefilter });
  return { labels, tokens: codes.map((code) => family.tokens(code)) };
}

const [storedPhotos, ownPhotos] = [labelledCodes(heldOut), labelledCodes(training)];
const [libraryKeys, serverKeys] = [keysOf(1), keysOf(2)];
const attacked: Cell[][] = [];
for (const prefilter of ATTACKED) {
  const stored = tokensOf(libraryKeys, storedPhotos, prefilter);
  const own = tokensOf(serverKeys, ownPhotos, prefilter);
  const truth = prefilter.family === 'centroids' ? { truth: renaming() } : {};
  const result = tokenFrequency(stored, own, truth);
  const share = (value: number): string => (Number.isNaN(value) ? '' : percent(value));
  attacked.push([
    ...[describePrefilter(prefilter), result.matched, share(result.identified), share(result.identifiedChance)],
    ...[share(result.classes), share(result.classChance), share(result.classesIfAll)],
  ]);
  tell(`attack on ${describePrefilter(prefilter)}`);
}
await putBetweenMarks(
  options.write,
  'attack',
  [
    command,
    '',
    `Library: ${heldOut.length} held-out photos of ${basename(tuning)}. The server's own pictures: ${training.length} others of the same classes.`,
    '',
    markdownTable(
      [
        'tokens',
        'matched',
        'identified',
        'by lot',
        'class named',
        'commonest class',
        'class named, if all were identified',
      ],
      attacked,
    ),
  ].join('\n'),
);

/** The server's token of each bucket by the library's: all buckets of any code. */
function renaming(): Map<bigint, bigint> {
  const { fingerprint } = vocabulary;
  const [mine, theirs] = [new Tokens(libraryKeys.get('token/centroid')), new Tokens(serverKeys.get('token/centroid'))];
  return new Map(
    Array.from({ length: vocabulary.centroids.length / vocabulary.bits }, (_, centroid) => {
      const input = centroidInput(fingerprint, centroid);
      return [mine.of(input), theirs.of(input)];
    }),
  );
}
