/** `blindsight train`. @module */
import { readFile } from 'node:fs/promises';
import { writeWhole } from '../../adapters/library-files.ts';
import { Collector } from '../../adapters/collector.ts';
import { loadDecoders } from '../../adapters/decoders.ts';
import { findModel, loadKernels, loadModel } from '../../adapters/package-files.ts';
import { joinRows, toHex } from '../../base/bytes.ts';
import { RetrievalError } from '../../base/errors.ts';
import { isFatal } from '../../client/failures.ts';
import { FEATURES, type Feature } from '../../codes/block.ts';
import { encodeVocabulary } from '../../codes/vocabulary-format.ts';
import { labelByFolder, readLabels } from '../../eval/labels.ts';
import { weighWords } from '../../features/bag-of-words.ts';
import { SIFT_DIMS } from '../../features/local-features.ts';
import { NearestCentroid } from '../../features/nearest-centroid.ts';
import { LocalSample, inverseFrequencies } from '../../train/codebook.ts';
import { kMeans } from '../../train/kmeans.ts';
import { DEFAULT_SHAPES, trainVocabulary } from '../../train/train.ts';
import type { BlockShape } from '../../train/train-block.ts';
import { WORKING_SIDE } from '../../image/image.ts';
import { stopSignal } from '../open.ts';
import { answer, describeError, remark, size, type Common } from '../output.ts';
import { startProgress } from '../progress.ts';
import { readError, walk } from '../walk.ts';

interface Options extends Common {
  readonly output: string;
  readonly labels?: string;
  readonly cache?: string;
  readonly model?: string;
  readonly words?: number;
  readonly local?: 'keypoint' | 'dense';
  readonly ehdBits?: number;
  readonly bowBits?: number;
  readonly deepBits?: number;
  readonly centroids?: number;
  readonly seed: number;
}

/** Local features that k-means sees. */
const SAMPLE = 300_000;
const DEFAULT_WORDS = 1000;
const MIN_PHOTOS = 16;

