/**
 * How buckets are chosen: the face that every family of tokens shows to the client.
 *
 * A stored image is put into buckets by its fused code alone, never by its projections: that is what a sealed record holds, so an
 * index can be made anew without opening a picture, and gives the tokens that the picture itself gave.
 * @module
 */

/** The families by name, as they stand in a library's settings. */
export const TOKEN_FAMILIES = ['lsh', 'centroids'] as const;

/** One of {@link TOKEN_FAMILIES}. */
export type TokenFamilyName = (typeof TOKEN_FAMILIES)[number];

/** What buckets of a query are chosen by. */
export interface TokenQuery {
  /**
   * f32[bits]: projections divided by their training standard deviation; the sign is the bit of the query's code, the size
   * says how certain it is.
   */
  readonly margins: Float32Array;
  /** f32[bits]: its inner product with a code, bits as +1/-1, is the score times `bits`. */
  readonly query: Float32Array;
}

/** A family of buckets under one library's keys and one vocabulary. */
export interface TokenFamily {
  readonly name: TokenFamilyName;
  /** Tokens of one stored image. */
  readonly count: number;
  /**
   * Tokens of a stored image: u64[count].
   * @param code - Its fused code, packed.
   */
  tokens(code: Uint8Array): BigUint64Array;
  /**
   * Tokens of a query.
   * @param probes - Buckets looked at in each table; a family without tables has one.
   */
  probes(query: TokenQuery, probes: number): BigUint64Array;
  /** Forgets the keys. */
  wipe(): void;
}
