/**
 * Exhaustive search over binary codes by Hamming distance.
 *
 * The codes are copied into WASM memory once; a query moves `codeBytes` bytes in and its answer out.
 * @module
 */
import { assertBytes, assertCodes, assertInteger } from '../base/assert.ts';
import { RowStore } from './row-store.ts';
import { clampK, takeTop, topRegions } from './top-k.ts';

/** Which of the two kernels scans: equal answers, unequal speed. */
export type HammingVariant = 'simd' | 'scalar';

/** The nearest codes, nearest first, ties by the lower index. */
export interface Nearest {
  readonly indices: Uint32Array<ArrayBuffer>;
  /** In bits. */
  readonly distances: Uint32Array<ArrayBuffer>;
}

// Fewer codes are not worth a measurement; more are not needed for one.
const PROBE_CODES = 4096;
const PROBE_MS = 0.5;

/**
 * A growing table of equal-length binary codes.
 * @example
 * ```ts
 * const table = new HammingTable(module, 16);
 * table.add(codes);
 * const { indices, distances } = table.nearest(query, 10); // distances in bits, 0..=128
 * ```
 */
export class HammingTable {
  readonly codeBytes: number;
  readonly #rows: RowStore;
  #variant: HammingVariant | undefined;

  /**
   * @param module - Compiled kernels.
   * @param codeBytes - Bytes per code: a multiple of 8, at most 128.
   * @param variant - Which kernel scans. By default the first search over a large table measures both for a
   *   millisecond, and takes the faster one from then on.
   * @throws If `codeBytes` is no such multiple. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, codeBytes: number, variant?: HammingVariant) {
    assertCodes(new Uint8Array(0), codeBytes);
    this.codeBytes = codeBytes;
    this.#rows = new RowStore(module, codeBytes, codeBytes);
    this.#variant = variant;
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
   * Distance from `query` to every code, in table order.
   * @param query - `codeBytes` bytes.
   * @returns A new array, in bits.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a query of another length. {@link RangeError}
   */
  distances(query: Uint8Array): Uint32Array<ArrayBuffer> {
    const at = this.#enter(query, { out: 4 * this.count });
    const { kernels, count } = this.#rows;
    if (this.#pick(at.head, at.rows, at.out) === 'scalar')
      kernels.hammingScanScalar(at.head, at.rows, count, this.codeBytes, at.out);
    else kernels.hammingScan(at.head, at.rows, count, this.codeBytes, at.out);
    return new Uint32Array(kernels.memory.buffer, at.out, count).slice();
  }

  /**
   * The k codes nearest to `query`.
   * @param query - `codeBytes` bytes.
   * @param k - At least 1. A smaller table gives a shorter answer.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a query of another length, or k below 1. {@link RangeError}
   */
  nearest(query: Uint8Array, k: number): Nearest {
    const wanted = clampK(k, this.count);
    const at = this.#enter(query, { ...topRegions(wanted), probe: 4 * PROBE_CODES });
    const { kernels, count } = this.#rows;
    const scalar = this.#pick(at.head, at.rows, at.probe) === 'scalar' ? 1 : 0;
    const { head, rows, block, scores, indices } = at;
    const found = kernels.hammingTop(head, rows, count, this.codeBytes, scalar, wanted, block, scores, indices);
    const top = takeTop(kernels.memory, at, found);
    return { indices: top.indices, distances: Uint32Array.from(top.scores, (score) => -score) };
  }

  #enter<Region extends string>(
    query: Uint8Array,
    scratch: Record<Region, number>,
  ): Record<Region | 'head' | 'rows', number> {
    assertBytes(query, 'query', this.codeBytes);
    const at = this.#rows.place(scratch);
    new Uint8Array(this.#rows.kernels.memory.buffer, at.head, this.codeBytes).set(query);
    return at;
  }

  /** Measures both kernels once, on the codes at hand. */
  #pick(query: number, codes: number, out: number): HammingVariant {
    if (this.#variant !== undefined || this.count < PROBE_CODES) return this.#variant ?? 'scalar';
    const { kernels } = this.#rows;
    const runs = (scan: typeof kernels.hammingScan): number => {
      scan(query, codes, PROBE_CODES, this.codeBytes, out);
      const end = performance.now() + PROBE_MS;
      let count = 0;
      // A clock that stands still (some workers) must not hold the search up.
      for (; count < 1000 && performance.now() < end; count++) scan(query, codes, PROBE_CODES, this.codeBytes, out);
      return count;
    };
    this.#variant = runs(kernels.hammingScan) > runs(kernels.hammingScanScalar) ? 'simd' : 'scalar';
    return this.#variant;
  }
}
