/**
 * How buckets are chosen: the face that every family of tokens shows to the client.
 * @module
 */

/** A family of buckets under one library's keys and one vocabulary. */
export interface TokenFamily {
  /** As it stands in a library's settings. */
  readonly name: string;
  /** Tokens of one stored image. */
  readonly count: number;
  /**
   * Tokens of a stored image: u64[count].
   * @param code - Its fused code, packed.
   * @param margins - f32[bits], as for {@link probes}.
   */
  tokens(code: Uint8Array, margins: Float32Array): BigUint64Array;
  /**
   * Tokens of a query, the likeliest buckets first within each table.
   * @param margins - f32[bits]: projections divided by their training standard deviation; the sign is the bit
   *   of the query's code, the size says how certain it is.
   * @param perTable - Buckets looked at in each table.
   */
  probes(margins: Float32Array, perTable: number): BigUint64Array;
  /** Forgets the keys. */
  wipe(): void;
}
