/**
 * The logistic keystream, SCHEME.md section 5: seekable, and equal byte for byte on every engine.
 *
 * It is not a secure cipher. It is only ever used inside authenticated encryption, which protects alone.
 * @module
 */
import { expand } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes, assertInteger } from '../base/assert.ts';
import { ByteWriter, utf8 } from '../base/bytes.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';

/** Bytes of keystream under one seed. */
const BLOCK_BYTES = 65536;
/** Bytes of a seed: eight lanes of two u64. */
const SEED_BYTES = 128;
const KEY_BYTES = 32;

/** XORs data with the keystream of a key. */
export class LogisticStream {
  readonly #kernels: Kernels;
  readonly #at: Record<'seed' | 'block', number>;

  /** @param module - Compiled kernels. */
  constructor(module: WebAssembly.Module) {
    this.#kernels = instantiateKernels(module);
    this.#at = layOut(this.#kernels, { seed: SEED_BYTES, block: BLOCK_BYTES });
  }

  /**
   * XORs the keystream into a copy of `data`. Its own inverse.
   * @param key - 32 bytes.
   * @param data - Any number of bytes.
   * @param offset - Where in the stream `data` begins, in bytes.
   * @returns A new array.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On a key of another length, or an offset that is no safe integer. {@link RangeError}
   */
  xor(key: Uint8Array, data: Uint8Array, offset = 0): Uint8Array<ArrayBuffer> {
    assertBytes(key, 'key', KEY_BYTES);
    assertBytes(data, 'data');
    assertInteger(offset, 'offset', 0, Number.MAX_SAFE_INTEGER - data.length);
    const { buffer } = this.#kernels.memory;
    const seed = new Uint8Array(buffer, this.#at.seed, SEED_BYTES);
    const block = new Uint8Array(buffer, this.#at.block, BLOCK_BYTES);
    const out = new Uint8Array(data.length);
    let skip = offset % BLOCK_BYTES;
    let number = (offset - skip) / BLOCK_BYTES;
    for (let done = 0; done < data.length; number++, skip = 0) {
      const count = Math.min(BLOCK_BYTES - skip, data.length - done);
      const info = new ByteWriter().raw(utf8('block')).u64(number).finish();
      seed.set(expand(sha256, key, info, SEED_BYTES));
      block.set(data.subarray(done, done + count), skip);
      this.#kernels.logisticXor(this.#at.seed, this.#at.block, skip + count);
      out.set(block.subarray(skip, skip + count), done);
      done += count;
    }
    // Neither the seed nor plaintext stays behind.
    seed.fill(0);
    block.fill(0, 0, Math.min(BLOCK_BYTES, (offset % BLOCK_BYTES) + data.length));
    return out;
  }
}
