/**
 * Bag of visual words: how often each word of a codebook occurs among an image's local features, weighted by
 * how rare the word is (Sivic and Zisserman, ICCV 2003), under a square root, which keeps a few frequent words from
 * drowning the rest (power normalisation: Perronnin, Sanchez and Mensink, ECCV 2010, section 3.2).
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { SIFT_DIMS } from './local-features.ts';
import { NearestCentroid } from './nearest-centroid.ts';

/**
 * Square root of tf-idf over a codebook of SIFT words.
 * @example
 * ```ts
 * const words = new BagOfWords(module, codebook, idf);
 * const descriptor = words.describe(sift.describe(luma)); // f32[words.dims], L2 norm 1 or 0
 * ```
 */
export class BagOfWords {
  /** Words of the codebook, and numbers of a descriptor. */
  readonly dims: number;
  readonly #nearest: NearestCentroid;
  readonly #idf: Float32Array;

  /**
   * @param module - Compiled kernels.
   * @param codebook - f32[words * 128], row-major, at least one word. Copied.
   * @param idf - f32[words]: weight of each word. Copied.
   * @throws On wrong argument types. {@link TypeError}
   * @throws If `codebook` is not a whole number of words, or `idf` has another number of them. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, codebook: Float32Array, idf: Float32Array) {
    this.#nearest = new NearestCentroid(module, codebook, SIFT_DIMS);
    this.dims = this.#nearest.count;
    assertFloats(idf, 'idf', this.dims);
    this.#idf = idf.slice();
  }

  /**
   * Descriptor of an image from its local features.
   * @param local - Keypoints or a grid, whichever the codebook was trained on.
   * @returns A new array, f32[dims], L2 norm 1; all 0 when there is no feature, or none of a word that has weight.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On descriptors of another length. {@link RangeError}
   */
  describe(local: { readonly count: number; readonly descriptors: Float32Array }): Float32Array<ArrayBuffer> {
    if (typeof local !== 'object' || local === null)
      throw new TypeError(`"local" expected LocalFeatures, got ${typeof local}`);
    assertInteger(local.count, 'local.count', 0, 2 ** 32 - 1);
    assertFloats(local.descriptors, 'local.descriptors', local.count * SIFT_DIMS);
    const counts = new Uint32Array(this.dims);
    for (const word of this.#nearest.assign(local.descriptors, local.count)) counts[word]!++;
    return weighWords(counts, this.#idf);
  }
}

/**
 * Square roots of tf-idf, L2-normalised: the descriptor of an image from how often it shows each word.
 * @param counts - u32[words]
 * @param idf - f32[words]
 * @returns A new array, f32[words], L2 norm 1; all 0 when no word counts.
 */
export function weighWords(counts: Uint32Array, idf: Float32Array): Float32Array<ArrayBuffer> {
  // The term frequency's divisor, the number of features, falls out of the L2 norm.
  const weights = new Float64Array(counts.length);
  let sum = 0;
  for (let word = 0; word < counts.length; word++) sum += weights[word] = counts[word]! * Math.max(0, idf[word]!);
  const out = new Float32Array(counts.length);
  // The squares of the square roots sum to `sum`.
  if (sum > 0) for (let word = 0; word < counts.length; word++) out[word] = Math.sqrt(weights[word]! / sum);
  return out;
}
