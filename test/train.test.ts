/** A vocabulary trained on planted classes, and the cache that feeds it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RetrievalError } from '../src/base/errors.ts';
import { gaussian, seededRandom } from '../src/base/random.ts';
import { Encoder } from '../src/codes/encoder.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import { Fusion, type WeightRule } from '../src/codes/fusion.ts';
import { decodeVocabulary, encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { CentroidBuckets } from '../src/crypto/centroid-buckets.ts';
import { averagePrecision, mean, rank } from '../src/eval/metrics.ts';
import { trainCentroids } from '../src/train/bucket-centroids.ts';
import { FeatureCache, type FeatureStore } from '../src/train/feature-cache.ts';
import { trainVocabulary, type TrainingFeatures, type TrainingOptions } from '../src/train/train.ts';
import { dot, signs } from './reference/codes.ts';
import { nearest, scales } from './reference/centroid-tokens.ts';
import { floats, kernels } from './support.ts';

const test = suite('train');
const DIMS = { ehd: 150, bow: 40, deep: 64 };
const CLASSES = 6;
const COUNT = 120;

/** Classes stand out in `deep`, less so in `bow`, hardly in `ehd`. */
function features(seed: number): TrainingFeatures {
  const random = seededRandom(seed);
  const make = (dims: number, noise: number) => {
    const centres = floats(CLASSES * dims, dims);
    return Float32Array.from({ length: COUNT * dims }, (_, i) => {
      const label = Math.floor(i / dims) % CLASSES;
      return Math.max(0, 1 + centres[label * dims + (i % dims)]! + noise * gaussian(random));
    });
  };
  const labels = Array.from({ length: COUNT }, (_, i) => `class ${i % CLASSES}`);
  return { count: COUNT, labels, ehd: make(DIMS.ehd, 5), bow: make(DIMS.bow, 2), deep: make(DIMS.deep, 1) };
}

const options: TrainingOptions = {
  module: kernels,
  seed: 1,
  origin: 'planted classes',
  model: { id: 'none', sha256: '00'.repeat(32), dims: DIMS.deep, inputSide: 224, inputFit: 'area' },
  local: { kind: 'keypoint', options: {} },
  workingSide: 512,
  codebook: floats(DIMS.bow * 128, 1),
  idf: floats(DIMS.bow, 2).map(Math.abs),
  shapes: {
    ehd: { bits: 48, normalise: false },
    bow: { bits: 32, normalise: true },
    deep: { bits: 48, normalise: true },
  },
  references: 60,
  iterations: 10,
};

test('a trained vocabulary finds planted classes, and its weights favour the feature that does', async () => {
  const steps: string[] = [];
  const vocabulary = await trainVocabulary(features(1), { ...options, onProgress: (step) => void steps.push(step) });
  assert.equal([...new Set(steps)], ['ehd', 'bow', 'deep', 'weights', 'references', 'buckets']);
  const { staticWeights } = vocabulary;
  assert.ok(staticWeights.deep > staticWeights.bow && staticWeights.bow > staticWeights.ehd);
  assert.is(vocabulary.references.count, 60);
  assert.is(vocabulary.centroids.length, (COUNT / 4) * vocabulary.bits);
  assert.equal(decodeVocabulary(encodeVocabulary(vocabulary)), vocabulary);

  // Other images of the same classes.
  const others = features(2);
  const encoder = new Encoder(kernels, vocabulary);
  const fusion = new Fusion(vocabulary);
  const encoded = Array.from({ length: COUNT }, (_, i) => {
    const row = (feature: 'ehd' | 'bow' | 'deep') => others[feature].slice(i * DIMS[feature], (i + 1) * DIMS[feature]);
    return encoder.encode({ ehd: row('ehd'), bow: row('bow'), deep: row('deep') });
  });
  const bits = encoded.map(({ code }) => signs(code));
  const measure = (rule: WeightRule) =>
    mean(
      encoded.map(({ projections }, i) => {
        const query = fusion.query(projections, fusion.weights(projections, rule));
        const relevant = encoded.map((_, j) => (j % CLASSES === i % CLASSES ? 1 : 0));
        return averagePrecision(
          rank(
            bits.map((code) => dot(query, code)),
            i,
          ),
          relevant,
        );
      }),
    );
  for (const rule of ['static', 'equal', 'adaptive', 'area', 'entropy'] as const)
    assert.ok(measure(rule) > 0.5, `${rule} ${measure(rule)}`);
});

test('the same seed gives the same bytes, another seed others', async () => {
  const first = await trainVocabulary(features(1), options);
  assert.equal((await trainVocabulary(features(1), options)).fingerprint, first.fingerprint);
  assert.not.equal((await trainVocabulary(features(1), { ...options, seed: 2 })).fingerprint, first.fingerprint);
});

test('as many centroids as are asked for, and none for 0', async () => {
  const few = await trainVocabulary(features(1), { ...options, centroids: 7 });
  assert.is(few.centroids.length, 7 * few.bits);
  assert.is((await trainVocabulary(features(1), { ...options, centroids: 0 })).centroids.length, 0);
  let error: unknown;
  await trainVocabulary(features(1), { ...options, centroids: COUNT + 1 }).catch((e) => (error = e));
  assert.ok(error instanceof RangeError);
});

