/**
 * From a descriptor to one block of the fused code: as real numbers, or as bits.
 *
 * The matrix is copied into WASM memory once. Sums have a fixed order, so every engine gives the same bits.
 * @module
 */
import { assertFloats } from '../base/assert.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';
import type { Block } from './block.ts';

/**
 * The projection of one block.
 * @example
 * ```ts
 * const projection = new Projection(module, block);
 * const values = projection.project(descriptor); // f32[block.bits], for the query
 * const code = projection.binarise(descriptor); // u8[block.bits / 8], to be stored
 * ```
 */
export class Projection {
  readonly dims: number;
  readonly bits: number;
  readonly #kernels: Kernels;
  readonly #normalise: number;
  readonly #at: Record<'x' | 'mean' | 'offset' | 'out' | 'code' | 'matrix', number>;
  readonly #padded: number;

  /**
   * @param module - Compiled kernels.
   * @param block - Copied.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On arrays whose lengths do not fit together. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, block: Block) {
    const { dims, bits } = block;
    assertFloats(block.mean, 'mean', dims);
    assertFloats(block.matrix, 'matrix', bits * dims);
    assertFloats(block.offset, 'offset', bits);
    this.dims = dims;
    this.bits = bits;
    this.#normalise = block.normalise ? 1 : 0;
    this.#kernels = instantiateKernels(module);
    // Rows are padded with zeros to whole lanes.
    const padded = 4 * Math.ceil(dims / 4);
    this.#padded = padded;
    this.#at = layOut(this.#kernels, {
      x: 4 * padded,
      mean: 4 * padded,
      offset: 4 * bits,
      out: 4 * bits,
      code: Math.ceil(bits / 8),
      matrix: 4 * padded * bits,
    });
    const { buffer } = this.#kernels.memory;
    new Float32Array(buffer, this.#at.mean, dims).set(block.mean);
    new Float32Array(buffer, this.#at.offset, bits).set(block.offset);
    const matrix = new Float32Array(buffer, this.#at.matrix, padded * bits);
    for (let row = 0; row < bits; row++) matrix.set(block.matrix.subarray(row * dims, (row + 1) * dims), row * padded);
  }

  /**
   * `matrix * pre(x) - offset`. A vector of zeros has no direction: normalising leaves it as it is.
   * @param x - f32[dims].
   * @returns A new array, f32[bits].
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a descriptor of another length. {@link RangeError}
   */
  project(x: Float32Array): Float32Array<ArrayBuffer> {
    this.#run(x);
    return new Float32Array(this.#kernels.memory.buffer, this.#at.out, this.bits).slice();
  }

  /**
   * The signs of {@link Projection.project}, packed LSB first, `sign(0) = +1`.
   * @param x - f32[dims].
   * @returns A new array, u8[bits / 8].
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a descriptor of another length. {@link RangeError}
   */
  binarise(x: Float32Array): Uint8Array<ArrayBuffer> {
    this.#run(x);
    this.#kernels.packSigns(this.#at.out, this.bits, this.#at.code);
    return new Uint8Array(this.#kernels.memory.buffer, this.#at.code, Math.ceil(this.bits / 8)).slice();
  }

  #run(x: Float32Array): void {
    assertFloats(x, 'x', this.dims);
    const at = this.#at;
    new Float32Array(this.#kernels.memory.buffer, at.x, this.dims).set(x);
    this.#kernels.centre(at.x, at.mean, this.dims, this.#normalise);
    this.#kernels.project(at.matrix, at.x, at.offset, this.bits, this.#padded, at.out);
  }
}
