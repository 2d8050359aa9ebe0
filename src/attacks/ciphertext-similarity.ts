/**
 * Stored against stored: which images are alike, from their secure-kNN vectors alone, without a key, a query or a known image.
 *
 * A vector is `(M1^T p_a, M2^T p_b)`: a linear map of the code and of what is random about it. Plain cosine sees the code through the
 * map and below the randomness of a wide split. Whitening undoes the map, and the split with it: where an entry x is split
 * into two parts, their sum is x again, whatever the width, and the rest is another direction, which whitening scales down to size 1.
 * @module
 */
import { instantiateKernels } from '../wasm/kernels.ts';
import { multiplyTransposedF32 } from '../wasm/matrix.ts';
import { nearestCodes, neighbourShare, type NeighbourShare } from './neighbours.ts';

/** What the two ways of comparing vectors tell. */
export interface SimilarityResult {
  /** By cosine of the vectors as they are stored. */
  readonly stored: NeighbourShare;
  /** By cosine after whitening. */
  readonly whitened: NeighbourShare;
}

/**
 * @param vectors - f32[count * dims], as the server stores them.
 * @param whitened - The same rows, from `whiten`.
 * @param codes - u8[count * codeBytes]: the truth, to measure by.
 * @param asked - Images whose neighbours are looked for.
 */
export function ciphertextSimilarity(
  kernels: WebAssembly.Module,
  vectors: Float32Array,
  whitened: Float32Array,
  codes: Uint8Array,
  count: number,
  asked: Uint32Array,
): SimilarityResult {
  const dims = vectors.length / count;
  const truth = nearestCodes(codes, codes.length / count, asked);
  const share = (rows: Float32Array): NeighbourShare => {
    const units = rows.slice();
    for (let at = 0; at < units.length; at += dims) normalise(units.subarray(at, at + dims));
    const heads = new Float32Array(asked.length * dims);
    asked.forEach((image, i) => heads.set(units.subarray(image * dims, (image + 1) * dims), i * dims));
    const products = multiplyTransposedF32(instantiateKernels(kernels), heads, units, asked.length, dims, count);
    const place = new Map(Array.from(asked, (image, i) => [image, i]));
    return neighbourShare(truth, asked, count, (image) => {
      const at = place.get(image)! * count;
      return products.subarray(at, at + count);
    });
  };
  return { stored: share(vectors), whitened: share(whitened) };
}

function normalise(row: Float32Array): void {
  let sum = 0;
  for (const value of row) sum += value * value;
  const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
  for (let j = 0; j < row.length; j++) row[j]! *= scale;
}
