/**
 * Random orthogonal matrices, kept as the reflections they are products of (Stewart, SIAM J. Numer. Anal. 17(3), 1980), and applied to
 * vectors by the kernels. `side * (side + 1) / 2` numbers a matrix, and no product is ever written out.
 *
 * From u32 words: for k = side, side-1, .., 2 draw `x[i] = (2 word + 1) * 2^-32 - 1` for i = 0..k-1; `norm = sqrt(sum x[i]^2)`; `x[0] += norm`, or `-= norm`
 * where `x[0] < 0`; then v = x scaled by `1 / sqrt(norm * |x[0]|)`, with the new x[0], so that `v . v = 2`. `H_k y = y - v (v . y)` on the last k entries of y,
 * and `Q^T y = H_2 ( .. H_side y)`.
 * @module
 */
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';
import { wipe } from './wipe.ts';

/** Words that one matrix is drawn from. */
export function reflectionWords(side: number): number {
  return (side * (side + 1)) / 2 - 1;
}

/** Some orthogonal matrices of one side, in WASM memory. */
export class Reflections {
  readonly #kernels: Kernels;
  readonly #side: number;
  readonly #at: Record<string, number>;
  readonly #vectors: readonly Float64Array[];
  readonly #rows: Float64Array;

  /**
   * @param module - Compiled kernels.
   * @param side - Rows and columns of a matrix.
   * @param batch - Most vectors of one call.
   * @param names - A name for each matrix.
   * @param draw - The words that a matrix is drawn from: u32[reflectionWords(side)], zeroed after use.
   */
  constructor(
    module: WebAssembly.Module,
    side: number,
    batch: number,
    names: readonly string[],
    draw: (name: string) => Uint32Array,
  ) {
    this.#kernels = instantiateKernels(module);
    this.#side = side;
    const count = reflectionWords(side);
    const sizes: Record<string, number> = {};
    for (const name of names) sizes[name] = 8 * count;
    this.#at = layOut(this.#kernels, { ...sizes, rows: 8 * batch * side });
    const { buffer } = this.#kernels.memory;
    this.#rows = new Float64Array(buffer, this.#at['rows']!, batch * side);
    this.#vectors = names.map((name) => {
      const words = draw(name);
      const vectors = new Float64Array(buffer, this.#at[name]!, count);
      vectorsFrom(words, side, vectors);
      words.fill(0);
      return vectors;
    });
  }

  /**
   * `Q^T y` for each of `count` vectors, in place.
   * @param rows - f64[count * side].
   */
  apply(name: string, rows: Float64Array, count: number): void {
    const used = rows.subarray(0, count * this.#side);
    this.#rows.set(used);
    this.#kernels.reflectRows(this.#at[name]!, this.#at['rows']!, count, this.#side);
    used.set(this.#rows.subarray(0, used.length));
    this.#rows.fill(0, 0, used.length);
  }

  /** Overwrites the matrices. */
  wipe(): void {
    wipe(...this.#vectors);
  }
}

function vectorsFrom(words: Uint32Array, side: number, out: Float64Array): void {
  for (let k = side, at = 0; k >= 2; at += k, k--) {
    let sum = 0;
    for (let i = at; i < at + k; i++) {
      const entry = (2 * words[i]! + 1) * 2 ** -32 - 1;
      out[i] = entry;
      sum += entry * entry;
    }
    const norm = Math.sqrt(sum);
    out[at]! += out[at]! < 0 ? -norm : norm;
    const scale = 1 / Math.sqrt(norm * Math.abs(out[at]!));
    for (let i = at; i < at + k; i++) out[i]! *= scale;
  }
}
