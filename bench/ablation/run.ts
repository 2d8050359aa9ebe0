/**
 * The ablation: one choice of the scheme changed at a time, measured on photos that took no part in training.
 *
 *     npm run ablation -- --photos caltech101 --test corel1k --test corel5k20 --cache features -o docs/ABLATION.md
 *
 * The photos (a folder with `labels.csv`, as the test sets) are split by the seed: everything is trained on one half, and every fifth photo of
 * the other half is a query against the rest of that half. Which rows look best decides the defaults; the test sets are then
 * measured once, with the shipped vocabulary and all photos as queries, and decide nothing. Long steps are kept in `--cache`.
 */
import { parseArgs } from 'node:util';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Collector } from '../../src/adapters/collector.ts';
import { loadDecoders } from '../../src/adapters/library.ts';
import { loadKernels, loadModel, loadVocabulary } from '../../src/adapters/package-files.ts';
import { joinRows } from '../../src/base/bytes.ts';
import { seededRandom, shuffle } from '../../src/base/random.ts';
import { FEATURES, type Feature } from '../../src/codes/block.ts';
import type { WeightRule } from '../../src/codes/fusion.ts';
import type { Vocabulary } from '../../src/codes/vocabulary.ts';
import { Collection } from '../../src/eval/collection.ts';
import { readLabels, type Labelled } from '../../src/eval/labels.ts';
import type { LocalSettings } from '../../src/features/feature-extractor.ts';
import { SIFT_DIMS } from '../../src/features/local-features.ts';
import { DEFAULT_SHAPES, WEIGHT_POWER } from '../../src/train/train.ts';
import { collect, countWords, describeWords, frequencies, makeCodebook, type Words } from './features.ts';
import { bootstrapDifference, measure, type Figures, type Interval, type Ranker } from './measure.ts';
import { Memory } from './memory.ts';
import { expanded, float, product, reciprocal, repowered, searched, weighted } from './rankers.ts';
import { document, type Report, type Row } from './document.ts';
import { ITERATIONS, trainSystem, type Shapes } from './system.ts';

const RULES: readonly WeightRule[] = ['equal', 'static', 'area', 'entropy', 'adaptive'];
const SPLIT_SEED = 7;
const BOOTSTRAP_SEED = 1;
/** Every so many held-out photos is a query. */
const QUERY_STEP = 5;
/** Rows that need another codebook or other local features are measured on every so many photos of either half. */
const WORDS_STEP = 4;

const { values: options } = parseArgs({
  options: {
    photos: { type: 'string' },
    test: { type: 'string', multiple: true, default: [] },
    cache: { type: 'string' },
    vocabulary: { type: 'string' },
    output: { type: 'string', short: 'o' },
    json: { type: 'string' },
    /** Leaves out the rows that need another codebook or other local features. */
    quick: { type: 'boolean', default: false },
  },
});
const { photos: folder, cache } = options;
if (folder === undefined || cache === undefined) throw new RangeError('"--photos" and "--cache" expected');

const kernels = await loadKernels();
const { vocabulary: shipped } = await loadVocabulary(options.vocabulary);
const model = await loadModel(shipped.model.sha256);
const decoders = await loadDecoders();
const collectorOf = (local: LocalSettings): Collector => new Collector(kernels, local, model, decoders, cache);
const collector = collectorOf(shipped.local);
const memory = new Memory(join(cache, 'ablation'));

/** Trained on the first half, measured on the second. */
const photos = shuffle(await readLabels(folder, join(folder, 'labels.csv')), seededRandom(SPLIT_SEED));
const tuning = await collect('tuning', photos, collector);

interface Bag {
  /** f32[photos * dims] */
  readonly rows: Float32Array;
  readonly dims: number;
}

/** Photos by number, the first half of which trains; and their descriptors. */
interface Split {
  readonly photos: readonly Labelled[];
  readonly half: number;
  readonly ehd: Float32Array;
  readonly deep: Float32Array;
}

const whole: Split = { photos, half: Math.floor(photos.length / 2), ehd: tuning.ehd, deep: tuning.deep };

/** Every so many photos of either half. */
function thinned({ photos: all, half, ehd, deep }: Split, step: number): Split {
  const kept = [...all.keys()].filter((i) => (i < half ? i : i - half) % step === 0);
  const rows = (from: Float32Array): Float32Array => {
    const dims = from.length / all.length;
    return joinRows(kept.map((i) => from.subarray(i * dims, (i + 1) * dims)));
  };
  return {
    photos: kept.map((i) => all[i]!),
    half: kept.filter((i) => i < half).length,
    ehd: rows(ehd),
    deep: rows(deep),
  };
}

