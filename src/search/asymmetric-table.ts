/**
 * Search over binary codes by a real-valued query: `score = sum_i query[i] * (bit_i ? +1 : -1)`.
 *
 * Weights of features are folded into the query (SCHEME.md 2.1), so stored codes never change.
 * @module
 */
import { assertBytes, assertCodes, assertFloats, assertInteger } from '../base/assert.ts';
import { RowStore } from './row-store.ts';
import { assertCandidates, clampK, takeTop, topRegions, type TopK } from './top-k.ts';

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
  readonly #rows: RowStore;

  /**
   * @param module - Compiled kernels.
   * @param codeBytes - Bytes per code: a multiple of 8, at most 128.
   * @throws If `codeBytes` is no such multiple. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, codeBytes: number) {
    assertCodes(new Uint8Array(0), codeBytes);
    this.codeBytes = codeBytes;
    // The query and its tables of 256 entries per byte.
    this.#rows = new RowStore(module, codeBytes, 32 * codeBytes + 1024 * codeBytes);
  }

  /** Codes held. */
  get count(): number {
    return this.#rows.count;
  }

  /**
   * Appends codes.
   * @param codes - A whole number of codes, one after another. Copied.
   * @returns Index of the first one.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On part of a code, or more than one memory holds. {@link RangeError}
   */
  add(codes: Uint8Array): number {
    const count = assertCodes(codes, this.codeBytes);
    const first = this.#rows.extend(count);
    this.#rows.view(first, count).set(codes);
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
    this.#rows.view(index, 1).set(code);
  }

  /**
   * Takes one code out. The last code moves into its place, so the table stays without gaps.
   * @returns Index the moved code had: the code that was there is now at `index`. Equal to `index` when the last one
   *   itself was taken out.
   * @throws On an index out of range. {@link RangeError}
   */
  remove(index: number): number {
    assertInteger(index, 'index', 0, this.count - 1);
    return this.#rows.remove(index);
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
    const { kernels, count } = this.#rows;
    kernels.asymmetricScores(at.tables, at.rows, 0, count, this.codeBytes, at.out);
    return new Float32Array(kernels.memory.buffer, at.out, count).slice();
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
    const at = this.#enter(query, { ...topRegions(wanted), candidates: 4 * (candidates?.length ?? 0) });
    const { kernels } = this.#rows;
    if (candidates !== undefined) new Uint32Array(kernels.memory.buffer, at.candidates, count).set(candidates);
    const found = kernels.asymmetricTop(
      at.tables,
      at.rows,
      candidates === undefined ? 0 : at.candidates,
      count,
      this.codeBytes,
      wanted,
      at.block,
      at.scores,
      at.indices,
    );
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
