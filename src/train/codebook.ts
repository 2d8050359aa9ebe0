/**
 * The codebook of visual words, and how much each word tells.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { seededRandom } from '../base/random.ts';

/**
 * A uniform sample of local features from a stream of images, so that training needs the memory of the sample only
 * (reservoir sampling: Vitter, "Random sampling with a reservoir", ACM TOMS 11(1), 1985, algorithm R).
 */
export class LocalSample {
  readonly #dims: number;
  readonly #rows: Float32Array<ArrayBuffer>;
  readonly #random: () => number;
  #seen = 0;

  /**
   * @param capacity - Local features kept.
   * @param dims - Numbers each: 128.
   * @param seed - Which ones.
   */
  constructor(capacity: number, dims: number, seed: number) {
    assertInteger(capacity, 'capacity', 1, 1 << 24);
    assertInteger(dims, 'dims', 1, 1 << 16);
    this.#dims = dims;
    this.#rows = new Float32Array(capacity * dims);
    this.#random = seededRandom(seed);
  }

  /**
   * Adds the local features of one image.
   * @param descriptors - f32[n * dims]
   */
  add(descriptors: Float32Array): void {
    assertFloats(descriptors, 'descriptors');
    const dims = this.#dims;
    const capacity = this.#rows.length / dims;
    for (let at = 0; at + dims <= descriptors.length; at += dims) {
      const slot = this.#seen < capacity ? this.#seen : Math.floor(this.#random() * (this.#seen + 1));
      this.#seen++;
      if (slot < capacity) this.#rows.set(descriptors.subarray(at, at + dims), slot * dims);
    }
  }

  /** f32[n * dims]: the sample so far. New. */
  rows(): Float32Array<ArrayBuffer> {
    return this.#rows.slice(0, Math.min(this.#rows.length, this.#seen * this.#dims));
  }
}

/**
 * Inverse document frequencies `ln(images / images with the word)`; a word that no image has counts as one that a
 * single image has.
 * @param documents - u32[words]: images that hold each word.
 * @param images - Of how many.
 * @returns f32[words], new.
 */
export function inverseFrequencies(documents: Uint32Array, images: number): Float32Array<ArrayBuffer> {
  assertInteger(images, 'images', 1, 2 ** 32 - 1);
  return Float32Array.from(documents, (count) => Math.log(images / Math.max(1, count)));
}
