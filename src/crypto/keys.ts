/**
 * The keys of a library. The library key is 64 bytes: a random 256-bit root, of which all is derived but one key,
 * HKDF-SHA-256(root, empty salt, info = 'blindsight/1/' || label), 32 bytes each; and key `id`.
 *
 * Key `id` is derived like the others when a library is made, and then kept: a rotation takes another root and leaves it,
 * so that images keep their names.
 * @module
 */
import { expand, hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes } from '../base/assert.ts';
import { utf8 } from '../base/bytes.ts';
import { randomBytes } from './random.ts';
import { hold, wipe } from './wipe.ts';

/** Bytes of every derived key. */
export const KEY_BYTES = 32;
/** Bytes of a library key. */
export const LIBRARY_KEY_BYTES = 64;
/** Bytes of the public name of a library key. */
export const KEY_NAME_BYTES = 16;
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

/** A new library key: 64 bytes. */
export function newLibraryKey(): Uint8Array<ArrayBuffer> {
  const root = randomBytes(KEY_BYTES);
  const idKey = deriveKey(root, 'id');
  const libraryKey = new Uint8Array(new ArrayBuffer(LIBRARY_KEY_BYTES));
  libraryKey.set(root);
  libraryKey.set(idKey, KEY_BYTES);
  wipe(root, idKey);
  return libraryKey;
}

/**
 * The library key after a rotation: another root, the same key `id`.
 * @throws On a wrong argument type. {@link TypeError}
 * @throws On another length. {@link RangeError}
 */
export function rotateLibraryKey(libraryKey: Uint8Array): Uint8Array<ArrayBuffer> {
  assertBytes(libraryKey, 'libraryKey', LIBRARY_KEY_BYTES);
  const root = randomBytes(KEY_BYTES);
  const next = hold(libraryKey);
  next.set(root);
  wipe(root);
  return next;
}

/** Names a library key, and tells nothing of it: the first 16 bytes derived from its root with label `name`. Public. */
export function libraryKeyName(libraryKey: Uint8Array): Uint8Array {
  assertBytes(libraryKey, 'libraryKey', LIBRARY_KEY_BYTES);
  return deriveKey(libraryKey.subarray(0, KEY_BYTES), 'name').slice(0, KEY_NAME_BYTES);
}

/** HKDF-SHA-256 with an empty salt and info `'blindsight/1/' || label`: 32 bytes. For secrets that are not uniform or shared by many uses. */
export function deriveKey(secret: Uint8Array, label: string): Uint8Array {
  return hkdf(sha256, secret, undefined, utf8(PREFIX + label), KEY_BYTES);
}

/** As {@link deriveKey}, at a fixed place. */
function heldKey(secret: Uint8Array, label: string): Uint8Array {
  const derived = deriveKey(secret, label);
  const held = hold(derived);
  wipe(derived);
  return held;
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
  /** Public name of the library key: 16 bytes. */
  readonly name: Uint8Array;
  readonly #keys: ReadonlyMap<KeyLabel, Uint8Array>;
  #wiped = false;

  /**
   * @param libraryKey - 64 bytes. Not kept.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length. {@link RangeError}
   */
  constructor(libraryKey: Uint8Array) {
    this.name = libraryKeyName(libraryKey);
    const root = libraryKey.subarray(0, KEY_BYTES);
    this.#keys = new Map(
      KEY_LABELS.map((label) => [label, label === 'id' ? hold(libraryKey.subarray(KEY_BYTES)) : heldKey(root, label)]),
    );
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
