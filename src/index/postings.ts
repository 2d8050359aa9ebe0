/**
 * From tokens to the rows that carry them: the prefilter of a growing index.
 *
 * Two parts: a sorted base, and what has come since in a map. When the map has grown to a share of the
 * base, both become the next base: a step at a time, while another map takes what comes.
 * @module
 */
import {
  PostingsFiller,
  PostingsMerge,
  finish,
  halvesOf,
  type PostingsPart,
  type RecentLists,
} from './postings-merge.ts';

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

/** Makes a base of parts that come in order. */
export interface BaseMaker {
  append(part: PostingsPart): void;
  finish(): BaseLookUp;
}

/**
 * Begins a base.
 * @param most - Tokens and rows it will hold at most.
 * @param rowCount - Row numbers are below it.
 */
export type MakeBase = (most: { readonly tokens: number; readonly rows: number }, rowCount: number) => BaseMaker;

// Entries of the map below which it is not worth a new base.
const MIN_MERGE = 65536;
// A merge is done long before the next one is due: it takes a step for each of so many shares of the entries that make one due.
const STEPS = 16;

export const NO_POSTINGS: PostingsData = {
  tokens: new BigUint64Array(0),
  offsets: new Uint32Array(1),
  rows: new Uint32Array(0),
};

/** Rows are numbered from 0 and only grow; a row that is gone is passed over until the next base leaves it out. */
export class Postings {
  readonly #makeBase: MakeBase;
  readonly #least: number;
  #base: BaseLookUp;
  #recent = new Map<bigint, number[]>();
  #recentCount = 0;
  /** What is being merged with the base. */
  #older: RecentLists = new Map();
  #merging: Generator<void, BaseLookUp, void> | undefined;
  /** Entries of the map at which the merge takes its next step. */
  #nextStep = 0;
  /** Number of the query that a row was last found by. */
  #stamps = new Uint32Array(1024);
  #stamp = 0;
  #rowCount: number;

  /**
   * @param base - The first base.
   * @param rowCount - Rows it speaks of.
   * @param makeBase - Makes the next ones.
   * @param least - Entries below which it is not worth a new base.
   */
  constructor(
    base: BaseLookUp = sortedBase(NO_POSTINGS),
    rowCount = 0,
    makeBase: MakeBase = makeSortedBase,
    least: number = MIN_MERGE,
  ) {
    this.#makeBase = makeBase;
    this.#least = least;
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
    if (this.#merging === undefined && this.#recentCount >= Math.max(this.#least, this.#base.data.rows.length / 4)) {
      this.#merging = this.#merge(this.#recent, this.#recentCount, isAlive);
      this.#older = this.#recent;
      this.#recent = new Map();
      this.#recentCount = 0;
      this.#nextStep = 0;
    }
    if (this.#merging === undefined || this.#recentCount < this.#nextStep) return;
    this.#nextStep = this.#recentCount + this.#least / STEPS;
    const { done, value } = this.#merging.next();
    if (done !== true) return;
    this.#base = value;
    this.#older = new Map();
    this.#merging = undefined;
  }

  /** Makes the next base of this one and of lists that do not change any more. */
  *#merge(older: RecentLists, count: number, isAlive: (row: number) => boolean): Generator<void, BaseLookUp, void> {
    const { tokens, rows } = this.#base.data;
    const maker = this.#makeBase({ tokens: tokens.length + older.size, rows: rows.length + count }, this.#rowCount);
    const merge = new PostingsMerge(this.#base, [older]);
    yield* merge.prepare();
    for (const part of merge.parts((row) => (isAlive(row) ? row : -1))) {
      maker.append(part);
      yield;
    }
    return maker.finish();
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
    for (const lists of [this.#older, this.#recent])
      if (lists.size > 0) for (const token of tokens) lists.get(token)?.forEach(take);
    return Uint32Array.from(found);
  }

  /** Everything as one base. */
  data(isAlive: (row: number) => boolean): PostingsData {
    const merge = this.freeze();
    finish(merge.prepare());
    return joinParts([...merge.parts((row) => (isAlive(row) ? row : -1))]);
  }

  /** What there is now, to be gone through while more is added. */
  freeze(): PostingsMerge {
    return new PostingsMerge(this.#base, [this.#older, this.#recent]);
  }
}

function joinParts(parts: readonly PostingsPart[]): PostingsData {
  const total = (lengthOf: (part: PostingsPart) => number): number =>
    parts.reduce((sum, part) => sum + lengthOf(part), 0);
  const tokens = new BigUint64Array(total((part) => part.tokens.length));
  const offsets = new Uint32Array(tokens.length + 1);
  const rows = new Uint32Array(total((part) => part.rows.length));
  const data = { tokens, offsets, rows };
  const filler = new PostingsFiller(data);
  for (const part of parts) filler.append(part);
  return data;
}

function makeSortedBase(): BaseMaker {
  const parts: PostingsPart[] = [];
  return {
    append: (part) => void parts.push(part),
    finish: () => sortedBase(joinParts(parts)),
  };
}

/** Binary search, on 32-bit halves: a bigint a step would cost more than the step. */
export function sortedBase(data: PostingsData): BaseLookUp {
  const { tokens, offsets, rows } = data;
  const halves = halvesOf(tokens);
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