export async function train(folder: string, options: Options): Promise<void> {
  const signal = stopSignal();
  const quiet = options.json === true;
  const photos = await labelled(folder, options.labels);
  if (photos.length < MIN_PHOTOS)
    throw new RetrievalError('not-found', `expected at least ${MIN_PHOTOS} photos in ${folder}, got ${photos.length}`);
  const kernels = await loadKernels();
  const { entry } = await findModel(options.model);
  const model = await loadModel(entry.sha256);
  const local = { kind: options.local ?? ('dense' as const), options: {} };
  const cache = options.cache ?? `${options.output}.features`;
  const collector = new Collector(kernels, local, model, await loadDecoders(), cache);

  const failed: { path: string; code: string; message: string }[] = [];
  const usable: typeof photos = [];
  const sample = new LocalSample(SAMPLE, SIFT_DIMS, options.seed);
  const ehd: Float32Array[] = [];
  const deep: Float32Array[] = [];
  const progress = startProgress('features', photos.length, 'photos', quiet);
  try {
    for (const photo of photos) {
      if (signal.aborted) throw new RetrievalError('cancelled', `stopped; features are kept in ${cache}`);
      try {
        const features = await collector.collect(await readPhoto(photo.path));
        sample.add(features.local);
        ehd.push(features.ehd);
        deep.push(features.deep);
        usable.push(photo);
      } catch (error) {
        if (isOutside(error)) throw error;
        failed.push({ path: photo.path, ...describeError(error) });
      }
      progress.step();
    }
  } finally {
    progress.stop();
  }

  if (usable.length < MIN_PHOTOS)
    throw new RetrievalError(
      'not-found',
      `expected at least ${MIN_PHOTOS} photos that can be read, got ${usable.length} of ${photos.length}`,
    );

  const words = options.words ?? DEFAULT_WORDS;
  const points = sample.rows();
  remark(options, `codebook: ${words} words from ${points.length / SIFT_DIMS} local features`);
  const steps = startProgress('codebook', 15, 'rounds', quiet);
  const codebook = await kMeans(points, SIFT_DIMS, words, {
    seed: options.seed,
    signal,
    onIteration: () => steps.step(),
    assign: (rows, centroids, dims) =>
      new NearestCentroid(kernels, centroids, dims).assignWithDistances(rows, rows.length / dims),
  }).finally(() => steps.stop());

  // Read from the cache again rather than held: the local features of many photos do not fit in memory.
  const counts: Uint32Array[] = [];
  const documents = new Uint32Array(words);
  const nearest = new NearestCentroid(kernels, codebook, SIFT_DIMS);
  const counting = startProgress('words', usable.length, 'photos', quiet);
  try {
    for (const { path } of usable) {
      if (signal.aborted) throw new RetrievalError('cancelled', `stopped; features are kept in ${cache}`);
      const { local: rows } = await collector.collect(await readPhoto(path));
      const count = new Uint32Array(words);
      for (const word of nearest.assign(rows, rows.length / SIFT_DIMS)) if (count[word]!++ === 0) documents[word]!++;
      counts.push(count);
      counting.step();
    }
  } finally {
    counting.stop();
  }
  const idf = inverseFrequencies(documents, usable.length);
  const bow = joinRows(counts.map((count) => weighWords(count, idf)));

  let step = '';
  const vocabulary = await trainVocabulary(
    { count: usable.length, ehd: joinRows(ehd), bow, deep: joinRows(deep), labels: usable.map(({ label }) => label) },
    {
      module: kernels,
      seed: options.seed,
      origin: `${usable.length} photos, seed ${options.seed}`,
      model: {
        id: model.id,
        sha256: model.sha256,
        dims: model.dims,
        inputSide: model.inputSide,
        inputFit: model.inputFit,
      },
      local,
      workingSide: WORKING_SIDE,
      codebook,
      idf,
      shapes: shapes(options),
      ...(options.centroids === undefined ? {} : { centroids: options.centroids }),
      onProgress: (name) => {
        if (name !== step) remark(options, `training: ${name}`);
        step = name;
      },
      signal,
    },
  );
  await model.close();
  const bytes = encodeVocabulary(vocabulary);
  await writeWhole(options.output, bytes);
  const fingerprint = toHex(vocabulary.fingerprint);
  answer(
    options,
    {
      vocabulary: options.output,
      fingerprint,
      photos: usable.length,
      bits: vocabulary.bits,
      centroids: vocabulary.centroids.length / vocabulary.bits,
      bytes: bytes.length,
      failed,
    },
    `${options.output}: ${vocabulary.bits} bits and ${vocabulary.centroids.length / vocabulary.bits} buckets from ${usable.length} photos, ${size(bytes.length)}, fingerprint ${fingerprint.slice(0, 16)}
static weights: ${FEATURES.map((feature) => `${feature} ${vocabulary.staticWeights[feature].toFixed(3)}`).join(', ')}` +
      failed.map(({ path, message, code }) => `\n  not used: ${path}: ${message} (${code})`).join(''),
  );
}

async function readPhoto(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw readError(path, error);
  });
}

/** Whether it is no fault of the photo (a full disk, no model): to go on would leave photos out in silence. */
function isOutside(error: unknown): boolean {
  return isFatal(error) || (error as NodeJS.ErrnoException).syscall !== undefined;
}

async function labelled(folder: string, labels: string | undefined): Promise<{ path: string; label: string }[]> {
  if (labels !== undefined) return readLabels(folder, labels);
  const { found } = await walk([folder]);
  const byFolder = labelByFolder(found);
  // A flat folder has no classes: every photo is one of its own, and the static weights are alike.
  return byFolder.length > 0 ? byFolder : found.map(({ path }) => ({ path, label: path }));
}

function shapes({ ehdBits, bowBits, deepBits }: Options): Record<Feature, BlockShape> {
  const bits: Record<Feature, number | undefined> = { ehd: ehdBits, bow: bowBits, deep: deepBits };
  const out = { ...DEFAULT_SHAPES };
  for (const feature of FEATURES) out[feature] = { ...out[feature], bits: bits[feature] ?? out[feature].bits };
  return out;
}
