/**
 * The library root: which images a library has, in 137 bytes that the server keeps and can neither read nor make.
 *
 * A set of ids is kept as its count, the XOR of its ids, and the sum of HMAC-SHA-256(K, id) mod 2^256, little-endian,
 * K = HKDF-Expand(key `root`, 'blindsight/1/root/sum'): a multiset hash (Clarke et al. 2003, MSet-Add-Hash), so that adding and removing
 * cost the same in every library. Whoever sees sums could look for other sets with the same one; so a root is sealed under key `root`.
 *
 * Inside the seal, whose context is `root`:
 *
 * | bytes | field      |                                                                     |
 * | ----- | ---------- | ------------------------------------------------------------------- |
 * | u8    | version    | 0                                                                   |
 * | 32    | parameters | name of the generation that serves                                  |
 * | u64   | changes    | 1 more than in the root before                                      |
 * | u64   | count      | images that have a record in that generation                        |
 * | 16    | xor        | of their ids: names the one that is missing                         |
 * | 32    | sum        |                                                                     |
 * @module
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes } from '../base/assert.ts';
import { ByteReader, ByteWriter, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { ID_BYTES, KEY_BYTES, expandKey } from './keys.ts';
import { openBytes, sealBytes } from './seal.ts';
import { hold, wipe } from './wipe.ts';

const VERSION = 0;
const PARAMETERS_BYTES = 32;
const SUM_BYTES = 32;
const MODULUS = 1n << BigInt(8 * SUM_BYTES);
const CONTEXT: Uint8Array = /* @__PURE__ */ utf8('root');

/** A set of ids, in a size that does not depend on how many they are. */
export interface IdSet {
  readonly count: number;
  /** 16 bytes. */
  readonly xor: Uint8Array;
  /** Below 2^256. */
  readonly sum: bigint;
}

/** What a root says. */
export interface Root {
  /** Name of the generation: 32 bytes. */
  readonly parameters: Uint8Array;
  readonly changes: number;
  readonly ids: IdSet;
}

/** No ids. */
export const NO_IDS: IdSet = { count: 0, xor: new Uint8Array(ID_BYTES), sum: 0n };

export function equalSets(a: IdSet, b: IdSet): boolean {
  return a.count === b.count && a.sum === b.sum;
}

/** Adds ids to sets and takes them away, with the key of the sums. */
export class IdSums {
  readonly #key: Uint8Array;

  /** @param rootKey - Key `root`, 32 bytes. Not kept. */
  constructor(rootKey: Uint8Array) {
    assertBytes(rootKey, 'rootKey', KEY_BYTES);
    const key = expandKey(rootKey, 'root/sum');
    this.#key = hold(key);
    wipe(key);
  }

  /** A set with one id more. Whether it was in the set already is for the caller to know. */
  add(set: IdSet, id: Uint8Array): IdSet {
    return { count: set.count + 1, xor: xorOf(set.xor, id), sum: (set.sum + this.#value(id)) % MODULUS };
  }

  /** Inverse of {@link add}. */
  remove(set: IdSet, id: Uint8Array): IdSet {
    return { count: set.count - 1, xor: xorOf(set.xor, id), sum: (set.sum + MODULUS - this.#value(id)) % MODULUS };
  }

  /** The one id by which `larger` is more than `smaller`; undefined when the difference is anything else. */
  difference(larger: IdSet, smaller: IdSet): Uint8Array | undefined {
    const id = xorOf(larger.xor, smaller.xor);
    return equalSets(larger, this.add(smaller, id)) ? id : undefined;
  }

  wipe(): void {
    wipe(this.#key);
  }

  #value(id: Uint8Array): bigint {
    assertBytes(id, 'id', ID_BYTES);
    return new ByteReader(hmac(sha256, this.#key, id), 'decrypt-failed')
      .u64s(SUM_BYTES / 8)
      .reduceRight((sum, lane) => (sum << 64n) + lane, 0n);
  }
}

/**
 * @param key - Key `root`, 32 bytes.
 * @returns 137 bytes, other ones every time.
 */
export function sealRoot(key: Uint8Array, { parameters, changes, ids }: Root): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().u8(VERSION).raw(parameters).u64(changes).u64(ids.count).raw(ids.xor);
  for (let lane = 0n; lane < 4n; lane++) {
    const value = BigInt.asUintN(64, ids.sum >> (64n * lane));
    body.u32(Number(value & 0xffffffffn)).u32(Number(value >> 32n));
  }
  return sealBytes(key, CONTEXT, body.finish());
}

/**
 * Inverse of {@link sealRoot}.
 * @throws `decrypt-failed`: another key, or altered; `unsupported-version`. {@link RetrievalError}
 */
export function openRoot(key: Uint8Array, sealed: Uint8Array): Root {
  const plaintext = openBytes(key, CONTEXT, sealed);
  if (plaintext === undefined)
    throw new RetrievalError('decrypt-failed', 'the library root is not authentic under this key');
  const body = new ByteReader(plaintext, 'decrypt-failed');
  const version = body.u8();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected library root version ${VERSION}, got ${version}`);
  const parameters = body.raw(PARAMETERS_BYTES).slice();
  const changes = body.u64();
  const count = body.u64();
  const xor = body.raw(ID_BYTES).slice();
  const sum = body.u64s(SUM_BYTES / 8).reduceRight((value, lane) => (value << 64n) + lane, 0n);
  body.end();
  return { parameters, changes, ids: { count, xor, sum } };
}

function xorOf(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}
