/**
 * The logistic layer: a key stream from `x <- (mu * x) * (1 - x)` in f64, XORed with the data.
 *
 * Not a cipher on its own: published ones of its kind fall to one or two known images. It always lies
 * inside an authenticated cipher (image-cipher.ts), on which confidentiality rests alone.
 *
 * Block j is 64 KiB: `s = HKDF-Expand(key, 'block' || u64(j), 128)`. Lane l = 0..7 reads `u, v` as the u64 at
 * 16 l and 16 l + 8, each `>> 11`; `mu = 3.9999 + (u * 2^-53) * 0.00009`, `x = 0.1 + (v * 2^-53) * 0.8`. 256 updates
 * are discarded; then each update emits the low 32 bits of the new x, lanes 0..7 in order: 32 bytes a step.
 * @module
 */
import { expand } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes, assertInteger } from '../base/assert.ts';
import { ByteWriter, utf8 } from '../base/bytes.ts';

const BLOCK_BYTES = 65536;
const LANES = 8;
const DISCARDED = 256;

/** XORs data with the logistic key stream. */
export class LogisticStream {
  constructor(_module: WebAssembly.Module) {}

  /**
   * XORs `data` with the stream from byte `offset` on. Its own inverse.
   * @param key - 32 bytes.
   * @returns A new array.
   */
  xor(key: Uint8Array, data: Uint8Array, offset = 0): Uint8Array<ArrayBuffer> {
    assertBytes(key, 'key', 32);
    assertBytes(data, 'data');
    assertInteger(offset, 'offset', 0, Number.MAX_SAFE_INTEGER - data.length);
    const out = new Uint8Array(data);
    const end = offset + data.length;
    for (let block = Math.floor(offset / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
      const stream = blockStream(key, block);
      const from = Math.max(offset, block * BLOCK_BYTES);
      const to = Math.min(end, (block + 1) * BLOCK_BYTES);
      for (let i = from; i < to; i++) out[i - offset]! ^= stream[i - block * BLOCK_BYTES]!;
    }
    return out;
  }
}

function blockStream(key: Uint8Array, block: number): Uint8Array {
  const info = new ByteWriter().raw(utf8('block')).u64(block).finish();
  const seed = new DataView(expand(sha256, key, info, 16 * LANES).slice().buffer);
  const read = (at: number): number => Number(seed.getBigUint64(at, true) >> 11n) * 2 ** -53;
  const mu = Float64Array.from({ length: LANES }, (_, lane) => 3.9999 + read(16 * lane) * 0.00009);
  const x = Float64Array.from({ length: LANES }, (_, lane) => 0.1 + read(16 * lane + 8) * 0.8);
  const low = new Uint32Array(x.buffer);
  const out = new Uint32Array(BLOCK_BYTES / 4);
  const steps = BLOCK_BYTES / (4 * LANES);
  for (let step = -DISCARDED; step < steps; step++)
    for (let lane = 0; lane < LANES; lane++) {
      x[lane] = mu[lane]! * x[lane]! * (1 - x[lane]!);
      if (step >= 0) out[step * LANES + lane] = low[2 * lane]!;
    }
  return new Uint8Array(out.buffer);
}
