/**
 * The ablation: one choice of the scheme changed at a time, measured on photos that took no part in training.
 *
 *     npm run ablation -- --photos caltech101 --test corel1k --test corel5k20 --cache features -o docs/ABLATION.md
 *
 * The photos (a folder with `labels.csv`, as the test sets) are split by the seed: everything is trained on one half, and every second photo of
 * the other half is a query against the rest of that half. Which rows look best decides the defaults; the test sets are then
 * measured once, with the shipped vocabulary and all photos as queries, and decide nothing. Features, principal axes, blocks and
 * measured rows are kept in `--cache`, so that a stopped run goes on.
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Collector } from '../../src/adapters/collector.ts';
import { loadDecoders } from '../../src/adapters/decoders.ts';
import { loadKernels, loadModel, loadVocabulary } from '../../src/adapters/package-files.ts';
import { joinRows, toHex } from '../../src/base/bytes.ts';
import { seededRandom, shuffle } from '../../src/base/random.ts';
import { FEATURES, type Feature } from '../../src/codes/block.ts';
import type { WeightRule } from '../../src/codes/fusion.ts';
import type { Vocabulary } from '../../src/codes/vocabulary.ts';
import { bootstrapDifference, type Interval } from '../../src/eval/bootstrap.ts';
import { Collection } from '../../src/eval/collection.ts';
import { readLabels, type Labelled } from '../../src/eval/labels.ts';
import type { LocalSettings } from '../../src/features/feature-extractor.ts';
import { SIFT_DIMS } from '../../src/features/local-features.ts';
import { DEFAULT_SHAPES, WEIGHT_POWER } from '../../src/train/train.ts';
import { collect, countWords, describeWords, frequencies, makeCodebook, type Words } from './features.ts';
import { measure, type Figures, type Ranker } from './measure.ts';
import { Memory } from './memory.ts';
import { expanded, float, product, reciprocal, repowered, searched, weighted } from './rankers.ts';
import { document, type Report, type Row } from './document.ts';
import { ITERATIONS, trainSystem, type Shapes } from './system.ts';

const RULES: readonly WeightRule[] = ['equal', 'static', 'area', 'entropy', 'adaptive'];
const SPLIT_SEED = 7;
const BOOTSTRAP_SEED = 1;
/** Every so many held-out photos is a query. */
const QUERY_STEP = 2;
/** Rows that need another codebook or other local features are measured on every so many photos of either half. */
const WORDS_STEP = 2;
/** Names what {@link add} measures: rows of another number are measured anew. */
const VERSION = 1;

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
  readonly collection: Collection;
  readonly bytes: number;
  readonly step?: number;
  /** Row of the shipped choice, on the same queries. */
  readonly against?: Figures | undefined;
  /** Whether this is the row of the shipped choice. */
  readonly shipped?: boolean;
}

