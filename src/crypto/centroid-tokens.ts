/**
 * The `centroids` family of tokens: learned buckets, keyed. The input of a token is `fingerprint || u32(centroid)`.
 *
 * An image gets the tokens of its `assigned` nearest centroids, a query those of its likeliest ones. Few tokens do the work of
 * many sampled bits, but the centroids are public: how often a bucket is met, and beside which others, tells which one
 * it is (docs/TUNING.md measures that).
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import { CentroidBuckets, type WeightedBlock } from './centroid-buckets.ts';
import type { TokenFamily, TokenQuery } from './token-family.ts';
import { Tokens } from './token.ts';

/** Sizes of the family. */
export interface CentroidOptions {
  /** f32[count * bits]: unit vectors. Not copied. */
  readonly centroids: Float32Array;
  /** In the order of the fused code. */
  readonly blocks: readonly WeightedBlock[];
  /** Buckets a stored image is put into: 1 ..= count. */
  readonly assigned: number;
  /** 32 bytes: of the vocabulary. */
  readonly fingerprint: Uint8Array;
}

const FINGERPRINT_BYTES = 32;

/**
 * Tokens by nearest centroids.
 * @example
 * ```ts
 * const buckets = new CentroidTokens(keys.get('token/centroid'), options);
 * const stored = buckets.tokens(code); // `assigned` of them
 * const asked = buckets.probes({ query }, 8); // eight
 * ```
 */
export class CentroidTokens implements TokenFamily {
  readonly name = 'centroids';
  readonly count: number;
  readonly #buckets: CentroidBuckets;
  readonly #maker: Tokens;
  readonly #fingerprint: Uint8Array;

  /**
   * @param key - `token/centroid`, 32 bytes.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On numbers out of range. {@link RangeError}
   */
  constructor(key: Uint8Array, { centroids, blocks, assigned, fingerprint }: CentroidOptions) {
    assertBytes(fingerprint, 'fingerprint', FINGERPRINT_BYTES);
    this.#buckets = new CentroidBuckets(centroids, blocks);
    assertInteger(assigned, 'assigned', 1, this.#buckets.count);
    this.#maker = new Tokens(key);
    this.#fingerprint = new Uint8Array(fingerprint);
    this.count = assigned;
  }

  /**
   * Tokens of a stored image, ascending, so that their order does not tell the nearest bucket: u64[assigned].
   * @param code - `bits / 8` bytes, packed LSB first.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length. {@link RangeError}
   */
  tokens(code: Uint8Array): BigUint64Array<ArrayBuffer> {
    return this.#named(this.#buckets.ofCode(code, this.count));
  }

  /**
   * Tokens of a query, ascending: as many as asked for, or as there are centroids.
   * @param probes - At least 1.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length, or numbers out of range. {@link RangeError}
   */
  probes({ query }: Pick<TokenQuery, 'query'>, probes: number): BigUint64Array<ArrayBuffer> {
    assertInteger(probes, 'probes', 1, Number.MAX_SAFE_INTEGER);
    return this.#named(this.#buckets.ofQuery(query, Math.min(probes, this.#buckets.count)));
  }

  wipe(): void {
    this.#maker.wipe();
  }

  #named(centroids: Uint32Array): BigUint64Array<ArrayBuffer> {
    return BigUint64Array.from(centroids, (centroid) =>
      this.#maker.of(centroidInput(this.#fingerprint, centroid)),
    ).sort();
  }
}

/** `fingerprint || u32(centroid)`: what a token of the family is made of. */
export function centroidInput(fingerprint: Uint8Array, centroid: number): Uint8Array {
  const input = new Uint8Array(FINGERPRINT_BYTES + 4);
  input.set(fingerprint);
  new DataView(input.buffer).setUint32(FINGERPRINT_BYTES, centroid, true);
  return input;
}
