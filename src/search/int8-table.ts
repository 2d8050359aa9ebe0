/**
 * Search over int8 vectors, each with a scale of its own, by inner product with an f32 query: largest first.
 *
 * The query is rounded to 16-bit integers, of a size at which the sums fit 32 bits. At 1730 numbers that is 9,600 steps each way: its
 * rounding is far below that of the vectors.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { SCALE_BYTES, dimsOf, setScale } from '../base/stored-vector.ts';
import { RowStore } from './row-store.ts';
import { MAX_DIMS } from './vector-table.ts';
import { assertCandidates, clampK, takeTop, topRegions, type TopK } from './top-k.ts';

/** `TAIL_BYTES` of `assembly/int8-product.ts`. */
const TAIL_BYTES = 8;
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
   * @param module - Compiled kernels.
   * @param dims - Numbers per vector.
   * @throws If `dims` is no positive integer. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, dims: number) {
    assertInteger(dims, 'dims', 1, MAX_DIMS);
    this.dims = dims;
    this.#stride = 8 * Math.ceil(dims / 8);
    this.#rows = new RowStore(module, this.#stride + TAIL_BYTES, 2 * this.#stride);
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
   * @throws On part of a vector, or more than one memory holds. {@link RangeError}
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
    const count = candidates?.length ?? this.count;
    const wanted = clampK(k, count);
    const at = this.#rows.place({ ...topRegions(wanted), candidates: 4 * (candidates?.length ?? 0) });
    const { kernels } = this.#rows;
    const step = this.#enter(query, new Int16Array(kernels.memory.buffer, at.head, this.#stride));
    if (candidates !== undefined) new Uint32Array(kernels.memory.buffer, at.candidates, count).set(candidates);
    const found = kernels.int8ProductTop(
      at.head,
      at.rows,
      candidates === undefined ? 0 : at.candidates,
      count,
      this.#stride,
      wanted,
      at.block,
      at.scores,
      at.indices,
    );
    const { indices, scores } = takeTop(kernels.memory, at, found);
    return { indices, scores: scores.map((score) => score * step) };
  }

  /** Writes the query as integers. @returns What 1 of them stands for. */
  #enter(query: Float32Array, head: Int16Array): number {
    const largest = query.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
    const steps = Math.min(32767, Math.floor(MOST_SUM / (128 * this.dims)));
    const step = largest / steps;
    head.fill(0);
    if (largest > 0) query.forEach((number, i) => (head[i] = Math.round((number / largest) * steps)));
    return step;
  }

  #write(first: number, rows: Int8Array, count: number): void {
    const view = this.#rows.view(first, count);
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.length);
    const { rowBytes } = this.#rows;
    const entries = this.dims + SCALE_BYTES;
    for (let i = 0; i < count; i++) {
      const row = view.subarray(i * rowBytes, (i + 1) * rowBytes);
      row.fill(0, this.dims);
      row.set(bytes.subarray(i * entries, i * entries + this.dims));
      row.set(bytes.subarray(i * entries + this.dims, (i + 1) * entries), this.#stride);
    }
  }
}

function assertInt8(value: Int8Array, name: string): void {
  if (!(value instanceof Int8Array)) throw new TypeError(`"${name}" expected Int8Array, got ${typeof value}`);
}
