/**
 * Bits sampled from codes at fixed positions, for the tables of locality-sensitive hashing (SCHEME.md 3).
 * @module
 */
import { MAX_CODE_BYTES, assertBytes, assertInteger } from '../base/assert.ts';
import { instantiateKernels, layOut, type Kernels } from './kernels.ts';

/** Gathers the same samples from every code it is given. */
export class BitSampler {
  readonly codeBytes: number;
  readonly sampleBits: number;
  readonly sampleCount: number;
  readonly #kernels: Kernels;
  readonly #at: Record<'code' | 'positions' | 'out', number>;
  readonly #outBytes: number;

  /**
   * @param module - Compiled kernels.
   * @param codeBytes - Bytes per code, at most 128.
   * @param positions - u32[sampleCount * sampleBits], bit numbers. Copied.
   * @param sampleBits - Bits per sample.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a position outside the code, or part of a sample. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, codeBytes: number, positions: Uint32Array, sampleBits: number) {
    assertInteger(codeBytes, 'codeBytes', 1, MAX_CODE_BYTES);
    assertInteger(sampleBits, 'sampleBits', 1, 8 * codeBytes);
    if (!(positions instanceof Uint32Array))
      throw new TypeError(`"positions" expected Uint32Array, got ${typeof positions}`);
    if (positions.length % sampleBits !== 0)
      throw new RangeError(`"positions" expected multiple of ${sampleBits} numbers, got ${positions.length}`);
    for (const position of positions)
      if (position >= 8 * codeBytes)
        throw new RangeError(`"positions" expected bits below ${8 * codeBytes}, got ${position}`);
    this.codeBytes = codeBytes;
    this.sampleBits = sampleBits;
    this.sampleCount = positions.length / sampleBits;
    this.#outBytes = this.sampleCount * Math.ceil(sampleBits / 8);
    this.#kernels = instantiateKernels(module);
    this.#at = layOut(this.#kernels, { code: codeBytes, positions: positions.byteLength, out: this.#outBytes });
    new Uint32Array(this.#kernels.memory.buffer, this.#at.positions, positions.length).set(positions);
  }

  /**
   * The samples of one code, one after another, each packed LSB first and zero-padded to whole bytes.
   * @param code - `codeBytes` bytes.
   * @returns u8[sampleCount * ceil(sampleBits / 8)].
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a code of another length. {@link RangeError}
   */
  sample(code: Uint8Array): Uint8Array<ArrayBuffer> {
    assertBytes(code, 'code', this.codeBytes);
    const { buffer } = this.#kernels.memory;
    const at = this.#at;
    new Uint8Array(buffer, at.code, this.codeBytes).set(code);
    this.#kernels.gatherBits(at.code, at.positions, this.sampleCount, this.sampleBits, at.out);
    return new Uint8Array(buffer, at.out, this.#outBytes).slice();
  }
}
