/**
 * Search over f32 vectors by inner product: largest first.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { rowBytesOf } from '../base/stored-vector.ts';
import type { KernelSource } from '../wasm/scan-team.ts';
import { RowStore } from './row-store.ts';
import { assertCandidates, clampK, type TopK } from './top-k.ts';

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
   * @param source - Compiled kernels, or the threads that scan.
   * @param dims - Numbers per vector.
   * @param memoryBytes - Most bytes of one WASM memory; a table has as many as it needs. Default: 4 GiB.
   * @throws If `dims` is no positive integer. {@link RangeError}
   */
  constructor(source: KernelSource, dims: number, memoryBytes?: number) {
    assertInteger(dims, 'dims', 1, MAX_DIMS);
    this.dims = dims;
    // Rows are padded with zeros to whole lanes.
    const rowBytes = rowBytesOf('f32', dims);
    this.#rows = new RowStore(source, { rowBytes, headBytes: rowBytes, memoryBytes });
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
   * @throws On part of a vector, or more than memory holds. {@link RangeError}
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
   * Appends `count` vectors that the caller fills in, each as `rowBytesOf` has it, before anything else is asked of the table.
   * @returns Their bytes, in order. Views.
   * @throws On more than memory holds. {@link RangeError}
   */
  reserve(count: number): Uint8Array[] {
    return this.rows(this.#rows.extend(count), count);
  }

  /** Bytes of `count` vectors from `first` on, in order. Views, stale after the next call. */
  rows(first: number, count: number): Uint8Array[] {
    return Array.from(this.#rows.pieces(first, count), ({ bytes }) => bytes);
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
    const { rowBytes } = this.#rows;
    return this.#rows.top({
      k: clampK(k, candidates?.length ?? this.count),
      candidates,
      kernel: 'innerProductTop',
      enter({ kernels, head }) {
        const padded = new Float32Array(kernels.memory.buffer, head, rowBytes / 4);
        padded.fill(0, query.length);
        padded.set(query);
      },
      argumentsOf: ({ head }, { rows, candidates, count, k, block, scores, indices }) => [
        ...[head, rows, candidates, count, rowBytes / 4],
        ...[k, block, scores, indices],
      ],
    })[0]!;
  }

  /**
   * {@link top} of several queries, in one pass over all vectors: where these come from memory and not from a cache, most of the time is their way.
   * @param queries - f32[dims] each.
   * @returns One answer a query: those of {@link top}, to the bit.
   * @throws As {@link top}.
   */
  topMany(queries: readonly Float32Array[], k: number): TopK[] {
    for (const query of queries) assertFloats(query, 'query', this.dims);
    const wanted = clampK(k, this.count);
    if (queries.length < 2) return queries.map((query) => this.top(query, k));
    const { rowBytes } = this.#rows;
    const padded = new Float32Array((queries.length * rowBytes) / 4);
    queries.forEach((query, q) => padded.set(query, (q * rowBytes) / 4));
    return this.#rows.top({
      k: wanted,
      queries: queries.length,
      kernel: 'innerProductTopMany',
      extraBytes: padded.byteLength,
      enter: ({ kernels, extra }) => new Float32Array(kernels.memory.buffer, extra).set(padded),
      argumentsOf: ({ extra }, { rows, count, k, listBytes, block, scores, indices, found }) => [
        ...[extra, queries.length, rows, count, rowBytes / 4],
        ...[k, listBytes, block, scores, indices, found],
      ],
    });
  }

  /** Lets go of the memory. The table is not used again. */
  close(): void {
    this.#rows.close();
  }

  #write(first: number, rows: Float32Array, count: number): void {
    const stride = this.#rows.rowBytes / 4;
    let from = 0;
    for (const { bytes, count: here } of this.#rows.pieces(first, count)) {
      const view = new Float32Array(bytes.buffer, bytes.byteOffset, here * stride);
      const piece = rows.subarray(from * this.dims, (from + here) * this.dims);
      from += here;
      if (stride === this.dims) view.set(piece);
      else
        for (let i = 0; i < here; i++) {
          view.set(piece.subarray(i * this.dims, (i + 1) * this.dims), i * stride);
          view.fill(0, i * stride + this.dims, (i + 1) * stride);
        }
    }
  }
}
