/**
 * From tokens to the rows that carry them: the prefilter of a growing index.
 *
 * Two parts: a sorted base, and what has come since in a map. When the map has grown to a share of the
 * base, both become the next base.
 * @module
 */

/** Lists of rows a token, back to back. */
export interface PostingsData {
  /** Ascending, distinct. */
  readonly tokens: BigUint64Array;
  /** u32[tokens.length + 1]: the list of token t is `rows[offsets[t] .. offsets[t + 1]]`. */
  readonly offsets: Uint32Array;
  readonly rows: Uint32Array;
}

/** What finds the rows of a base: `lookUp` gives each row that carries any of the tokens, once. */
export interface BaseLookUp {
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
  #data: PostingsData;
  #base: BaseLookUp;
  #recent = new Map<bigint, number[]>();
  #recentCount = 0;
  /** Number of the query that a row was last found by. */
  #stamps = new Uint32Array(1024);
  #stamp = 0;
  #rowCount: number;

  /**
   * @param data - The first base, owned from here on.
   * @param rowCount - Rows it speaks of.
   * @param makeBase - Makes the look-up of a base.
   */
  constructor(
    data: PostingsData = NO_POSTINGS,
    rowCount = 0,
    makeBase: (data: PostingsData, rowCount: number) => BaseLookUp = sortedBase,
  ) {
    this.#makeBase = makeBase;
    this.#data = data;
    this.#rowCount = rowCount;
    this.#base = makeBase(data, rowCount);
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
    if (this.#recentCount < Math.max(MIN_MERGE, this.#data.rows.length / 4)) return;
    this.#data = this.#merge(isAlive);
    this.#base = this.#makeBase(this.#data, this.#rowCount);
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
    return this.#merge(isAlive);
  }

  #merge(isAlive: (row: number) => boolean): PostingsData {
    const { tokens: oldTokens, offsets: oldOffsets, rows: oldRows } = this.#data;
    const fresh = BigUint64Array.from(this.#recent.keys()).sort();
    const tokens = new BigUint64Array(oldTokens.length + fresh.length);
    const offsets = new Uint32Array(tokens.length + 1);
    const rows = new Uint32Array(oldRows.length + this.#recentCount);
    let tokenCount = 0;
    let rowCount = 0;
    for (let i = 0, j = 0; i < oldTokens.length || j < fresh.length;) {
      const before = rowCount;
      const token = j === fresh.length || oldTokens[i]! <= fresh[j]! ? oldTokens[i]! : fresh[j]!;
      if (oldTokens[i] === token) {
        for (let at = oldOffsets[i]!; at < oldOffsets[i + 1]!; at++)
          if (isAlive(oldRows[at]!)) rows[rowCount++] = oldRows[at]!;
        i++;
      }
      if (fresh[j] === token) {
        for (const row of this.#recent.get(token)!) if (isAlive(row)) rows[rowCount++] = row;
        j++;
      }
      if (rowCount === before) continue;
      tokens[tokenCount++] = token;
      offsets[tokenCount] = rowCount;
    }
    return {
      tokens: tokens.slice(0, tokenCount),
      offsets: offsets.slice(0, tokenCount + 1),
      rows: rows.slice(0, rowCount),
    };
  }
}

/** Binary search, on 32-bit halves: a bigint a step would cost more than the step. */
export function sortedBase({ tokens, offsets, rows }: PostingsData): BaseLookUp {
  const halves = new Uint32Array(tokens.buffer, tokens.byteOffset, 2 * tokens.length);
  return {
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
