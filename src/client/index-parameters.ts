/**
 * The parameters of an encrypted index: what must be equal for a trapdoor to fit the stored records.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes, assertInteger, assertNumber } from '../base/assert.ts';
import { ByteWriter, concat, equalBytes, utf8 } from '../base/bytes.ts';
import { VECTOR_FORMATS, type VectorFormat } from '../base/stored-vector.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { KEY_NAME_BYTES } from '../crypto/keys.ts';
import { TOKEN_FAMILIES, type TokenFamilyName } from '../crypto/token-family.ts';
import { RANKINGS, type Ranking } from '../protocol/messages.ts';

/** Sampled bits of the code: many tokens; which bits they are is secret. */
export interface LshPrefilter {
  readonly family: 'lsh';
  /** LSH tables: tokens stored for each image. 1..1024. */
  readonly tables: number;
  /** Bits sampled in a table. 1..48. */
  readonly sampledBits: number;
  /** Buckets looked at in each table, unless a search says otherwise. 1..4096. */
  readonly probes: number;
}

/** The vocabulary's learned buckets: few tokens; what the buckets are is public. */
export interface CentroidPrefilter {
  readonly family: 'centroids';
  /** Buckets an image is put into: tokens stored for each. 1..64, and at most the vocabulary's centroids. */
  readonly assigned: number;
  /** Buckets looked at, unless a search says otherwise. 1..4096. */
  readonly probes: number;
}

/** Which tokens narrow a search down. Unused under ranking `client`, and kept for a migration. */
export type Prefilter = LshPrefilter | CentroidPrefilter;

/** Who ranks, and how tokens and vectors of one index are made. */
export interface IndexParameters {
  /** Who ranks: what the server stores, and so learns, depends on it. */
  readonly ranking: Ranking;
  readonly prefilter: Prefilter;
  /** Standard deviation of the noise on `<p,q>`, fresh for each stored image. In [0, n]. */
  readonly noise: number;
  /** Standard deviation of the random split of stored and query vectors. Greater than 0. */
  readonly split: number;
  /**
   * How stored vectors are kept: `f32` where absent, or `int8`, a quarter of the bytes on the wire, on disk and in the server's memory. What
   * rounding adds to a score is small beside the default noise.
   */
  readonly vectors?: VectorFormat | undefined;
}

/** Numbers of each family where none are given, chosen on Caltech-101: docs/TUNING.md. */
export const DEFAULT_PREFILTERS: {
  readonly lsh: LshPrefilter;
  readonly centroids: CentroidPrefilter;
} = {
  lsh: { family: 'lsh', tables: 32, sampledBits: 15, probes: 32 },
  centroids: { family: 'centroids', assigned: 2, probes: 24 },
};

/**
 * The prefilter of a new index: learned buckets, where the vocabulary has enough of them, or sampled bits. docs/TUNING.md has the
 * figures that decided, and what the buckets' tokens tell a server beyond those of sampled bits.
 */
export function defaultPrefilter({ centroids, bits }: Pick<Vocabulary, 'centroids' | 'bits'>): Prefilter {
  const { centroids: learned, lsh } = DEFAULT_PREFILTERS;
  return centroids.length / bits >= LEAST_DEFAULT_CENTROIDS ? learned : lsh;
}

/** With fewer centroids, the default's probes touch most of a library. */
const LEAST_DEFAULT_CENTROIDS = 256;

/** The defaults, chosen on Caltech-101: docs/EVALUATION.md and docs/TUNING.md. Its prefilter fits every vocabulary; see {@link defaultPrefilter}. */
export const DEFAULT_INDEX: IndexParameters = {
  ranking: 'server',
  prefilter: DEFAULT_PREFILTERS.lsh,
  noise: 8,
  split: 3,
};

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
  assertPrefilter(parameters.prefilter);
  assertNumber(parameters.noise, 'noise', 0, 1024);
  assertNumber(parameters.split, 'split', 2 ** -10, 1024);
  const { prefilter, vectors = 'f32' } = parameters;
  if (!VECTOR_FORMATS.includes(vectors))
    throw new RangeError(`"vectors" expected ${VECTOR_FORMATS.join(', ')}, got ${String(vectors)}`);
  const sizes = prefilter.family === 'lsh' ? [prefilter.tables, prefilter.sampledBits] : [prefilter.assigned, 0];
  const hashed = new ByteWriter()
    .raw(utf8('blindsight/index/0'))
    .raw(vocabulary)
    .u8(RANKINGS.indexOf(parameters.ranking))
    .u8(TOKEN_FAMILIES.indexOf(prefilter.family))
    .u16(sizes[0]!)
    .u16(sizes[1]!)
    .f64(parameters.noise)
    .f64(parameters.split);
  // Of f32 vectors the name says nothing, so that indexes keep the one they had before there were others.
  if (vectors !== 'f32') hashed.u8(VECTOR_FORMATS.indexOf(vectors));
  return sha256(hashed.finish());
}

/**
 * @throws On wrong argument types. {@link TypeError}
 * @throws On values out of range. {@link RangeError}
 */
function assertPrefilter(prefilter: Prefilter): void {
  if (typeof prefilter !== 'object' || prefilter === null)
    throw new TypeError(`"prefilter" expected object, got ${typeof prefilter}`);
  const family: TokenFamilyName = prefilter.family;
  if (!TOKEN_FAMILIES.includes(family))
    throw new RangeError(`"prefilter.family" expected ${TOKEN_FAMILIES.join(', ')}, got ${String(family)}`);
  if (prefilter.family === 'lsh') {
    assertInteger(prefilter.tables, 'prefilter.tables', 1, 1024);
    assertInteger(prefilter.sampledBits, 'prefilter.sampledBits', 1, 48);
  } else assertInteger(prefilter.assigned, 'prefilter.assigned', 1, 64);
  assertInteger(prefilter.probes, 'prefilter.probes', 1, 4096);
}
