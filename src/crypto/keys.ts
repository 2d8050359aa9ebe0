/**
 * The keys of a library, all derived from one random 256-bit library key:
 * HKDF-SHA-256(library key, empty salt, info = 'blindsight/1/' || label), 32 bytes each.
 * @module
 */
import { expand, hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes } from '../base/assert.ts';
import { utf8 } from '../base/bytes.ts';
import { randomBytes } from './random.ts';
import { wipe } from './wipe.ts';

/** Bytes of every key. */
export const KEY_BYTES = 32;
/** Bytes of an image id. */
export const ID_BYTES = 16;

const PREFIX = 'blindsight/1/';

/** What a key is for. */
export const KEY_LABELS = [
  'token/lsh',
  'token/centroid',
  'index/lsh-sample',
  'knn',
  'record',
  'wrap',
  'id',
  'root',
  'cache',
] as const;

/** One of {@link KEY_LABELS}. */
export type KeyLabel = (typeof KEY_LABELS)[number];

/** A new library key: 32 random bytes. */
export function newLibraryKey(): Uint8Array<ArrayBuffer> {
  return randomBytes(KEY_BYTES);
}

/** HKDF-SHA-256 with an empty salt and info `'blindsight/1/' || label`: 32 bytes. For secrets that are not uniform or shared by many uses. */
export function deriveKey(secret: Uint8Array, label: string): Uint8Array {
  return hkdf(sha256, secret, undefined, utf8(PREFIX + label), KEY_BYTES);
}

/** HKDF-Expand-SHA-256 with info `'blindsight/1/' || label`: 32 bytes. For keys that are uniform already. */
export function expandKey(key: Uint8Array, label: string): Uint8Array {
  return expand(sha256, key, utf8(PREFIX + label), KEY_BYTES);
}

/**
 * The first 16 bytes of HMAC-SHA-256(key `id`, SHA-256 of the file): the same file has the same id in one
 * library, and unrelated ids in two.
 * @param idKey - 32 bytes.
 * @param contentHash - 32 bytes: SHA-256 of the file.
 */
export function imageId(idKey: Uint8Array, contentHash: Uint8Array): Uint8Array<ArrayBuffer> {
  assertBytes(idKey, 'idKey', KEY_BYTES);
  assertBytes(contentHash, 'contentHash', 32);
  return new Uint8Array(hmac(sha256, idKey, contentHash).subarray(0, ID_BYTES));
}

/**
 * The derived keys of one library.
 * @example
 * ```ts
 * const keys = new LibraryKeys(libraryKey);
 * const sealed = sealRecord(keys.get('record'), id, record);
 * keys.wipe();
 * ```
 */
export class LibraryKeys {
  readonly #keys: ReadonlyMap<KeyLabel, Uint8Array>;
  #wiped = false;

  /**
   * @param libraryKey - 32 bytes. Not kept.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length. {@link RangeError}
   */
  constructor(libraryKey: Uint8Array) {
    assertBytes(libraryKey, 'libraryKey', KEY_BYTES);
    this.#keys = new Map(KEY_LABELS.map((label) => [label, deriveKey(libraryKey, label)]));
  }

  /**
   * The key with this label: a view, zeroed by {@link wipe}.
   * @throws On an unknown label, or after {@link wipe}. {@link RangeError}
   */
  get(label: KeyLabel): Uint8Array {
    const key = this.#keys.get(label);
    if (key === undefined) throw new RangeError(`"label" expected one of ${KEY_LABELS.join(', ')}, got another`);
    if (this.#wiped) throw new RangeError('"keys" expected keys in use, got wiped keys');
    return key;
  }

  /** The id of a file, from its SHA-256. */
  imageId(contentHash: Uint8Array): Uint8Array<ArrayBuffer> {
    return imageId(this.get('id'), contentHash);
  }

  /** Overwrites the keys. They cannot be used afterwards. */
  wipe(): void {
    this.#wiped = true;
    wipe(...this.#keys.values());
  }
}