/** Bags of all photos; frequencies come from the first half. */
async function bagsOf(of: Split, codebook: Float32Array, local: LocalSettings, words: Words): Promise<Bag> {
  const residuals = words === 'residuals';
  const by = collectorOf(local);
  const counts = await countWords(kernels, memory, of.photos, by, JSON.stringify(local), codebook, residuals);
  const dims = counts.length / of.photos.length;
  const idf = residuals ? new Float32Array(dims).fill(1) : frequencies(counts.subarray(0, of.half * dims), dims);
  return { rows: describeWords(counts, idf, words), dims };
}

/** What a system is made of, where it is not the default. */
interface Change {
  readonly shapes?: Partial<Shapes>;
  readonly bags?: Bag;
  /** Deep descriptors are raised to this power, number by number, before all else. */
  readonly deepPower?: number;
  readonly of?: Split;
}

const defaultBags = await bagsOf(whole, shipped.codebook, shipped.local, 'sqrt tf-idf');

async function systemOf({ shapes, bags = defaultBags, deepPower = 1, of = whole }: Change): Promise<Collection> {
  const deep = deepPower === 1 ? of.deep : of.deep.map((v) => Math.sign(v) * Math.abs(v) ** deepPower);
  const all: Record<Feature, Float32Array> = { ehd: of.ehd, bow: bags.rows, deep };
  const part = (feature: Feature, from: number, to: number): Float32Array => {
    const dims = all[feature].length / of.photos.length;
    return all[feature].slice(from * dims, to * dims);
  };
  const { half } = of;
  const vocabulary = await trainSystem(
    memory,
    {
      count: half,
      labels: of.photos.slice(0, half).map(({ label }) => label),
      ...{ ehd: part('ehd', 0, half), bow: part('bow', 0, half), deep: part('deep', 0, half) },
    },
    { ...DEFAULT_SHAPES, ...shapes },
    {
      ...{ module: kernels, seed: 1, origin: 'ablation', model: shipped.model, local: shipped.local, centroids: 0 },
      ...{ workingSide: shipped.workingSide, codebook: new Float32Array(bags.dims * SIFT_DIMS) },
      idf: new Float32Array(bags.dims).fill(1),
    },
  );
  return collectionOf(vocabulary, of.photos.slice(half), (feature, i) => part(feature, half + i, half + i + 1));
}

function collectionOf(
  vocabulary: Vocabulary,
  of: readonly Labelled[],
  row: (feature: Feature, i: number) => Float32Array,
): Collection {
  const descriptors = (i: number): Record<Feature, Float32Array> => ({
    ...{ ehd: row('ehd', i), bow: row('bow', i), deep: row('deep', i) },
  });
  return new Collection(
    kernels,
    vocabulary,
    of.map(({ label }, i) => ({ label, descriptors: descriptors(i) })),
  );
}

const rows: Row[] = [];
/** What one row measures. */
interface Measured {
  readonly group: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly bytes: number;
  readonly step?: number;
}

function add({ group, name, labels, bytes, step = QUERY_STEP }: Measured, ranker: Ranker): Figures {
  const figures = measure(labels, ranker, step);
  const { p10, p20, map, ms } = figures;
  rows.push({ group, name, p10, p20, map, ms, bytes });
  process.stderr.write(`${group}: ${name}  mAP ${map.toFixed(4)}\n`);
  return figures;
}

const reports: Report[] = [];
const few = thinned(whole, WORDS_STEP);

/** Writes what there is so far, so that a stopped run leaves its rows. */
async function write(done: boolean): Promise<void> {
  const result = {
    done,
    ...{ photos: photos.length, heldOut: photos.length - whole.half, step: QUERY_STEP },
    ...{ wordsStep: WORDS_STEP, thinned: few.photos.length - few.half },
    ...{ iterations: ITERATIONS, staticWeights: shipped.staticWeights, rows, reports },
  };
  if (options.json !== undefined) await writeFile(options.json, JSON.stringify(result));
  if (options.output !== undefined) await writeFile(options.output, document(result));
  else if (done) console.log(document(result));
}

