/**
 * A growing table of equal-length rows in WASM memory, and the scratch of one search behind it.
 *
 * The rows lie right after a fixed head, so growing moves nothing: scratch is laid out anew, behind the rows, by
 * every search. One table fills at most one memory of 4 GiB.
 * @module
 */
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';

const MAX_BYTES = 2 ** 32;
// Left free for the head and the scratch of searches.
const RESERVED_BYTES = 2 ** 26;

/** Rows of `rowBytes` bytes each. Checks nothing: the tables built on it do. */
export class RowStore {
  readonly kernels: Kernels;
  readonly rowBytes: number;
  readonly #headBytes: number;
  #count = 0;
  #capacity = 0;

  /**
   * @param module - Compiled kernels.
   * @param rowBytes - Bytes per row, a multiple of 8.
   * @param headBytes - Bytes kept before the rows, for the query.
   */
  constructor(module: WebAssembly.Module, rowBytes: number, headBytes: number) {
    this.kernels = instantiateKernels(module);
    this.rowBytes = rowBytes;
    this.#headBytes = headBytes;
    this.place({});
  }

  /** Rows held. */
  get count(): number {
    return this.#count;
  }

  /** Lays out `head`, `rows` and the scratch named. Views of the memory taken before are stale. */
  place<Region extends string>(scratch: Record<Region, number>): Record<Region | 'head' | 'rows', number> {
    const sizes = { head: this.#headBytes, rows: this.#capacity * this.rowBytes, ...scratch };
    return layOut(this.kernels, sizes as Record<Region | 'head' | 'rows', number>);
  }

  /**
   * Makes room for `more` rows, by half of what is there or more, and counts them in. They hold whatever lay there.
   * @returns Number of the first one.
   * @throws When one memory cannot hold them. {@link RangeError}
   */
  extend(more: number): number {
    const first = this.#count;
    const limit = Math.floor((MAX_BYTES - RESERVED_BYTES) / this.rowBytes);
    if (first + more > limit)
      throw new RangeError(`"rows" expected at most ${limit} in one table, got ${first + more}`);
    if (first + more > this.#capacity) {
      this.#capacity = Math.min(limit, Math.max(first + more, Math.ceil(1.5 * this.#capacity)));
      this.place({});
    }
    this.#count += more;
    return first;
  }

  /** Bytes of `count` rows from row `first`. A view, stale after the next call that grows memory. */
  view(first: number, count: number): Uint8Array {
    return new Uint8Array(
      this.kernels.memory.buffer,
      this.place({}).rows + first * this.rowBytes,
      count * this.rowBytes,
    );
  }

  /**
   * Takes a row out: the last row moves into its place.
   * @returns The number the moved row had, equal to `index` when it was the last one itself.
   */
  remove(index: number): number {
    const last = this.#count - 1;
    if (index !== last) this.view(index, 1).set(this.view(last, 1));
    this.#count = last;
    return last;
  }
}
