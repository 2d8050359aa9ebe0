/**
 * The centroids of learned buckets: spherical k-means (Dhillon & Modha, Machine Learning 42, 2001) over fused codes.
 *
 * Points are codes as unit vectors of the space that `centroid-buckets.ts` defines, because stored images are put into buckets
 * by their code alone. Centroids are brought back to length 1 before every assignment, so that the nearest is the
 * one of largest cosine.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import { bucketScale, type WeightedBlock } from '../crypto/centroid-buckets.ts';
import { NearestCentroid } from '../features/nearest-centroid.ts';
import { kMeans } from './kmeans.ts';
import { normaliseRows } from './train-block.ts';

/** How {@link trainCentroids} runs. */
export interface CentroidTraining {
  /** Compiled kernels. */
  readonly module: WebAssembly.Module;
  /** In the order of the fused code. */
  readonly blocks: readonly WeightedBlock[];
  /** Centroids wanted: 1 ..= codes. */
  readonly count: number;
  readonly seed: number;
  /** Called after each iteration: the share that is done. */
  readonly onProgress?: (share: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param codes - Fused codes of the training images, packed.
 * @returns f32[count * bits]: unit vectors, new.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On part of a code, more centroids than codes, or weights out of range. {@link RangeError}
 * @throws `cancelled`. {@link RetrievalError}
 */
export async function trainCentroids(codes: Uint8Array, options: CentroidTraining): Promise<Float32Array<ArrayBuffer>> {
  const { module, blocks, count, seed, onProgress, signal } = options;
  assertBytes(codes, 'codes');
  const scale = bucketScale(blocks);
  const bits = scale.length;
  assertInteger((8 * codes.length) / bits, 'codes', 1, 1 << 24);
  const points = Float32Array.from({ length: 8 * codes.length }, (_, at) =>
    (codes[at >> 3]! >> (at & 7)) & 1 ? scale[at % bits]! : -scale[at % bits]!,
  );
  const centroids = await kMeans(points, bits, count, {
    seed,
    signal,
    onIteration: (iteration, iterations) => onProgress?.(iteration / iterations),
    assign: (rows, means) => {
      const units = means.slice();
      normaliseRows(units, bits);
      return new NearestCentroid(module, units, bits).assignWithDistances(rows, rows.length / bits);
    },
  });
  normaliseRows(centroids, bits);
  return centroids;
}
