/**
 * Search over f32 vectors by inner product: largest first.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { RowStore } from './row-store.ts';
import { assertCandidates, clampK, takeTop, topRegions, type TopK } from './top-k.ts';

/** Longest vector. */
export const MAX_DIMS = 65536;

/**
 * A growing table of equal-length vectors.
 * @example
 * ```ts
 * const table = new VectorTable(module, 512);
 * table.append(rows);
 * const { indices, scores } = table.top(query, 10);
 * ```
 */
export class VectorTable {
  readonly dims: number;
  readonly #rows: RowStore;

  /**
   * @param module - Compiled kernels.
   * @param dims - Numbers per vector.
   * @throws If `dims` is no positive integer. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, dims: number) {
    assertInteger(dims, 'dims', 1, MAX_DIMS);
    this.dims = dims;
    // Rows are padded with zeros to whole lanes.
    const rowBytes = 16 * Math.ceil(dims / 4);
    this.#rows = new RowStore(module, rowBytes, rowBytes);
  }

  /** Vectors held. */
  get count(): number {
    return this.#rows.count;
  }

  /**
   * Appends vectors.
   * @param rows - f32[n * dims], one vector after another. Copied.
   * @returns Index of the first one.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On part of a vector, or more than one memory holds. {@link RangeError}
   */
  append(rows: Float32Array): number {
    assertFloats(rows, 'rows');
    if (rows.length % this.dims !== 0)
      throw new RangeError(`"rows" expected multiple of ${this.dims} numbers, got ${rows.length}`);
    const count = rows.length / this.dims;
    const first = this.#rows.extend(count);
    this.#write(first, rows, count);
    return first;
  }

  /**
   * Replaces one vector.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On an index or length out of range. {@link RangeError}
   */
  replace(index: number, row: Float32Array): void {
    assertInteger(index, 'index', 0, this.count - 1);
    assertFloats(row, 'row', this.dims);
    this.#write(index, row, 1);
  }

  /**
   * Takes one vector out of every search. Its row stays.
   * @throws On an index out of range. {@link RangeError}
   */
  hide(index: number): void {
    // A product with NaN is never found.
    this.replace(index, new Float32Array(this.dims).fill(NaN));
  }

  /**
   * Takes one vector out. The last vector moves into its place, so the table stays without gaps.
   * @returns Index the moved vector had: the vector that was there is now at `index`. Equal to `index` when the last
   *   one itself was taken out.
   * @throws On an index out of range. {@link RangeError}
   */
  remove(index: number): number {
    assertInteger(index, 'index', 0, this.count - 1);
    return this.#rows.remove(index);
  }

  /**
   * The k vectors with the largest inner products with `query`. A vector whose product is NaN is never found.
   * @param query - f32[dims].
   * @param k - At least 1. Fewer vectors give a shorter answer.
   * @param candidates - Look at these vectors only; distinct indices.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a query of another length, k below 1, or a candidate that is not there. {@link RangeError}
   */
  top(query: Float32Array, k: number, candidates?: Uint32Array): TopK {
    assertFloats(query, 'query', this.dims);
    if (candidates !== undefined) assertCandidates(candidates, this.count);
    const count = candidates?.length ?? this.count;
    const wanted = clampK(k, count);
    const at = this.#rows.place({ ...topRegions(wanted), candidates: 4 * (candidates?.length ?? 0) });
    const { kernels, rowBytes } = this.#rows;
    const head = new Float32Array(kernels.memory.buffer, at.head, rowBytes / 4);
    head.fill(0, this.dims);
    head.set(query);
    if (candidates !== undefined) new Uint32Array(kernels.memory.buffer, at.candidates, count).set(candidates);
    const found = kernels.innerProductTop(
      at.head,
      at.rows,
      candidates === undefined ? 0 : at.candidates,
      count,
      rowBytes / 4,
      wanted,
      at.block,
      at.scores,
      at.indices,
    );
    return takeTop(kernels.memory, at, found);
  }

  #write(first: number, rows: Float32Array, count: number): void {
    const bytes = this.#rows.view(first, count);
    const stride = this.#rows.rowBytes / 4;
    const view = new Float32Array(bytes.buffer, bytes.byteOffset, count * stride);
    if (stride === this.dims) {
      view.set(rows);
      return;
    }
    for (let i = 0; i < count; i++) {
      view.set(rows.subarray(i * this.dims, (i + 1) * this.dims), i * stride);
      view.fill(0, i * stride + this.dims, (i + 1) * stride);
    }
  }
}
