/**
 * Nearest centroid: WASM kernel against the same product in TypeScript.
 *
 *     npm run bench -- nearest-centroid
 *
 * One row per (vectors, centroids), 128 numbers each: random ones, of which a projection tells nothing, and local features
 * of a photo with the words of the bundled vocabulary. Reports the median and multiply-adds per second; checks first
 * that both sides agree.
 */
import { deepEqual } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bench } from './harness.ts';
import { loadDecoders } from '../src/adapters/decoders.ts';
import { loadVocabulary } from '../src/adapters/package-files.ts';
import { DenseSift } from '../src/features/dense-sift.ts';
import { NearestCentroid } from '../src/features/nearest-centroid.ts';
import { ImageReader } from '../src/image/decode.ts';
import { Pixels } from '../src/image/pixels.ts';
import { floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

const DIMS = 128;

/** The best plain loop we know: norms computed once, four sums to break the chain. */
function assignTs(
  vectors: Float32Array,
  centroids: Float32Array,
  halfNorms: Float64Array,
  out: Uint32Array,
): Uint32Array {
  for (let i = 0; i < out.length; i++) {
    let best = -Infinity;
    let index = 0;
    for (let c = 0; c < halfNorms.length; c++) {
      let a = 0;
      let b = 0;
      let s = 0;
      let t = 0;
      for (let d = 0, x = i * DIMS, y = c * DIMS; d < DIMS; d += 4, x += 4, y += 4) {
        a += vectors[x]! * centroids[y]!;
        b += vectors[x + 1]! * centroids[y + 1]!;
        s += vectors[x + 2]! * centroids[y + 2]!;
        t += vectors[x + 3]! * centroids[y + 3]!;
      }
      const margin = a + b + (s + t) - halfNorms[c]!;
      if (margin > best) {
        best = margin;
        index = c;
      }
    }
    out[i] = index;
  }
  return out;
}

async function measure(name: string, vectors: Float32Array, centroids: Float32Array): Promise<void> {
  const [count, centroidCount] = [vectors.length / DIMS, centroids.length / DIMS];
  const nearest = new NearestCentroid(kernels, centroids, DIMS);
  const halfNorms = Float64Array.from({ length: centroidCount }, (_, c) =>
    centroids.subarray(c * DIMS, (c + 1) * DIMS).reduce((sum, value) => sum + (value * value) / 2, 0),
  );
  const out = new Uint32Array(count);
  deepEqual([...nearest.assign(vectors, count)], [...assignTs(vectors, centroids, halfNorms, out)]);

  const bench = new Bench({ name, time: 300 });
  bench.add('wasm', () => void nearest.assign(vectors, count));
  bench.add('ts', () => void assignTs(vectors, centroids, halfNorms, out));
  await bench.run();
  report(bench, { unit: 'multiply-adds', perRun: count * centroidCount * DIMS });
}

for (const [count, centroidCount] of [
  [300, 500],
  [2000, 500],
  [2000, 1000],
] as const)
  await measure(
    `${count} vectors x ${centroidCount} centroids`,
    floats(DIMS * count, 1),
    floats(DIMS * centroidCount, 2),
  );

const { vocabulary } = await loadVocabulary();
const reader = new ImageReader(kernels, await loadDecoders());
const [pixels, sift] = [new Pixels(kernels), new DenseSift(kernels, vocabulary.local.options)];
const SAMPLES = join(import.meta.dirname, '..', '..', 'examples', 'photos');
const { image } = await reader.read(new Uint8Array(await readFile(join(SAMPLES, 'cat.jpg'))));
const { count, descriptors } = sift.describe(pixels.luma(image));
await measure(`${count} features of a photo x ${vocabulary.idf.length} words`, descriptors, vocabulary.codebook);
