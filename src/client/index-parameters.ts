/**
 * The parameters of an encrypted index: what must be equal for a trapdoor to fit the stored records.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes, assertInteger, assertNumber } from '../base/assert.ts';
import { ByteWriter, concat, equalBytes, utf8 } from '../base/bytes.ts';
import { KEY_NAME_BYTES } from '../crypto/keys.ts';
import { RANKINGS, type Ranking } from '../protocol/messages.ts';

/** Who ranks, and how tokens and vectors of one index are made. */
export interface IndexParameters {
  /** Who ranks: what the server stores, and so learns, depends on it. */
  readonly ranking: Ranking;
  /** LSH tables: tokens stored for each image. 1..1024. */
  readonly tables: number;
  /** Bits sampled in a table. 1..64. */
  readonly sampledBits: number;
  /** Standard deviation of the noise on `<p,q>`, fresh for each stored image. In [0, n]. */
  readonly noise: number;
  /** Standard deviation of the random split of stored and query vectors. Greater than 0. */
  readonly split: number;
}

/**
 * The defaults, chosen on Caltech-101: docs/EVALUATION.md.
 */
export const DEFAULT_INDEX: IndexParameters = { ranking: 'server', tables: 32, sampledBits: 15, noise: 8, split: 3 };

/** Buckets looked at in each table during one search, by default. A setting of the query alone. */
export const DEFAULT_PROBES = 32;

const KEY_NAME_AT = 16;

/**
 * Names one index generation: 32 bytes, the first 16 of {@link indexFingerprint} and the public name of the library key. Two
 * generations with unequal names cannot be searched with one trapdoor.
 * @param keyName - From `libraryKeyName`.
 * @throws As {@link indexFingerprint}.
 */
export function generationName(vocabulary: Uint8Array, parameters: IndexParameters, keyName: Uint8Array): Uint8Array {
  assertBytes(keyName, 'keyName', KEY_NAME_BYTES);
  return concat(indexFingerprint(vocabulary, parameters).subarray(0, KEY_NAME_AT), keyName);
}

/** Whether a generation is made with the key of this name. */
export function isOfKey(generation: Uint8Array, keyName: Uint8Array): boolean {
  return equalBytes(generation.subarray(KEY_NAME_AT), keyName);
}

/**
 * What an index is made with, key aside: 32 bytes over the vocabulary and the parameters.
 * @param vocabulary - Fingerprint of the vocabulary, 32 bytes.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On values out of range. {@link RangeError}
 */
export function indexFingerprint(vocabulary: Uint8Array, parameters: IndexParameters): Uint8Array {
  assertBytes(vocabulary, 'vocabulary', 32);
  if (!RANKINGS.includes(parameters.ranking))
    throw new RangeError(`"ranking" expected ${RANKINGS.join(', ')}, got ${String(parameters.ranking)}`);
  assertInteger(parameters.tables, 'tables', 1, 1024);
  assertInteger(parameters.sampledBits, 'sampledBits', 1, 64);
  assertNumber(parameters.noise, 'noise', 0, 1024);
  assertNumber(parameters.split, 'split', 2 ** -10, 1024);
  return sha256(
    new ByteWriter()
      .raw(utf8('blindsight/index/0'))
      .raw(vocabulary)
      .u8(RANKINGS.indexOf(parameters.ranking))
      .u16(parameters.tables)
      .u16(parameters.sampledBits)
      .f64(parameters.noise)
      .f64(parameters.split)
      .finish(),
  );
}
