/** Descriptors of a labelled folder, with the bag of words left open: counts of words, or residuals, by codebook. */
import { readFile } from 'node:fs/promises';
import type { Collector } from '../../src/adapters/collector.ts';
import { joinRows } from '../../src/base/bytes.ts';
import { startProgress } from '../../src/cli/progress.ts';
import type { Labelled } from '../../src/eval/labels.ts';
import { weighWords } from '../../src/features/bag-of-words.ts';
import { SIFT_DIMS } from '../../src/features/local-features.ts';
import { NearestCentroid } from '../../src/features/nearest-centroid.ts';
import { LocalSample, inverseFrequencies } from '../../src/train/codebook.ts';
import { kMeans } from '../../src/train/kmeans.ts';
import { normaliseRows } from '../../src/train/train-block.ts';
import { Memory } from './memory.ts';

/** Local features that a codebook of the ablation is made from: a third of what `blindsight train` takes. */
const SAMPLE = 100_000;
const ROUNDS = 10;

/** What a folder's photos have in common with every choice of words. */
export interface Collected {
  readonly photos: readonly Labelled[];
  /** f32[count * 150] */
  readonly ehd: Float32Array;
  /** f32[count * dims] */
  readonly deep: Float32Array;
}

/** How local features become a descriptor. */
export type Words = 'sqrt tf-idf' | 'tf-idf' | 'residuals';

/** Reads what does not depend on words. Photos that cannot be read stop the run: the table would be of others. */
export async function collect(name: string, photos: readonly Labelled[], collector: Collector): Promise<Collected> {
  const ehd: Float32Array[] = [];
  const deep: Float32Array[] = [];
  const progress = startProgress(`features ${name}`, photos.length, 'photos', false);
  for (const { path } of photos) {
    const features = await collector.collect(await readFile(path));
    ehd.push(features.ehd);
    deep.push(features.deep);
    progress.step();
  }
  progress.stop();
  return { photos, ehd: joinRows(ehd), deep: joinRows(deep) };
}

/** f32[words * 128] from a sample of the photos' local features. */
export async function makeCodebook(
  kernels: WebAssembly.Module,
  memory: Memory,
  photos: readonly Labelled[],
  collector: Collector,
  key: string,
  words: number,
  seed: number,
): Promise<Float32Array> {
  const [codebook] = await memory.recall(
    ['codebook', key, words, seed, SAMPLE, ROUNDS, photos.map(({ path }) => path)],
    async () => {
      const sample = new LocalSample(SAMPLE, SIFT_DIMS, seed);
      for (const { path } of photos) sample.add((await collector.collect(await readFile(path))).local);
      const progress = startProgress(`codebook of ${words} words`, ROUNDS, 'rounds', false);
      const made = await kMeans(sample.rows(), SIFT_DIMS, words, {
        seed,
        iterations: ROUNDS,
        onIteration: () => progress.step(),
        assign: (rows, centroids, dims) =>
          new NearestCentroid(kernels, centroids, dims).assignWithDistances(rows, rows.length / dims),
      });
      progress.stop();
      return [made];
    },
  );
  return codebook!;
}

/** f32[count * words]: how often each photo shows each word; or f32[count * words * 128]: sums of residuals. */
export async function countWords(
  kernels: WebAssembly.Module,
  memory: Memory,
  photos: readonly Labelled[],
  collector: Collector,
  key: string,
  codebook: Float32Array,
  residuals = false,
): Promise<Float32Array> {
  const words = codebook.length / SIFT_DIMS;
  const keys = ['counts', key, residuals, Memory.hash(codebook), photos.map(({ path }) => path)];
  const [counts] = await memory.recall(keys, async () => {
    const nearest = new NearestCentroid(kernels, codebook, SIFT_DIMS);
    const progress = startProgress('words', photos.length, 'photos', false);
    const rows: Float32Array[] = [];
    for (const { path } of photos) {
      const { local } = await collector.collect(await readFile(path));
      const row = new Float32Array(words * (residuals ? SIFT_DIMS : 1));
      nearest.assign(local, local.length / SIFT_DIMS).forEach((word, i) => {
        if (!residuals) row[word]!++;
        else
          for (let j = 0; j < SIFT_DIMS; j++)
            row[SIFT_DIMS * word + j]! += local[SIFT_DIMS * i + j]! - codebook[SIFT_DIMS * word + j]!;
      });
      rows.push(row);
      progress.step();
    }
    progress.stop();
    return [joinRows(rows)];
  });
  return counts!;
}

/** Inverse document frequencies of counted photos. */
export function frequencies(counts: Float32Array, words: number): Float32Array {
  const documents = new Uint32Array(words);
  for (let at = 0; at < counts.length; at++) if (counts[at]! > 0) documents[at % words]!++;
  return inverseFrequencies(documents, counts.length / words);
}

/** Descriptors of counted photos, f32[count * dims]. */
export function describeWords(counts: Float32Array, idf: Float32Array, words: Words): Float32Array {
  if (words === 'residuals') {
    // Signed square roots, then L2: Jegou et al., "Aggregating local image descriptors into compact codes", PAMI 2012.
    const rows = counts.map((value) => Math.sign(value) * Math.sqrt(Math.abs(value)));
    normaliseRows(rows, idf.length);
    return rows;
  }
  const rows: Float32Array[] = [];
  for (let at = 0; at < counts.length; at += idf.length) {
    const row = weighWords(Uint32Array.from(counts.subarray(at, at + idf.length)), idf);
    rows.push(words === 'tf-idf' ? row.map((value) => value * value) : row);
  }
  const out = joinRows(rows);
  normaliseRows(out, idf.length);
  return out;
}
