/**
 * Exhaustive search over binary codes by Hamming distance.
 *
 * The codes are copied into WASM memory once; a query moves `codeBytes` bytes in and its answer out.
 * @module
 */
import { assertBytes, assertCodes, assertInteger } from '../base/assert.ts';
import type { Kernels } from '../wasm/kernels.ts';
import type { KernelSource } from '../wasm/scan-team.ts';
import { RowStore } from './row-store.ts';
import { clampK } from './top-k.ts';

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
   * @param source - Compiled kernels, or the threads that scan.
   * @param codeBytes - Bytes per code: a multiple of 8, at most 128.
   * @param variant - Which kernel scans. By default the first search over a large table measures both for a
   *   millisecond, and takes the faster one from then on.
   * @throws If `codeBytes` is no such multiple. {@link RangeError}
   */
  constructor(source: KernelSource, codeBytes: number, variant?: HammingVariant) {
    assertCodes(new Uint8Array(0), codeBytes);
    this.codeBytes = codeBytes;
    this.#rows = new RowStore(source, { rowBytes: codeBytes, headBytes: codeBytes });
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
   * @throws On part of a code, or more than memory holds. {@link RangeError}
   */
  add(codes: Uint8Array): number {
    const count = assertCodes(codes, this.codeBytes);
    const first = this.#rows.extend(count);
    let from = 0;
    for (const { bytes } of this.#rows.pieces(first, count)) {
      bytes.set(codes.subarray(from, from + bytes.length));
      from += bytes.length;
    }
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
    this.#rows.row(index).bytes.set(code);
  }

  /**
   * Distance from `query` to every code, in table order.
   * @param query - `codeBytes` bytes.
   * @returns A new array, in bits.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On a query of another length. {@link RangeError}
   */
  distances(query: Uint8Array): Uint32Array<ArrayBuffer> {
    assertBytes(query, 'query', this.codeBytes);
    const distances = new Uint32Array(this.count);
    let first = 0;
    this.#rows.each(4, ({ kernels, head, extra }, rows, count) => {
      const { buffer } = kernels.memory;
      new Uint8Array(buffer, head, this.codeBytes).set(query);
      if (this.#pick(kernels, head, rows, extra) === 'scalar')
        kernels.hammingScanScalar(head, rows, count, this.codeBytes, extra);
      else kernels.hammingScan(head, rows, count, this.codeBytes, extra);
      distances.set(new Uint32Array(buffer, extra, count), first);
      first += count;
    });
    return distances;
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
    assertBytes(query, 'query', this.codeBytes);
    const [found] = this.#rows.top({
      k: wanted,
      kernel: 'hammingTop',
      extraBytes: 4 * PROBE_CODES,
      enter: ({ kernels, head }) => new Uint8Array(kernels.memory.buffer, head, this.codeBytes).set(query),
      argumentsOf: ({ kernels, head, extra }, { rows, count, k, block, scores, indices }) => {
        const scalar = this.#pick(kernels, head, rows, extra) === 'scalar' ? 1 : 0;
        return [head, rows, count, this.codeBytes, scalar, k, block, scores, indices];
      },
    });
    return { indices: found!.indices, distances: Uint32Array.from(found!.scores, (score) => -score) };
  }

  /** Lets go of the memory. The table is not used again. */
  close(): void {
    this.#rows.close();
  }

  /** Measures both kernels once, on the codes at hand. */
  #pick(kernels: Kernels, query: number, codes: number, out: number): HammingVariant {
    if (this.#variant !== undefined || this.count < PROBE_CODES) return this.#variant ?? 'scalar';
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
