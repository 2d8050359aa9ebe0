/**
 * Search over int8 vectors, each with a scale of its own, by inner product with an f32 query: largest first.
 *
 * The query is rounded to 16-bit integers, of a size at which the sums fit 32 bits. At 1730 numbers that is 9,600 steps each way: its
 * rounding is far below that of the vectors.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { SCALE_BYTES, dimsOf, rowBytesOf, setScale } from '../base/stored-vector.ts';
import type { KernelSource } from '../wasm/scan-team.ts';
import { RowStore } from './row-store.ts';
import { MAX_DIMS } from './vector-table.ts';
import { assertCandidates, clampK, type TopK } from './top-k.ts';

const MOST_SUM = 2 ** 31 - 1;

/**
 * A growing table of equal-length int8 vectors.
 * @example
 * ```ts
 * const table = new Int8Table(module, 512);
 * table.append(rows); // i8[516 * n]: 512 numbers, and the four bytes of their scale
 * const { indices, scores } = table.top(query, 10);
 * ```
 */
export class Int8Table {
  readonly dims: number;
  readonly #rows: RowStore;
  /** Numbers of a row with its padding: whole lanes. */
  readonly #stride: number;

  /**
   * @param source - Compiled kernels, or the threads that scan.
   * @param dims - Numbers per vector.
   * @param memoryBytes - Most bytes of one WASM memory; a table has as many as it needs. Default: 4 GiB.
   * @throws If `dims` is no positive integer. {@link RangeError}
   */
  constructor(source: KernelSource, dims: number, memoryBytes?: number) {
    assertInteger(dims, 'dims', 1, MAX_DIMS);
    this.dims = dims;
    this.#stride = 8 * Math.ceil(dims / 8);
    this.#rows = new RowStore(source, {
      rowBytes: rowBytesOf('int8', dims),
      headBytes: 2 * this.#stride,
      memoryBytes,
    });
  }

  /** Vectors held. */
  get count(): number {
    return this.#rows.count;
  }

  /**
   * Appends vectors.
   * @param rows - i8[n * (dims + 4)]: the numbers of a vector, and the bytes of its scale, as `StoredVector` has them. Copied.
   * @returns Index of the first one.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On part of a vector, or more than memory holds. {@link RangeError}
   */
  append(rows: Int8Array): number {
    assertInt8(rows, 'rows');
    const entries = this.dims + SCALE_BYTES;
    if (rows.length % entries !== 0)
      throw new RangeError(`"rows" expected multiple of ${entries} bytes, got ${rows.length}`);
    const count = rows.length / entries;
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
  replace(index: number, row: Int8Array): void {
    assertInteger(index, 'index', 0, this.count - 1);
    assertInt8(row, 'row');
    if (dimsOf(row) !== this.dims)
      throw new RangeError(`"row" expected ${this.dims + SCALE_BYTES} bytes, got ${row.length}`);
    this.#write(index, row, 1);
  }

  /**
   * Takes one vector out of every search. Its row stays.
   * @throws On an index out of range. {@link RangeError}
   */
  hide(index: number): void {
    const nothing = new Int8Array(this.dims + SCALE_BYTES);
    // A product with NaN is never found.
    setScale(nothing, NaN);
    this.replace(index, nothing);
  }

  /**
   * The k vectors with the largest inner products with `query`. A vector whose scale is NaN is never found.
   * @param query - f32[dims], finite.
   * @param k - At least 1. Fewer vectors give a shorter answer.
   * @param candidates - Look at these vectors only; distinct indices.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a query of another length or with a number that is not finite, k below 1, or a candidate that is not there. {@link RangeError}
   */
  top(query: Float32Array, k: number, candidates?: Uint32Array): TopK {
    assertFloats(query, 'query', this.dims);
    if (!query.every(Number.isFinite)) throw new RangeError('"query" expected finite numbers, got others');
    if (candidates !== undefined) assertCandidates(candidates, this.count);
    const [integers, step] = this.#integers(query);
    const [found] = this.#rows.top({
      k: clampK(k, candidates?.length ?? this.count),
      candidates,
      kernel: 'int8ProductTop',
      enter: ({ kernels, head }) => new Int16Array(kernels.memory.buffer, head, this.#stride).set(integers),
      argumentsOf: ({ head }, { rows, candidates, count, k, block, scores, indices }) => [
        ...[head, rows, candidates, count, this.#stride],
        ...[k, block, scores, indices],
      ],
    });
    return { indices: found!.indices, scores: found!.scores.map((score) => score * step) };
  }

  /** Lets go of the memory. The table is not used again. */
  close(): void {
    this.#rows.close();
  }

  /** The query as integers, zeros after it, and what 1 of them stands for. */
  #integers(query: Float32Array): [Int16Array, number] {
    const largest = query.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
    const steps = Math.min(32767, Math.floor(MOST_SUM / (128 * this.dims)));
    const integers = new Int16Array(this.#stride);
    if (largest > 0) query.forEach((number, i) => (integers[i] = Math.round((number / largest) * steps)));
    return [integers, largest / steps];
  }

  #write(first: number, rows: Int8Array, count: number): void {
    const source = new Uint8Array(rows.buffer, rows.byteOffset, rows.length);
    const { rowBytes } = this.#rows;
    const entries = this.dims + SCALE_BYTES;
    let from = 0;
    for (const { bytes, count: here } of this.#rows.pieces(first, count))
      for (let i = 0; i < here; i++, from += entries) {
        const row = bytes.subarray(i * rowBytes, (i + 1) * rowBytes);
        row.fill(0, this.dims);
        row.set(source.subarray(from, from + this.dims));
        row.set(source.subarray(from + this.dims, from + entries), this.#stride);
      }
  }
}

function assertInt8(value: Int8Array, name: string): void {
  if (!(value instanceof Int8Array)) throw new TypeError(`"${name}" expected Int8Array, got ${typeof value}`);
}
