/**
 * From tokens to the rows that carry them: the prefilter of a growing index.
 *
 * Two parts: a sorted base, and what has come since in a map. When the map has grown to a share of the
 * base, both become the next base.
 * @module
 */
import { PostingsMerge, finish, type PostingsPart } from './postings-merge.ts';

/** Lists of rows a token, back to back. */
export interface PostingsData {
  /** Ascending, distinct. */
  readonly tokens: BigUint64Array;
  /** u32[tokens.length + 1]: the list of token t is `rows[offsets[t] .. offsets[t + 1]]`. */
  readonly offsets: Uint32Array;
  readonly rows: Uint32Array;
}

/** A base, and what finds its rows. */
export interface BaseLookUp {
  /** May be views that are stale after the next look-up. */
  readonly data: PostingsData;
  /** Each row that carries any of the tokens, once. */
  lookUp(tokens: BigUint64Array): Uint32Array;
}

// Entries of the map below which it is not worth a new base.
const MIN_MERGE = 65536;

export const NO_POSTINGS: PostingsData = {
  tokens: new BigUint64Array(0),
  offsets: new Uint32Array(1),
  rows: new Uint32Array(0),
};

/** Rows are numbered from 0 and only grow; a row that is gone is passed over until the next base leaves it out. */
export class Postings {
  readonly #makeBase: (data: PostingsData, rowCount: number) => BaseLookUp;
  #base: BaseLookUp;
  #recent = new Map<bigint, number[]>();
  #recentCount = 0;
  /** Number of the query that a row was last found by. */
  #stamps = new Uint32Array(1024);
  #stamp = 0;
  #rowCount: number;

  /**
   * @param base - The first base.
   * @param rowCount - Rows it speaks of.
   * @param makeBase - Makes the next ones of what they are to hold.
   */
  constructor(
    base: BaseLookUp = sortedBase(NO_POSTINGS),
    rowCount = 0,
    makeBase: (data: PostingsData, rowCount: number) => BaseLookUp = sortedBase,
  ) {
    this.#makeBase = makeBase;
    this.#rowCount = rowCount;
    this.#base = base;
  }

  /**
   * Adds a row that is not there yet.
   * @param isAlive - Rows for which it is false are left out of a new base.
   */
  add(row: number, tokens: BigUint64Array, isAlive: (row: number) => boolean): void {
    this.#rowCount = Math.max(this.#rowCount, row + 1);
    for (const token of new Set(tokens)) {
      const list = this.#recent.get(token);
      if (list === undefined) this.#recent.set(token, [row]);
      else list.push(row);
      this.#recentCount++;
    }
    if (this.#recentCount < Math.max(MIN_MERGE, this.#base.data.rows.length / 4)) return;
    this.#base = this.#makeBase(this.data(isAlive), this.#rowCount);
    this.#recent = new Map();
    this.#recentCount = 0;
  }

  /** Rows that carry any of the tokens and are alive, each once. */
  lookUp(tokens: BigUint64Array, isAlive: (row: number) => boolean): Uint32Array<ArrayBuffer> {
    if (this.#stamps.length < this.#rowCount || this.#stamp === 0xffffffff) {
      this.#stamps = new Uint32Array(Math.max(2 * this.#rowCount, this.#stamps.length));
      this.#stamp = 0;
    }
    this.#stamp++;
    const found: number[] = [];
    const take = (row: number): void => {
      if (this.#stamps[row] === this.#stamp) return;
      this.#stamps[row] = this.#stamp;
      if (isAlive(row)) found.push(row);
    };
    for (const row of this.#base.lookUp(tokens)) take(row);
    if (this.#recentCount > 0) for (const token of tokens) this.#recent.get(token)?.forEach(take);
    return Uint32Array.from(found);
  }

  /** Everything as one base. */
  data(isAlive: (row: number) => boolean): PostingsData {
    const merge = this.freeze();
    finish(merge.prepare());
    const parts = [...merge.parts((row) => (isAlive(row) ? row : -1))];
    const total = (lengthOf: (part: PostingsPart) => number): number =>
      parts.reduce((sum, part) => sum + lengthOf(part), 0);
    const tokens = new BigUint64Array(total((part) => part.tokens.length));
    const offsets = new Uint32Array(tokens.length + 1);
    const rows = new Uint32Array(total((part) => part.rows.length));
    let [tokenCount, rowCount] = [0, 0];
    for (const part of parts) {
      tokens.set(part.tokens, tokenCount);
      offsets.set(part.ends, tokenCount + 1);
      rows.set(part.rows, rowCount);
      tokenCount += part.tokens.length;
      rowCount += part.rows.length;
    }
    return { tokens, offsets, rows };
  }

  /** What there is now, to be gone through while more is added. */
  freeze(): PostingsMerge {
    return new PostingsMerge(this.#base, this.#recent);
  }
}

/** Binary search, on 32-bit halves: a bigint a step would cost more than the step. */
export function sortedBase(data: PostingsData): BaseLookUp {
  const { tokens, offsets, rows } = data;
  const halves = new Uint32Array(tokens.buffer, tokens.byteOffset, 2 * tokens.length);
  return {
    data,
    lookUp(query: BigUint64Array): Uint32Array {
      const wanted = new Uint32Array(query.buffer, query.byteOffset, 2 * query.length);
      const found = new Set<number>();
      for (let q = 0; q < wanted.length; q += 2) {
        const low = wanted[q]!;
        const high = wanted[q + 1]!;
        let from = 0;
        for (let to = tokens.length; from < to;) {
          const middle = (from + to) >>> 1;
          const h = halves[2 * middle + 1]!;
          if (h < high || (h === high && halves[2 * middle]! < low)) from = middle + 1;
          else to = middle;
        }
        if (from === tokens.length || halves[2 * from] !== low || halves[2 * from + 1] !== high) continue;
        for (let at = offsets[from]!; at < offsets[from + 1]!; at++) found.add(rows[at]!);
      }
      return Uint32Array.from(found);
    },
  };
}
