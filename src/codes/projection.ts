/**
 * Descriptor -> real vector before binarisation: `v = M * pre(x) - offset`.
 * @module
 */
import { assertFloats } from '../base/assert.ts';
import type { Block } from './block.ts';

/** The projection of one block. */
export class Projection {
  readonly #block: Block;

  /**
   * @param _module - Compiled kernels.
   * @param block - Its parameters.
   */
  constructor(_module: WebAssembly.Module, block: Block) {
    this.#block = block;
  }

  /**
   * @param descriptor - f32[dims]
   * @returns f32[bits], new.
   */
  project(descriptor: Float32Array): Float32Array<ArrayBuffer> {
    const { dims, bits, normalise, mean, matrix, offset } = this.#block;
    assertFloats(descriptor, 'descriptor', dims);
    const x = Float32Array.from(descriptor);
    if (normalise) normaliseL2(x);
    for (let i = 0; i < dims; i++) x[i]! -= mean[i]!;
    if (normalise) normaliseL2(x);
    const out = new Float32Array(bits);
    for (let row = 0, at = 0; row < bits; row++) {
      let sum = 0;
      for (let i = 0; i < dims; i++, at++) sum += matrix[at]! * x[i]!;
      out[row] = sum - offset[row]!;
    }
    return out;
  }
}

function normaliseL2(x: Float32Array): void {
  let sum = 0;
  for (const value of x) sum += value * value;
  if (sum === 0) return;
  const scale = 1 / Math.sqrt(sum);
  for (let i = 0; i < x.length; i++) x[i]! *= scale;
}
