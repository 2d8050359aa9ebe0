/**
 * A vocabulary from the collected features of public images.
 *
 * Features are collected beforehand (`feature-cache.ts` keeps them, so that a stopped run goes on where it was); the
 * codebook comes from `kmeans.ts` and `codebook.ts`. What is left is done here: a block per feature, reference
 * codes and curves, static weights, and the centroids of learned buckets.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import { seededRandom, shuffle } from '../base/random.ts';
import { FEATURES, type Block, type Feature } from '../codes/block.ts';
import { blockStarts, makeReferences } from '../codes/curves.ts';
import type { Descriptors } from '../codes/descriptors.ts';
import { Projection } from '../codes/projection.ts';
import type { LocalKind, Vocabulary, VocabularyModel } from '../codes/vocabulary.ts';
import { createVocabulary } from '../codes/vocabulary-format.ts';
import { averagePrecision, rank } from '../eval/metrics.ts';
import { instantiateKernels } from '../wasm/kernels.ts';
import { trainCentroids } from './bucket-centroids.ts';
import { breathe } from './kmeans.ts';
import { meanRow, normaliseRows, trainBlock, type BlockShape } from './train-block.ts';

/** Descriptors of the training images, one matrix per feature: `ehd` f32[count * 150], and so on. */
export type TrainingFeatures = Descriptors & {
  readonly count: number;
  /** Class of each image; without them, the static weights are alike. */
  readonly labels?: ArrayLike<string | number>;
};

/** The blocks unless told otherwise: 832 bits. docs/ABLATION.md, rows "ehd", "bow", "deep" and "bits in all", has these choices and others. */
export const DEFAULT_SHAPES: Readonly<Record<Feature, BlockShape>> = {
  ehd: { bits: 64, normalise: false, whitening: 0.5 },
  bow: { bits: 256, normalise: true, whitening: 0.5 },
  deep: { bits: 512, normalise: true },
};

/** Learned buckets of the `centroids` family. */
export const DEFAULT_CENTROIDS = 512;
/** Fewer training images than this a centroid, and it stands for next to none. */
const IMAGES_PER_CENTROID = 4;

/** What training is told. */
export interface TrainingOptions {
  /** Compiled kernels. */
  readonly module: WebAssembly.Module;
  readonly seed: number;
  readonly origin: string;
  readonly model: VocabularyModel;
  readonly local: LocalKind;
  readonly workingSide: number;
  /** f32[words * 128] */
  readonly codebook: Float32Array;
  /** f32[words] */
  readonly idf: Float32Array;
  readonly shapes?: Partial<Record<Feature, BlockShape>>;
  /** Reference codes, drawn from the training images: 512 unless told, or all where there are fewer. */
  readonly references?: number;
  /** Centroids of learned buckets: {@link DEFAULT_CENTROIDS} unless told, or an image in four where that is fewer; 0 for none. */
  readonly centroids?: number;
  /** Of ITQ: 50 unless told. */
  readonly iterations?: number;
  readonly onProgress?: (step: string, share: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * How far better features are preferred: the power of their mean average precision. On held-out caltech101, 1.5 to 3 lie within 0.2 points of
 * each other, and with 1 weak features cost more than they add (docs/ABLATION.md, rows "weight power").
 */
export const WEIGHT_POWER = 2.5;
/** Images used as queries to measure the static weights. */
const WEIGHT_QUERIES = 500;

/**
 * Trains a vocabulary. The same features, options and seed give the same bytes on the same engine.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On features that do not fit together. {@link RangeError}
 * @throws `cancelled`. {@link RetrievalError}
 */
export async function trainVocabulary(features: TrainingFeatures, options: TrainingOptions): Promise<Vocabulary> {
  const { module, seed, iterations = 50, signal } = options;
  const { count } = features;
  assertInteger(count, 'count', 2, 1 << 24);
  const shapes = { ...DEFAULT_SHAPES, ...options.shapes };
  const random = seededRandom(seed);
  const kernels = instantiateKernels(module);

  const blocks = {} as Record<Feature, Block>;
  for (const feature of FEATURES) {
    const rows = features[feature];
    assertFloats(rows, feature);
    const dims = rows.length / count;
    assertInteger(dims, `${feature} dims`, 0, 1 << 20);
    const steps = trainBlock(kernels, rows, dims, {
      feature,
      ...shapes[feature],
      seed: Math.floor(random() * 2 ** 32),
      iterations,
    });
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        blocks[feature] = step.value;
        break;
      }
      options.onProgress?.(feature, step.value);
      await breathe();
      if (signal?.aborted) throw new RetrievalError('cancelled', 'training was cancelled');
    }
    options.onProgress?.(feature, 1);
  }
  return assembleVocabulary(features, blocks, { ...options, seed: Math.floor(random() * 2 ** 32) });
}

