/**
 * Small records, sealed: XChaCha20-Poly1305 with a random nonce, and `label || id` as context.
 * The ciphertext is `nonce (24) || sealed bytes || tag (16)`.
 * @module
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { assertBytes } from '../base/assert.ts';
import { concat, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { ID_BYTES, KEY_BYTES } from './keys.ts';
import { randomBytes } from './random.ts';

const NONCE_BYTES = 24;
const TAG_BYTES = 16;

/** Bytes that sealing adds. */
export const SEAL_BYTES: number = NONCE_BYTES + TAG_BYTES;
/** Bytes of a wrapped key. */
export const WRAPPED_KEY_BYTES: number = KEY_BYTES + SEAL_BYTES;

/** Seals under a context of any bytes. The context is not stored: whoever opens must know it. */
export function sealBytes(key: Uint8Array, context: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const nonce = randomBytes(NONCE_BYTES);
  return concat(nonce, xchacha20poly1305(key, nonce, context).encrypt(plaintext));
}

/** Inverse of {@link sealBytes}; undefined when key, context or ciphertext differ by a bit. */
export function openBytes(key: Uint8Array, context: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SEAL_BYTES) return undefined;
  try {
    return xchacha20poly1305(key, sealed.subarray(0, NONCE_BYTES), context).decrypt(sealed.subarray(NONCE_BYTES));
  } catch {
    return undefined;
  }
}

/**
 * Seals `plaintext` to an id.
 * @param key - 32 bytes.
 * @param label - What the bytes are. The id after it has a fixed length, so no two contexts collide.
 * @param id - 16 bytes.
 * @returns {@link SEAL_BYTES} more bytes than `plaintext`.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On wrong lengths. {@link RangeError}
 */
export function seal(key: Uint8Array, label: string, id: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  assertBytes(plaintext, 'plaintext');
  return sealBytes(checkedKey(key), contextOf(label, id), plaintext);
}

/**
 * Inverse of {@link seal}.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On wrong lengths of key or id. {@link RangeError}
 * @throws `decrypt-failed`: another key, label or id, or altered bytes. {@link RetrievalError}
 */
export function open(key: Uint8Array, label: string, id: Uint8Array, sealed: Uint8Array): Uint8Array {
  assertBytes(sealed, 'sealed');
  const plaintext = openBytes(checkedKey(key), contextOf(label, id), sealed);
  if (plaintext === undefined)
    throw new RetrievalError('decrypt-failed', `the sealed ${label} is not authentic under this key`);
  return plaintext;
}

/** Wraps an image key to its image's id: 72 bytes. */
export function wrapKey(wrappingKey: Uint8Array, id: Uint8Array, imageKey: Uint8Array): Uint8Array<ArrayBuffer> {
  assertBytes(imageKey, 'imageKey', KEY_BYTES);
  return seal(wrappingKey, 'wrap', id, imageKey);
}

/**
 * Inverse of {@link wrapKey}.
 * @throws `decrypt-failed`: another key or id, or altered bytes. {@link RetrievalError}
 */
export function unwrapKey(wrappingKey: Uint8Array, id: Uint8Array, wrapped: Uint8Array): Uint8Array {
  const imageKey = open(wrappingKey, 'wrap', id, wrapped);
  if (imageKey.length !== KEY_BYTES)
    throw new RetrievalError('decrypt-failed', `expected a wrapped key of ${KEY_BYTES} bytes, got ${imageKey.length}`);
  return imageKey;
}

function checkedKey(key: Uint8Array): Uint8Array {
  assertBytes(key, 'key', KEY_BYTES);
  return key;
}

function contextOf(label: string, id: Uint8Array): Uint8Array {
  assertBytes(id, 'id', ID_BYTES);
  return concat(utf8(label), id);
}