/** One set under the shipped vocabulary: what was decided above, on photos that decided nothing. */
async function report(name: string, of: readonly Labelled[]): Promise<Report> {
  const set = await collect(name, of, collector);
  const words = shipped.idf.length;
  const counts = await countWords(kernels, memory, of, collector, JSON.stringify(shipped.local), shipped.codebook);
  const bags = describeWords(counts, shipped.idf, 'sqrt tf-idf');
  const dims: Record<Feature, number> = { ehd: set.ehd.length / of.length, bow: words, deep: model.dims };
  const all: Record<Feature, Float32Array> = { ehd: set.ehd, bow: bags, deep: set.deep };
  const collection = collectionOf(shipped, of, (feature, i) =>
    all[feature].slice(i * dims[feature], (i + 1) * dims[feature]),
  );
  const labels = of.map(({ label }) => label);
  const row = (called: string, ranker: Ranker, bytes = shipped.codeBytes): Figures =>
    add({ group: name, name: called, labels, bytes, step: 1 }, ranker);

  const yard = row('float cosine', float(set.deep, shipped.deepMean), 4 * model.dims);
  const singles = FEATURES.map((feature) => ({
    feature,
    figures: row(`${feature} alone`, weighted(collection, feature), shipped.blocks[feature].bits / 8),
  }));
  const rules = {} as Record<WeightRule, Figures>;
  for (const rule of RULES) rules[rule] = row(rule, weighted(collection, rule));
  const order = row('copies first (as searched), adaptive', searched(collection));
  row('product form, static (not on ciphertext)', product(collection, 'static'));
  row('reciprocal ranks (not on ciphertext)', reciprocal(collection));
  row('adaptive, second query with 3 opened', expanded(collection, 'adaptive', 3));

  const best = singles.reduce((a, b) => (b.figures.map > a.figures.map ? b : a));
  const { adaptive } = rules;
  const others = { best: best.figures.each, equal: rules.equal.each, static: rules.static.each };
  const against = (members: readonly number[]): Record<'best' | 'equal' | 'static', Interval> => {
    const pick = (each: readonly number[]): number[] => members.map((i) => each[i]!);
    const difference = (other: readonly number[]): Interval =>
      bootstrapDifference(pick(adaptive.each), pick(other), BOOTSTRAP_SEED);
    return { best: difference(others.best), equal: difference(others.equal), static: difference(others.static) };
  };
  return {
    name,
    photos: of.length,
    shareOfFloat: adaptive.map / yard.map,
    best: best.feature,
    weights: Object.fromEntries(
      FEATURES.map((feature) => [
        feature,
        labels.reduce((sum, _, i) => sum + collection.weights(i, 'adaptive')[feature], 0) / labels.length,
      ]),
    ) as Record<Feature, number>,
    against: {
      ...against([...labels.keys()]),
      float: bootstrapDifference(adaptive.each, yard.each, BOOTSTRAP_SEED),
      searched: bootstrapDifference(order.each, best.figures.each, BOOTSTRAP_SEED),
    },
    classes: [...new Set(labels)].map((label) => ({
      label,
      ...against([...labels.keys()].filter((i) => labels[i] === label)),
    })),
  };
}

for (const test of options.test) {
  reports.push(await report(basename(test), await readLabels(test, join(test, 'labels.csv'))));
  await write(false);
}

// Of the default system: features, weight rules, other ways to fuse, expansion.
const standard = await systemOf({});
const heldOut = standard.labels;
const { codeBytes, blocks: standardBlocks } = standard.vocabulary;
const ofDefault = (group: string, name: string, ranker: Ranker, bytes = codeBytes): Figures =>
  add({ group, name, labels: heldOut, bytes }, ranker);
ofDefault(
  'yardstick',
  'float cosine',
  float(tuning.deep.subarray(whole.half * model.dims), standard.vocabulary.deepMean),
  4 * model.dims,
);
const bytesOf = (feature: Feature): number => standardBlocks[feature].bits / 8;
for (const feature of FEATURES) ofDefault('default', `${feature} alone`, weighted(standard, feature), bytesOf(feature));
for (const rule of RULES) ofDefault('weights', rule, weighted(standard, rule));
for (const power of [1, 1.5, 2, 2.5, 3])
  for (const rule of ['static', 'adaptive'] as const)
    ofDefault('weight power', `${rule}, mAP^${power}`, repowered(standard, rule, power, WEIGHT_POWER));
ofDefault('order', 'copies first (as searched), adaptive', searched(standard));
ofDefault('query', 'signs only (symmetric), adaptive', weighted(standard, 'adaptive', true));
ofDefault('fusion', 'product form, static (not on ciphertext)', product(standard, 'static'));
ofDefault('fusion', 'product form, area (not on ciphertext)', product(standard, 'area'));
ofDefault('fusion', 'reciprocal ranks (not on ciphertext)', reciprocal(standard));
for (const answers of [1, 3, 10])
  ofDefault('expansion', `second query with ${answers} opened`, expanded(standard, 'adaptive', answers));