/** A vocabulary from blocks that are trained: what is left are static weights, reference codes, curves. */
export async function assembleVocabulary(
  features: TrainingFeatures,
  blocks: Readonly<Record<Feature, Block>>,
  options: TrainingOptions,
): Promise<Vocabulary> {
  const { module, seed, origin, model, local, workingSide, codebook, idf, signal } = options;
  const { count, labels } = features;
  const codes = {} as Record<Feature, Uint8Array>;
  for (const feature of FEATURES) codes[feature] = encodeRows(module, blocks[feature], features[feature], count);
  const order = shuffle(
    Uint32Array.from({ length: count }, (_, i) => i),
    seededRandom(seed),
  );
  const staticWeights = weigh(blocks, codes, order, labels);
  options.onProgress?.('weights', 1);
  await breathe();
  if (signal?.aborted) throw new RetrievalError('cancelled', 'training was cancelled');

  const fused = fuseCodes(blocks, codes, order.slice(0, Math.min(count, options.references ?? 512)));
  const references = makeReferences(fused, blocks);
  options.onProgress?.('references', 1);

  const deep = features.deep.slice();
  normaliseRows(deep, model.dims);
  const deepMean = deep.length > 0 ? meanRow(deep, model.dims) : new Float32Array(0);
  const centroids = await bucketCentroids(module, fuseCodes(blocks, codes, order), blocks, staticWeights, options);
  return createVocabulary({
    ...{ origin, model, local, workingSide, codebook, idf, blocks, staticWeights, references, centroids, deepMean },
  });
}

/** f32[centroids * bits]; empty where none are asked for, or there are too few images. */
async function bucketCentroids(
  module: WebAssembly.Module,
  codes: Uint8Array,
  blocks: Readonly<Record<Feature, Block>>,
  staticWeights: Readonly<Record<Feature, number>>,
  { seed, centroids, signal, onProgress }: TrainingOptions,
): Promise<Float32Array> {
  const weighted = FEATURES.map((feature) => ({ bits: blocks[feature].bits, weight: staticWeights[feature] }));
  const bits = weighted.reduce((sum, block) => sum + block.bits, 0);
  const images = (8 * codes.length) / bits;
  const count = centroids ?? Math.min(DEFAULT_CENTROIDS, Math.floor(images / IMAGES_PER_CENTROID));
  assertInteger(count, 'centroids', 0, images);
  if (count === 0) return new Float32Array(0);
  return trainCentroids(codes, {
    ...{ module, count, seed, signal, blocks: weighted },
    onProgress: (share) => onProgress?.('buckets', share),
  });
}

/** u8[count * bits / 8] */
function encodeRows(module: WebAssembly.Module, block: Block, rows: Float32Array, count: number): Uint8Array {
  const bytes = block.bits / 8;
  const out = new Uint8Array(count * bytes);
  if (bytes === 0) return out;
  const projection = new Projection(module, block);
  for (let i = 0; i < count; i++) {
    const row = rows.slice(i * block.dims, (i + 1) * block.dims);
    // As the encoder does: nothing of a feature sets all bits.
    if (row.every((value) => value === 0)) out.fill(0xff, i * bytes, (i + 1) * bytes);
    else out.set(projection.binarise(row), i * bytes);
  }
  return out;
}

/** Fused codes of the images named. */
function fuseCodes(
  blocks: Readonly<Record<Feature, Block>>,
  codes: Readonly<Record<Feature, Uint8Array>>,
  images: Uint32Array,
): Uint8Array {
  const starts = blockStarts(blocks);
  const codeBytes = FEATURES.reduce((sum, feature) => sum + blocks[feature].bits, 0) / 8;
  const out = new Uint8Array(images.length * codeBytes);
  images.forEach((image, i) => {
    for (const feature of FEATURES) {
      const bytes = blocks[feature].bits / 8;
      out.set(codes[feature].subarray(image * bytes, (image + 1) * bytes), i * codeBytes + starts[feature] / 8);
    }
  });
  return out;
}

/** Static weights: proportional to a power of each block's mean average precision over the training images. */
function weigh(
  blocks: Readonly<Record<Feature, Block>>,
  codes: Readonly<Record<Feature, Uint8Array>>,
  order: Uint32Array,
  labels: ArrayLike<string | number> | undefined,
): Record<Feature, number> {
  const weights: Record<Feature, number> = { ehd: 0, bow: 0, deep: 0 };
  for (const feature of FEATURES)
    if (blocks[feature].bits > 0)
      weights[feature] =
        labels === undefined ? 1 : precisionOf(codes[feature], blocks[feature].bits / 8, order, labels) ** WEIGHT_POWER;
  const used = FEATURES.filter((feature) => blocks[feature].bits > 0);
  const sum = used.reduce((total, feature) => total + weights[feature], 0);
  for (const feature of used) weights[feature] = sum > 0 ? weights[feature] / sum : 1 / used.length;
  return weights;
}

/** Mean average precision of one block's codes by Hamming distance. */
function precisionOf(codes: Uint8Array, bytes: number, order: Uint32Array, labels: ArrayLike<string | number>): number {
  const count = codes.length / bytes;
  const scores = new Float32Array(count);
  const relevant = new Uint8Array(count);
  let sum = 0;
  let queries = 0;
  for (const query of order.subarray(0, WEIGHT_QUERIES)) {
    for (let i = 0; i < count; i++) {
      let distance = 0;
      for (let b = 0; b < bytes; b++) {
        let different = codes[query * bytes + b]! ^ codes[i * bytes + b]!;
        for (; different !== 0; different &= different - 1) distance++;
      }
      scores[i] = -distance;
      relevant[i] = labels[i] === labels[query] ? 1 : 0;
    }
    const precision = averagePrecision(rank(scores, query), relevant);
    if (Number.isNaN(precision)) continue;
    sum += precision;
    queries++;
  }
  return queries > 0 ? sum / queries : 0;
}
