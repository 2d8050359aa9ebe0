/**
 * Search over binary codes by a real-valued query: `score = sum_i query[i] * (bit_i ? +1 : -1)`.
 *
 * Weights of features are folded into the query (SCHEME.md 2.1), so stored codes never change. Codes lie in blocks of 16, byte by byte, as
 * `assembly/asymmetric.ts` wants them.
 * @module
 */
import { assertBytes, assertCodes, assertFloats, assertInteger } from '../base/assert.ts';
import { NIBBLE_BYTES, nibbleBounds } from './nibble-bounds.ts';
import { RowStore } from './row-store.ts';
import { assertCandidates, clampK, takeTop, topRegions, type TopK } from './top-k.ts';

/** `CODES` of `assembly/asymmetric.ts`. */
const BLOCK_CODES = 16;
// Fewer codes are scored before their bounds are worked out.
const LEAST_BOUNDED = 2048;

/**
 * A growing table of equal-length binary codes.
 * @example
 * ```ts
 * const table = new AsymmetricTable(module, 32);
 * table.add(codes);
 * const { indices, scores } = table.top(query, 10); // query: f32[256]
 * ```
 */
export class AsymmetricTable {
  readonly codeBytes: number;
  /** A row is a block of codes. */
  readonly #rows: RowStore;
  #count = 0;

  /**
   * @param module - Compiled kernels.
   * @param codeBytes - Bytes per code: a multiple of 8, at most 128.
   * @throws If `codeBytes` is no such multiple. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, codeBytes: number) {
    assertCodes(new Uint8Array(0), codeBytes);
    this.codeBytes = codeBytes;
    // The query and its tables of 256 entries per byte.
    this.#rows = new RowStore(module, BLOCK_CODES * codeBytes, 32 * codeBytes + 1024 * codeBytes);
  }

  /** Codes held. */
  get count(): number {
    return this.#count;
  }

  /**
   * Appends codes.
   * @param codes - A whole number of codes, one after another. Copied.
   * @returns Index of the first one.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On part of a code, or more than one memory holds. {@link RangeError}
   */
  add(codes: Uint8Array): number {
    const more = assertCodes(codes, this.codeBytes);
    const first = this.#count;
    const blocks = Math.ceil((first + more) / BLOCK_CODES);
    if (blocks > this.#rows.count) this.#rows.extend(blocks - this.#rows.count);
    this.#count += more;
    const view = this.#rows.view(0, this.#rows.count);
    for (let i = 0, from = 0; i < more; i++)
      for (let at = this.#placeOf(first + i), b = 0; b < this.codeBytes; b++, at += BLOCK_CODES)
        view[at] = codes[from++]!;
    return first;
  }

  /**
   * Replaces one code.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On an index or length out of range. {@link RangeError}
   */
  set(index: number, code: Uint8Array): void {
    assertInteger(index, 'index', 0, this.count - 1);
    assertBytes(code, 'code', this.codeBytes);
    const view = this.#rows.view(0, this.#rows.count);
    const place = this.#placeOf(index);
    for (let b = 0; b < this.codeBytes; b++) view[place + BLOCK_CODES * b] = code[b]!;
  }

  /**
   * Takes one code out. The last code moves into its place, so the table stays without gaps.
   * @returns Index the moved code had: the code that was there is now at `index`. Equal to `index` when the last one
   *   itself was taken out.
   * @throws On an index out of range. {@link RangeError}
   */
  remove(index: number): number {
    assertInteger(index, 'index', 0, this.count - 1);
    const last = --this.#count;
    const view = this.#rows.view(0, this.#rows.count);
    const [place, from] = [this.#placeOf(index), this.#placeOf(last)];
    for (let at = 0; at < BLOCK_CODES * this.codeBytes; at += BLOCK_CODES) view[place + at] = view[from + at]!;
    return last;
  }

  /** Where byte 0 of a code is, from the first block on; byte b is `BLOCK_CODES * b` after it. */
  #placeOf(index: number): number {
    return (index - (index % BLOCK_CODES)) * this.codeBytes + (index % BLOCK_CODES);
  }

  /**
   * Score of every code, in table order.
   * @param query - f32[8 * codeBytes].
   * @returns A new array.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a query of another length. {@link RangeError}
   */
  scores(query: Float32Array): Float32Array<ArrayBuffer> {
    const at = this.#enter(query, { out: 4 * this.count });
    const { kernels } = this.#rows;
    kernels.asymmetricScores(at.tables, at.rows, 0, this.#count, this.codeBytes, at.out);
    return new Float32Array(kernels.memory.buffer, at.out, this.#count).slice();
  }

  /**
   * The k codes with the largest scores.
   * @param query - f32[8 * codeBytes].
   * @param k - At least 1. Fewer codes give a shorter answer.
   * @param candidates - Look at these codes only; distinct indices.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a query of another length, k below 1, or a candidate that is not there. {@link RangeError}
   */
  top(query: Float32Array, k: number, candidates?: Uint32Array): TopK {
    if (candidates !== undefined) assertCandidates(candidates, this.count);
    const count = candidates?.length ?? this.count;
    const wanted = clampK(k, count);
    const at = this.#enter(query, {
      ...topRegions(wanted),
      candidates: 4 * (candidates?.length ?? 0),
      nibbles: NIBBLE_BYTES * this.codeBytes,
    });
    const { kernels } = this.#rows;
    const { tables, rows, block, scores, indices } = at;
    const bounds = candidates === undefined && count >= LEAST_BOUNDED ? nibbleBounds(query) : undefined;
    if (bounds !== undefined) {
      const { steps, offset, step } = bounds;
      new Uint8Array(kernels.memory.buffer, at.nibbles, steps.length).set(steps);
      const found = kernels.asymmetricTopBounded(
        tables,
        at.nibbles,
        offset,
        step,
        rows,
        count,
        this.codeBytes,
        wanted,
        block,
        scores,
        indices,
      );
      return takeTop(kernels.memory, at, found);
    }
    if (candidates !== undefined) new Uint32Array(kernels.memory.buffer, at.candidates, count).set(candidates);
    const chosen = candidates === undefined ? 0 : at.candidates;
    const found = kernels.asymmetricTop(tables, rows, chosen, count, this.codeBytes, wanted, block, scores, indices);
    return takeTop(kernels.memory, at, found);
  }

  /** Copies the query in and unfolds it. */
  #enter<Region extends string>(
    query: Float32Array,
    scratch: Record<Region, number>,
  ): Record<Region | 'tables' | 'rows', number> {
    assertFloats(query, 'query', 8 * this.codeBytes);
    const at = this.#rows.place(scratch);
    const { kernels } = this.#rows;
    new Float32Array(kernels.memory.buffer, at.head, query.length).set(query);
    const tables = at.head + 32 * this.codeBytes;
    kernels.asymmetricTables(at.head, this.codeBytes, tables);
    return { ...at, tables };
  }
}
