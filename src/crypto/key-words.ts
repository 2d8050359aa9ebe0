/**
 * Endless u32 words from a key: what secret tables are drawn from, equal on every engine.
 *
 * - {@link hmacWords}: block c = 0, 1, ... is HMAC-SHA-256(key, u64(c)), read as eight little-endian u32.
 *   Slow and short; draws the positions of the prefilter table.
 * - {@link chachaWords}: the ChaCha20 key stream (RFC 8439) of the key, a nonce of 12 bytes (the label in
 *   ASCII, zero-padded) and counter 0, read as little-endian u32. Fast; expands the secure-kNN key.
 * @module
 */
import { chacha20 } from '@noble/ciphers/chacha.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ByteWriter, utf8 } from '../base/bytes.ts';
import { wipe } from './wipe.ts';

/** Words of HMAC-SHA-256 in counter mode. */
export function hmacWords(key: Uint8Array): () => number {
  let block = new DataView(new ArrayBuffer(0));
  let next = 0;
  let counter = 0;
  return () => {
    if (next === block.byteLength) {
      const bytes = hmac(sha256, key, new ByteWriter().u64(counter++).finish());
      block = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      next = 0;
    }
    const word = block.getUint32(next, true);
    next += 4;
    return word;
  };
}

/** The first `count` words of a ChaCha20 key stream: u32[count]. Wipe them after use. */
export function chachaWords(key: Uint8Array, label: string, count: number): Uint32Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  nonce.set(utf8(label));
  const zeros = new Uint8Array(4 * count);
  const stream = chacha20(key, nonce, zeros);
  const words = new Uint32Array(count);
  new Uint8Array(words.buffer).set(stream);
  wipe(stream);
  return words;
}
