/**
 * Learned buckets: which of the vocabulary's public centroids a code, or a query, is nearest to.
 *
 * With bits as +1/-1, `n_f` bits and static weight `w_f` of feature f, a code is the unit vector `u = [sqrt(w_f / n_f) b_f]_f`: the
 * inner product of two is their score under the static weights. Centroids are unit vectors of the same space; the
 * nearest has the largest inner product (cosine), and a tie goes to the lower centroid.
 * A query `q` (`<q, b> = n S`) is brought there as `g_i = q_i / (n s_i)`, `s_f = sqrt(w_f / n_f)`, so that `<g, u> = S`: it is
 * routed by the score that will rank it, its own weights included.
 * Sums are of f64 in the order of the bits, so every engine gives the same buckets.
 * @module
 */
import { assertBytes, assertFloats, assertInteger, assertNumber } from '../base/assert.ts';

/** One feature's stretch of the fused code. */
export interface WeightedBlock {
  readonly bits: number;
  /** Static weight, 0..1: how much the block counts, against the others. */
  readonly weight: number;
}

/** Public buckets: no key is needed to tell them, only to name them to a server. */
export class CentroidBuckets {
  /** Bits of a code. */
  readonly bits: number;
  /** Centroids. */
  readonly count: number;
  readonly #centroids: Float32Array;
  readonly #scale: Float64Array;

  /**
   * @param centroids - f32[count * bits], at least one. Not copied.
   * @param blocks - In the order of the fused code.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On a part of a centroid, none, or weights out of range. {@link RangeError}
   */
  constructor(centroids: Float32Array, blocks: readonly WeightedBlock[]) {
    this.#scale = bucketScale(blocks);
    this.bits = this.#scale.length;
    assertInteger(this.bits, 'bits', 8, 1024);
    assertFloats(centroids, 'centroids');
    if (centroids.length === 0 || centroids.length % this.bits !== 0)
      throw new RangeError(`"centroids" expected a positive multiple of ${this.bits} numbers, got ${centroids.length}`);
    this.count = centroids.length / this.bits;
    this.#centroids = centroids;
  }

  /**
   * The nearest buckets of a stored image, nearest first: u32[wanted].
   * @param code - `bits / 8` bytes, packed LSB first.
   * @param wanted - 1 ..= count.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length, or a number out of range. {@link RangeError}
   */
  ofCode(code: Uint8Array, wanted: number): Uint32Array<ArrayBuffer> {
    assertBytes(code, 'code', this.bits / 8);
    assertInteger(wanted, 'wanted', 1, this.count);
    return this.#nearest(
      this.#scale.map((scale, i) => ((code[i >> 3]! >> (i & 7)) & 1 ? scale : -scale)),
      wanted,
    );
  }

  /**
   * The likeliest buckets of a query, likeliest first: u32[wanted].
   * @param query - f32[bits], finite.
   * @param wanted - 1 ..= count.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length, or numbers out of range. {@link RangeError}
   */
  ofQuery(query: Float32Array, wanted: number): Uint32Array<ArrayBuffer> {
    assertFloats(query, 'query', this.bits);
    assertInteger(wanted, 'wanted', 1, this.count);
    if (!query.every(Number.isFinite)) throw new RangeError('"query" expected finite numbers, got others');
    return this.#nearest(queryInBucketSpace(query, this.#scale), wanted);
  }

  #nearest(point: Float64Array, wanted: number): Uint32Array<ArrayBuffer> {
    const { bits, count } = this;
    const centroids = this.#centroids;
    const scores = new Float64Array(count);
    // Four at a time: each sum keeps its order, and none waits for itself.
    for (let c = 0; c < count; c += 4) {
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      const at0 = c * bits;
      const at1 = Math.min(c + 1, count - 1) * bits;
      const at2 = Math.min(c + 2, count - 1) * bits;
      const at3 = Math.min(c + 3, count - 1) * bits;
      for (let i = 0; i < bits; i++) {
        const value = point[i]!;
        s0 += value * centroids[at0 + i]!;
        s1 += value * centroids[at1 + i]!;
        s2 += value * centroids[at2 + i]!;
        s3 += value * centroids[at3 + i]!;
      }
      scores.set([s0, s1, s2, s3].slice(0, count - c), c);
    }
    return largest(scores, wanted);
  }
}

/**
 * `s_f` for each bit: f64[bits], 0 where a block weighs nothing.
 * @throws On weights out of range, or all 0. {@link RangeError}
 */
export function bucketScale(blocks: readonly WeightedBlock[]): Float64Array<ArrayBuffer> {
  const scale = new Float64Array(blocks.reduce((sum, { bits }) => sum + bits, 0));
  let total = 0;
  for (const { bits, weight } of blocks) {
    assertNumber(weight, 'blocks.weight', 0, 1);
    if (bits > 0) total += weight;
  }
  if (total === 0) throw new RangeError('"blocks.weight" expected one above 0, got none');
  let at = 0;
  for (const { bits, weight } of blocks) {
    scale.fill(Math.sqrt(weight / total / bits), at, at + bits);
    at += bits;
  }
  return scale;
}

/** `g` of a query, f64[bits], new. */
function queryInBucketSpace(query: Float32Array, scale: Float64Array): Float64Array<ArrayBuffer> {
  const n = query.length;
  return Float64Array.from(query, (value, i) => (scale[i]! > 0 ? value / (n * scale[i]!) : 0));
}

/** Indices of the `wanted` largest numbers, largest first, ties by the lower index. */
export function largest(scores: Float32Array | Float64Array, wanted: number): Uint32Array<ArrayBuffer> {
  const best = new Uint32Array(wanted);
  let found = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (found === wanted && score <= scores[best[found - 1]!]!) continue;
    let place = found < wanted ? found++ : found - 1;
    for (; place > 0 && scores[best[place - 1]!]! < score; place--) best[place] = best[place - 1]!;
    best[place] = i;
  }
  return best.subarray(0, found);
}
