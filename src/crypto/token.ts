/**
 * Tokens: what the server sees of a bucket. The first 8 bytes, as a little-endian u64, of
 * HMAC-SHA-256(key, input).
 * @module
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes } from '../base/assert.ts';

/** Makes tokens under one key. Holds the keyed hash state, so that a token costs two compressions and not four. */
export class Tokens {
  readonly #keyed: ReturnType<typeof hmac.create>;

  /**
   * @param key - 32 bytes.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length. {@link RangeError}
   */
  constructor(key: Uint8Array) {
    assertBytes(key, 'key', 32);
    this.#keyed = hmac.create(sha256, key);
  }

  /** The token of `input`. */
  of(input: Uint8Array): bigint {
    const digest = this.#keyed.clone().update(input).digest();
    return new DataView(digest.buffer, digest.byteOffset).getBigUint64(0, true);
  }

  /** Forgets the key. */
  wipe(): void {
    this.#keyed.destroy();
  }
}
