/**
 * Small records, sealed: XChaCha20-Poly1305 with a random nonce, and `label || id` as context.
 * The ciphertext is `nonce (24) || sealed bytes || tag (16)`.
 * @module
 */
import { chacha20poly1305, hchacha } from '@noble/ciphers/chacha.js';
import { assertBytes } from '../base/assert.ts';
import { concat, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { ID_BYTES, KEY_BYTES } from './keys.ts';
import { randomBytes } from './random.ts';
import { hold, wipe } from './wipe.ts';

const NONCE_BYTES = 24;
const TAG_BYTES = 16;
// "expand 32-byte k": RFC 8439 section 2.3.
const SIGMA: Uint32Array = /* @__PURE__ */ Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/** Bytes that sealing adds. */
export const SEAL_BYTES: number = NONCE_BYTES + TAG_BYTES;
/** Bytes of a wrapped key. */
export const WRAPPED_KEY_BYTES: number = KEY_BYTES + SEAL_BYTES;

/** Seals under a context of any bytes. The context is not stored: whoever opens must know it. */
export function sealBytes(key: Uint8Array, context: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const nonce = randomBytes(NONCE_BYTES);
  const sealed = withCipher(key, nonce, context, (cipher) => cipher.encrypt(plaintext));
  return concat(nonce, sealed);
}

/** Inverse of {@link sealBytes}; undefined when key, context or ciphertext differ by a bit. */
export function openBytes(key: Uint8Array, context: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < SEAL_BYTES) return undefined;
  try {
    // At a fixed place: what is opened may be a key.
    const out = new Uint8Array(new ArrayBuffer(sealed.length - SEAL_BYTES));
    return withCipher(key, sealed.subarray(0, NONCE_BYTES), context, (cipher) =>
      cipher.decrypt(sealed.subarray(NONCE_BYTES), out),
    );
  } catch {
    return undefined;
  }
}

/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): ChaCha20-Poly1305 under the subkey that HChaCha20 makes of the key and the first 16
 * bytes of the nonce. Composed here, because the library's own leaves a copy of the key in the engine's heap at each call; so it
 * leaves one of the subkey, which is good for one nonce.
 */
function withCipher<T>(
  key: Uint8Array,
  nonce: Uint8Array,
  context: Uint8Array,
  use: (cipher: ReturnType<typeof chacha20poly1305>) => T,
): T {
  const [held, from] = [hold(key), hold(nonce.subarray(0, 16))];
  const subkey = new Uint8Array(new ArrayBuffer(KEY_BYTES));
  try {
    hchacha(SIGMA, words(held), words(from), words(subkey));
    return use(chacha20poly1305(subkey, concat(new Uint8Array(4), nonce.subarray(16)), context));
  } finally {
    wipe(held, subkey);
  }
}

function words({ buffer }: Uint8Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return new Uint32Array(buffer);
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