async function add(
  { group, name, collection, bytes, step = QUERY_STEP, against, shipped: ours = false }: Measured,
  ranker: Ranker,
): Promise<Figures> {
  const { labels, vocabulary } = collection;
  const of = [labels.length, createHash('sha256').update(JSON.stringify(labels)).digest('hex')];
  const [[p10, p20, map, ms], each] = (await memory.recall(
    ['row', VERSION, group, name, toHex(vocabulary.fingerprint), step, ...of],
    async () => {
      const figures = measure(labels, ranker, step);
      return [Float32Array.of(figures.p10, figures.p20, figures.map, figures.ms), Float32Array.from(figures.each)];
    },
  )) as unknown as [[number, number, number, number], Float32Array];
  const figures: Figures = { p10, p20, map, ms, each: [...each] };
  const less = against === undefined ? undefined : bootstrapDifference(figures.each, against.each, BOOTSTRAP_SEED);
  rows.push({ group, name, p10, p20, map, ms, bytes, less, shipped: ours });
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
  const { labels } = collection;
  const row = (called: string, ranker: Ranker, bytes = shipped.codeBytes): Promise<Figures> =>
    add({ group: name, name: called, collection, bytes, step: 1 }, ranker);

  const yard = await row('float cosine', float(set.deep, shipped.deepMean), 4 * model.dims);
  const singles: { feature: Feature; figures: Figures }[] = [];
  for (const feature of FEATURES) {
    const figures = await row(`${feature} alone`, weighted(collection, feature), shipped.blocks[feature].bits / 8);
    singles.push({ feature, figures });
  }
  const rules = {} as Record<WeightRule, Figures>;
  for (const rule of RULES) rules[rule] = await row(rule, weighted(collection, rule));
  await row('signs only (symmetric), adaptive', weighted(collection, 'adaptive', true));
  const order = await row('copies first (as searched), adaptive', searched(collection));
  await row('product form, static (not on ciphertext)', product(collection, 'static'));
  await row('reciprocal ranks (not on ciphertext)', reciprocal(collection));
  await row('adaptive, second query with 3 opened', expanded(collection, 'adaptive', 3));

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
const { codeBytes, blocks: standardBlocks } = standard.vocabulary;
const ofDefault = (
  group: string,
  name: string,
  ranker: Ranker,
  more: Partial<Pick<Measured, 'bytes' | 'against' | 'shipped'>> = {},
): Promise<Figures> => add({ group, name, collection: standard, bytes: codeBytes, ...more }, ranker);
await ofDefault(
  'yardstick',
  'float cosine',
  float(tuning.deep.subarray(whole.half * model.dims), standard.vocabulary.deepMean),
  { bytes: 4 * model.dims },
);
/** Of each feature alone, and of the fusion. */
const base = {} as Record<Feature | 'adaptive', Figures>;
for (const feature of FEATURES)
  base[feature] = await ofDefault('feature', `${feature} alone`, weighted(standard, feature), {
    bytes: standardBlocks[feature].bits / 8,
  });
base.adaptive = await ofDefault('weights', 'adaptive', weighted(standard, 'adaptive'), { shipped: true });
const against = base.adaptive;
for (const rule of RULES.filter((each) => each !== 'adaptive'))
  await ofDefault('weights', rule, weighted(standard, rule), { against });
for (const power of [1, 1.5, 2, 2.5, 3])
  for (const rule of ['static', 'adaptive'] as const) {
    const ours = rule === 'adaptive' && power === WEIGHT_POWER;
    await ofDefault('weight power', `${rule}, mAP^${power}`, repowered(standard, rule, power, WEIGHT_POWER), {
      ...(ours ? { shipped: true } : { against }),
    });
  }
const order = await ofDefault('order', 'copies first (as searched), adaptive', searched(standard), { shipped: true });
await ofDefault('order', 'by score, adaptive', weighted(standard, 'adaptive'), { against: order });
await ofDefault('query', 'real-valued (asymmetric), adaptive', weighted(standard, 'adaptive'), { shipped: true });
await ofDefault('query', 'signs only (symmetric), adaptive', weighted(standard, 'adaptive', true), { against });
await ofDefault('fusion', 'weighted sum, adaptive', weighted(standard, 'adaptive'), { shipped: true });
await ofDefault('fusion', 'product form, static (not on ciphertext)', product(standard, 'static'), { against });
await ofDefault('fusion', 'product form, adaptive (not on ciphertext)', product(standard, 'adaptive'), { against });
await ofDefault('fusion', 'product form, area (not on ciphertext)', product(standard, 'area'), { against });
await ofDefault('fusion', 'reciprocal ranks (not on ciphertext)', reciprocal(standard), { against });
await ofDefault('expansion', 'one query', weighted(standard, 'adaptive'), { shipped: true });
for (const answers of [1, 3, 10])
  await ofDefault('expansion', `second query with ${answers} opened`, expanded(standard, 'adaptive', answers), {
    against,
  });

/** What the rows of one group are compared with: those of the group's shipped choice. */
interface Compared {
  readonly adaptive: Figures;
  readonly alone: Figures | undefined;
}

/** A row of the changed feature alone and one of the fusion. Without `than`, it is the shipped choice that the others are compared with. */
async function compare(
  group: string,
  name: string,
  change: Change,
  feature?: Feature,
  than?: Compared,
): Promise<Compared> {
  const system = await systemOf(change);
  const { vocabulary } = system;
  const step = change.of === undefined ? QUERY_STEP : 1;
  let alone: Figures | undefined;
  if (feature !== undefined) {
    const bytes = vocabulary.blocks[feature].bits / 8;
    alone = await add(
      { group, name: `${name}: ${feature} alone`, collection: system, bytes, step, against: than?.alone },
      weighted(system, feature),
    );
  }
  const adaptive = await add(
    {
      ...{ group, name: `${name}: adaptive`, collection: system, bytes: vocabulary.codeBytes, step },
      ...{ against: than?.adaptive, shipped: than === undefined },
    },
    weighted(system, 'adaptive'),
  );
  await write(false);
  return { adaptive, alone };
}

const { ehd, bow, deep } = DEFAULT_SHAPES;
const none = { bits: 0, normalise: false };

const edges = await compare('ehd', 'ITQ, 64 bits, whitening 0.5', {}, 'ehd');
for (const [name, shape] of [
  ['whitening 0', { ...ehd, whitening: 0 }],
  ['whitening 1', { ...ehd, whitening: 1 }],
  ['128 bits', { ...ehd, bits: 128 }],
  ['medians of 64 bins', { ...ehd, kind: 'median' }],
  ['random rotation', { ...ehd, kind: 'random' }],
] as const)
  await compare('ehd', name, { shapes: { ehd: shape } }, 'ehd', edges);
// Codes are multiples of 64 bits.
await compare('ehd', 'left out, deep 576', { shapes: { ehd: none, deep: { ...deep, bits: 576 } } }, undefined, edges);
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
  edges,
);
const words = await compare('bow', 'ITQ, 256 bits, whitening 0.5', {}, 'bow');
for (const [name, shape] of [
  ['whitening 0', { ...bow, whitening: 0 }],
  ['whitening 1', { ...bow, whitening: 1 }],
  ['64 bits', { ...bow, bits: 64 }],
  ['128 bits', { ...bow, bits: 128 }],
  ['384 bits', { ...bow, bits: 384 }],
  ['medians of 256 words', { ...bow, kind: 'median' }],
  ['left out', none],
] as const)
  await compare('bow', name, { shapes: { bow: shape } }, shape.bits > 0 ? 'bow' : undefined, words);