test('centroids of planted codes are their means, of length 1, and each code is in the bucket of its own', async () => {
  const blocks = [
    { bits: 32, weight: 0.25 },
    { bits: 96, weight: 0.75 },
  ];
  const [planted, each, bits] = [8, 30, 128];
  const random = seededRandom(3);
  const centres = floats(planted * bits, 4);
  // One bit in ten is another one.
  const codes = packSigns(
    Float32Array.from(
      { length: planted * each * bits },
      (_, i) => centres[Math.floor(i / bits / each) * bits + (i % bits)]! * (random() < 0.1 ? -1 : 1),
    ),
  );
  const shares: number[] = [];
  const training = { module: kernels, blocks, count: planted, seed: 9 };
  const centroids = await trainCentroids(codes, { ...training, onProgress: (share) => void shares.push(share) });
  assert.is(shares.at(-1), 1);
  assert.equal(await trainCentroids(codes, training), centroids);

  const scale = scales(blocks);
  const rows = Array.from({ length: planted }, (_, c) => [...centroids.subarray(c * bits, (c + 1) * bits)]);
  const points = Array.from({ length: planted * each }, (_, i) =>
    signs(codes.subarray((i * bits) / 8, ((i + 1) * bits) / 8)).map((sign, j) => sign * scale[j]!),
  );
  const own = points.map((point) => nearest([...point], rows)[0]!);
  for (let group = 0; group < planted; group++) {
    const centroid = own[group * each]!;
    assert.is(own.filter((c) => c === centroid).length, each);
    assert.ok(own.slice(group * each, (group + 1) * each).every((c) => c === centroid));
    const sum = rows[0]!.map((_, j) => points.slice(group * each, (group + 1) * each).reduce((t, p) => t + p[j]!, 0));
    const length = Math.hypot(...sum);
    sum.forEach((value, j) => assert.ok(Math.abs(value / length - rows[centroid]![j]!) < 1e-5));
  }
  assert.equal(new CentroidBuckets(centroids, blocks).ofCode(codes.subarray(0, bits / 8), 1), Uint32Array.of(own[0]!));

  for (const [bad, kind] of [
    [() => trainCentroids([1] as unknown as Uint8Array, training), TypeError],
    [() => trainCentroids(codes.subarray(1), training), RangeError],
    [() => trainCentroids(codes, { ...training, count: planted * each + 1 }), RangeError],
    [() => trainCentroids(codes, { ...training, blocks: [{ bits: 128, weight: 0 }] }), RangeError],
  ] as const) {
    let error: unknown;
    await bad().catch((e) => (error = e));
    assert.ok(error instanceof kind, String(error));
  }
});

test('features may be left out, and labels too', async () => {
  const none = { bits: 0, normalise: false };
  const shapes = { ehd: { bits: 64, normalise: false }, bow: none, deep: none };
  const { ehd, count } = features(1);
  const lean = { count, ehd, bow: new Float32Array(0), deep: new Float32Array(0) };
  const vocabulary = await trainVocabulary(lean, {
    ...options,
    ...{ shapes, codebook: new Float32Array(0), idf: new Float32Array(0) },
  });
  assert.equal(vocabulary.staticWeights, { ehd: 1, bow: 0, deep: 0 });
});

test('stops when told to', async () => {
  let error: unknown;
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  await trainVocabulary(features(1), { ...options, onProgress, signal: stop.signal }).catch((e) => (error = e));
  assert.ok(error instanceof RetrievalError && error.code === 'cancelled');
});

test('collected features come back, local ones to a 255th; other images and settings do not find them', async () => {
  const kept = new Map<string, Uint8Array>();
  const store: FeatureStore = {
    get: (name) => Promise.resolve(kept.get(name)),
    put: (name, bytes) => Promise.resolve(void kept.set(name, bytes)),
  };
  const file = Uint8Array.from([1, 2, 3]);
  const collected = { descriptor: floats(150, 1), local: floats(3 * 128, 3).map(Math.abs) };
  const cache = new FeatureCache(store, 'settings');
  assert.is(await cache.get(file), undefined);
  await cache.put(file, collected);
  const back = await cache.get(file);
  assert.equal(back?.descriptor, collected.descriptor);
  back!.local.forEach((value, i) => assert.ok(Math.abs(value - collected.local[i]!) <= 0.5 / 255 + 1e-6));
  assert.is(await cache.get(Uint8Array.from([1, 2])), undefined);
  assert.is(await new FeatureCache(store, 'other settings').get(file), undefined);

  // Damage is the same as absence: the features are collected again.
  const [name, bytes] = [...kept][0]!;
  for (let at = 0; at < bytes.length; at += 13) {
    const damaged = bytes.slice();
    damaged[at]! ^= 4;
    kept.set(name, damaged);
    assert.is(await cache.get(file), undefined);
    kept.set(name, bytes.subarray(0, at));
    assert.is(await cache.get(file), undefined);
  }
});

test.run();