/** A row of the changed feature alone and one of the fusion. */
async function compare(group: string, name: string, change: Change, feature?: Feature): Promise<void> {
  const system = await systemOf(change);
  const { labels, vocabulary } = system;
  const step = change.of === undefined ? QUERY_STEP : 1;
  if (feature !== undefined) {
    const bytes = vocabulary.blocks[feature].bits / 8;
    add({ group, name: `${name}: ${feature} alone`, labels, bytes, step }, weighted(system, feature));
  }
  add({ group, name: `${name}: adaptive`, labels, bytes: vocabulary.codeBytes, step }, weighted(system, 'adaptive'));
  await write(false);
}

const { ehd, bow, deep } = DEFAULT_SHAPES;
const none = { bits: 0, normalise: false };
for (const [name, shape] of [
  ['whitening 0', { ...ehd, whitening: 0 }],
  ['whitening 1', { ...ehd, whitening: 1 }],
  ['medians of 64 bins', { ...ehd, kind: 'median' }],
  ['random rotation', { ...ehd, kind: 'random' }],
] as const)
  await compare('ehd', name, { shapes: { ehd: shape } }, 'ehd');
await compare(
  'ehd',
  'thermometer of 7 bits a bin (560 bits), bow 144, deep 320',
  {
    shapes: {
      ehd: { bits: 560, normalise: false, kind: 'thermometer' },
      bow: { ...bow, bits: 144 },
      deep: { ...deep, bits: 320 },
    },
  },
  'ehd',
);
for (const [name, shape] of [
  ['whitening 0', { ...bow, whitening: 0 }],
  ['whitening 1', { ...bow, whitening: 1 }],
  ['64 bits', { ...bow, bits: 64 }],
  ['128 bits', { ...bow, bits: 128 }],
  ['medians of 256 words', { ...bow, kind: 'median' }],
] as const)
  await compare('bow', name, { shapes: { bow: shape } }, 'bow');
const tfIdf = await bagsOf(whole, shipped.codebook, shipped.local, 'tf-idf');
await compare('bow', 'tf-idf without the square root', { bags: tfIdf }, 'bow');
for (const [name, shape] of [
  ['128 bits', { ...deep, bits: 128 }],
  ['256 bits', { ...deep, bits: 256 }],
  ['384 bits', { ...deep, bits: 384 }],
  ['704 bits', { ...deep, bits: 704 }],
  ['whitening 0.25', { ...deep, whitening: 0.25 }],
  ['whitening 0.5', { ...deep, whitening: 0.5 }],
  ['random rotation', { ...deep, kind: 'random' }],
  ['no rotation', { ...deep, kind: 'sign' }],
] as const)
  await compare('deep', name, { shapes: { deep: shape } }, 'deep');
await compare('deep', 'power 0.5, number by number', { deepPower: 0.5 }, 'deep');
for (const [name, shapes] of [
  ['128: deep 128', { ehd: none, bow: none, deep: { ...deep, bits: 128 } }],
  ['256: bow 64, deep 192', { ehd: none, bow: { ...bow, bits: 64 }, deep: { ...deep, bits: 192 } }],
  [
    '512: ehd 32, bow 96, deep 384',
    { ehd: { ...ehd, bits: 32 }, bow: { ...bow, bits: 96 }, deep: { ...deep, bits: 384 } },
  ],
  ['832: ehd 64, bow 256, deep 512', {}],
  ['1024: ehd 64, bow 256, deep 704', { deep: { ...deep, bits: 704 } }],
] as const)
  await compare('bits in all', name, { shapes });

if (!options.quick) {
  const trainingPhotos = few.photos.slice(0, few.half);
  for (const [name, local, count, words] of [
    ['dense, 1000 words', shipped.local, 1000, 'sqrt tf-idf'],
    ['dense, 500 words', shipped.local, 500, 'sqrt tf-idf'],
    ['keypoints, 1000 words', { kind: 'keypoint', options: {} }, 1000, 'sqrt tf-idf'],
    ['dense, residuals to 8 words', shipped.local, 8, 'residuals'],
  ] as const) {
    const codebook = await makeCodebook(
      kernels,
      memory,
      trainingPhotos,
      collectorOf(local),
      JSON.stringify(local),
      count,
      1,
    );
    await compare('words', name, { of: few, bags: await bagsOf(few, codebook, local, words) }, 'bow');
  }
}

await model.close();
await write(true);