const tfIdf = await bagsOf(whole, shipped.codebook, shipped.local, 'tf-idf');
await compare('bow', 'tf-idf without the square root', { bags: tfIdf }, 'bow', words);
const semantic = await compare('deep', 'ITQ, 512 bits, whitening 0', {}, 'deep');
for (const [name, shape] of [
  ['whitening 0.25', { ...deep, whitening: 0.25 }],
  ['whitening 0.5', { ...deep, whitening: 0.5 }],
  ['128 bits', { ...deep, bits: 128 }],
  ['256 bits', { ...deep, bits: 256 }],
  ['384 bits', { ...deep, bits: 384 }],
  ['704 bits', { ...deep, bits: 704 }],
  ['random rotation', { ...deep, kind: 'random' }],
  ['no rotation', { ...deep, kind: 'sign' }],
] as const)
  await compare('deep', name, { shapes: { deep: shape } }, 'deep', semantic);
await compare('deep', 'power 0.5, number by number', { deepPower: 0.5 }, 'deep', semantic);
const inAll = await compare('bits in all', '832: ehd 64, bow 256, deep 512', {});
for (const [name, shapes] of [
  ['128: deep 128', { ehd: none, bow: none, deep: { ...deep, bits: 128 } }],
  ['256: bow 64, deep 192', { ehd: none, bow: { ...bow, bits: 64 }, deep: { ...deep, bits: 192 } }],
  [
    '512: ehd 32, bow 96, deep 384',
    { ehd: { ...ehd, bits: 32 }, bow: { ...bow, bits: 96 }, deep: { ...deep, bits: 384 } },
  ],
  ['1024: ehd 64, bow 256, deep 704', { deep: { ...deep, bits: 704 } }],
] as const)
  await compare('bits in all', name, { shapes }, undefined, inAll);

if (!options.quick) {
  const trainingPhotos = few.photos.slice(0, few.half);
  let dense: Compared | undefined;
  for (const [name, local, count, kind] of [
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
    const row = await compare('words', name, { of: few, bags: await bagsOf(few, codebook, local, kind) }, 'bow', dense);
    dense ??= row;
  }
}

await model.close();
await write(true);
