/**
 * Search over binary codes by a real-valued query: `score = sum_i query[i] * (bit_i ? +1 : -1)`.
 *
 * Weights of features are folded into the query (SCHEME.md 2.1), so stored codes never change. Codes lie in blocks of 16, byte by byte, as
 * `assembly/asymmetric.ts` wants them.
 * @module
 */
import { assertBytes, assertCodes, assertFloats, assertInteger } from '../base/assert.ts';
import type { KernelSource } from '../wasm/scan-team.ts';
import { nibbleBounds } from './nibble-bounds.ts';
import { RowStore, type Piece, type Scan } from './row-store.ts';
import { assertCandidates, clampK, type TopK } from './top-k.ts';

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

  /**
   * @param source - Compiled kernels, or the threads that scan.
   * @param codeBytes - Bytes per code: a multiple of 8, at most 128.
   * @param memoryBytes - Most bytes of one WASM memory; a table has as many as it needs. Default: 4 GiB.
   * @throws If `codeBytes` is no such multiple. {@link RangeError}
   */
  constructor(source: KernelSource, codeBytes: number, memoryBytes?: number) {
    assertCodes(new Uint8Array(0), codeBytes);
    this.codeBytes = codeBytes;
    // The query and its tables of 256 entries per byte.
    this.#rows = new RowStore(source, {
      rowBytes: BLOCK_CODES * codeBytes,
      headBytes: 32 * codeBytes + 1024 * codeBytes,
      perRow: BLOCK_CODES,
      memoryBytes,
    });
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
    const more = assertCodes(codes, this.codeBytes);
    const first = this.#rows.extend(more);
    let from = 0;
    for (const { bytes, offset, count } of this.#rows.pieces(first, more))
      for (let i = 0; i < count; i++)
        for (let at = this.#placeOf(offset + i), b = 0; b < this.codeBytes; b++, at += BLOCK_CODES)
          bytes[at] = codes[from++]!;
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
    const { bytes, offset } = this.#rows.row(index);
    for (let b = 0; b < this.codeBytes; b++) bytes[offset + BLOCK_CODES * b] = code[b]!;
  }

  /**
   * Takes one code out. The last code moves into its place, so the table stays without gaps.
   * @returns Index the moved code had: the code that was there is now at `index`. Equal to `index` when the last one
   *   itself was taken out.
   * @throws On an index out of range. {@link RangeError}
   */
  remove(index: number): number {
    assertInteger(index, 'index', 0, this.count - 1);
    const last = this.count - 1;
    const [to, from]: Piece[] = [this.#rows.row(index), this.#rows.row(last)];
    for (let at = 0; at < BLOCK_CODES * this.codeBytes; at += BLOCK_CODES)
      to!.bytes[to!.offset + at] = from!.bytes[from!.offset + at]!;
    this.#rows.pop();
    return last;
  }

  /** Where byte 0 of a code is, from a block on; byte b is `BLOCK_CODES * b` after it. */
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
    assertFloats(query, 'query', 8 * this.codeBytes);
    const scores = new Float32Array(this.count);
    let first = 0;
    this.#rows.each(4, (scan, rows, count) => {
      this.#enter(scan, query);
      scan.kernels.asymmetricScores(this.#tablesAt(scan), rows, 0, count, this.codeBytes, scan.extra);
      scores.set(new Float32Array(scan.kernels.memory.buffer, scan.extra, count), first);
      first += count;
    });
    return scores;
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
    assertFloats(query, 'query', 8 * this.codeBytes);
    const count = candidates?.length ?? this.count;
    const bounds = candidates === undefined && count >= LEAST_BOUNDED ? nibbleBounds(query) : undefined;
    return this.#rows.top({
      k: clampK(k, count),
      candidates,
      kernel: bounds === undefined ? 'asymmetricTop' : 'asymmetricTopBounded',
      extraBytes: bounds?.steps.length ?? 0,
      enter: (scan) => {
        this.#enter(scan, query);
        if (bounds !== undefined) new Uint8Array(scan.kernels.memory.buffer, scan.extra).set(bounds.steps);
      },
      argumentsOf: (scan, { rows, candidates, count, k, block, scores, indices }) => {
        const [tables, best] = [this.#tablesAt(scan), [k, block, scores, indices]];
        return bounds === undefined
          ? [tables, rows, candidates, count, this.codeBytes, ...best]
          : [tables, scan.extra, bounds.offset, bounds.step, rows, count, this.codeBytes, ...best];
      },
    })[0]!;
  }

  /** Lets go of the memory. The table is not used again. */
  close(): void {
    this.#rows.close();
  }

  /** Copies the query in and unfolds it. */
  #enter(scan: Scan, query: Float32Array): void {
    new Float32Array(scan.kernels.memory.buffer, scan.head, query.length).set(query);
    scan.kernels.asymmetricTables(scan.head, this.codeBytes, this.#tablesAt(scan));
  }

  /** The unfolded query lies behind the query. */
  #tablesAt({ head }: Scan): number {
    return head + 32 * this.codeBytes;
  }
}
