/**
 * Ids by row, and rows by id, in flat arrays: some 30 bytes an id, where a map of strings takes hundreds.
 *
 * Rows are numbered from 0 and only grow. A hash table with linear probing leads from an id to its row; ids are spread evenly already, being keyed
 * hashes. The entry of a row that is gone stays until the table grows, so that probing goes on past it.
 * @module
 */
import { compareBytes } from '../base/bytes.ts';
import { ID_BYTES } from './values.ts';

const WORDS = ID_BYTES / 4;
const FIRST_ROWS = 1024;
/** Slots of the hash table for each row there is room for. */
const SPARSE = 2;
/** Values of {@link leading}. */
const LEADING = 65536;

/** Checks nothing: the store has checked the ids. */
export class IdRows {
  #words: Uint32Array<ArrayBuffer>;
  #alive: Uint8Array<ArrayBuffer>;
  /** Row + 1, or 0. */
  #slots: Uint32Array<ArrayBuffer>;
  #length: number;
  #count: number;

  /** Rows, those that are gone with them. */
  get length(): number {
    return this.#length;
  }

  /** Rows that are not gone. */
  get count(): number {
    return this.#count;
  }

  /**
   * @param count - Rows to begin with. Their ids are for the caller to fill in, through {@link ids}, and to {@link link}, before anything else.
   */
  constructor(count = 0) {
    const rows = 2 ** Math.ceil(Math.log2(Math.max(FIRST_ROWS, count)));
    this.#words = new Uint32Array(WORDS * rows);
    this.#alive = new Uint8Array(rows).fill(1, 0, count);
    this.#slots = new Uint32Array(SPARSE * rows);
    this.#length = count;
    this.#count = count;
  }

  /** Ids of `count` rows from `first` on, 16 bytes each, those that are gone with them. A view, stale after the next {@link add}. */
  ids(first: number, count: number): Uint8Array {
    return new Uint8Array(this.#words.buffer, ID_BYTES * first, ID_BYTES * count);
  }

  /** Has rows `first` to `end - 1` found by their ids. */
  link(first: number, end: number): void {
    for (let row = first; row < end; row++) this.#link(row);
  }

  /** For each row, whether it is not gone: 1, or 0. A copy. */
  alive(): Uint8Array<ArrayBuffer> {
    return this.#alive.slice(0, this.#length);
  }

  /** Adds an id that is not there. @returns Its row. */
  add(id: Uint8Array): number {
    if (this.#length === this.#alive.length) this.#grow();
    const row = this.#length++;
    for (let i = 0; i < WORDS; i++) this.#words[WORDS * row + i] = word(id, i);
    this.#alive[row] = 1;
    this.#count++;
    this.#link(row);
    return row;
  }

  rowOf(id: Uint8Array): number | undefined {
    const [a, b, c, d] = [word(id, 0), word(id, 1), word(id, 2), word(id, 3)];
    const words = this.#words;
    const mask = this.#slots.length - 1;
    for (let slot = hash(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (row < 0) return undefined;
      const at = WORDS * row;
      if (
        this.#alive[row] === 1 &&
        words[at] === a &&
        words[at + 1] === b &&
        words[at + 2] === c &&
        words[at + 3] === d
      )
        return row;
    }
  }

  /** Takes out the id of a row, which stays empty. */
  remove(row: number): void {
    this.#alive[row] = 0;
    this.#count--;
  }

  has(row: number): boolean {
    return this.#alive[row] === 1;
  }

  /** The id of a row. A copy. */
  idOf(row: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#words.buffer, ID_BYTES * row, ID_BYTES).slice();
  }

  /**
   * The first ids of some rows, in order, without sorting them all.
   * @param after - Only ids behind this one.
   * @returns At most `limit`. Copies.
   */
  first(rows: Uint32Array, after: Uint8Array | undefined, limit: number): Uint8Array[] {
    const from = after === undefined ? 0 : leading(word(after, 0));
    const counts = new Uint32Array(LEADING);
    for (const row of rows) counts[leading(this.#words[WORDS * row]!)]!++;
    // As far as there are enough, not counting those that `after` may take out.
    let last = from;
    for (let seen = 0; seen < limit && last < LEADING - 1; seen += counts[last]!) last++;
    const ids: Uint8Array[] = [];
    for (const row of rows) {
      const bits = leading(this.#words[WORDS * row]!);
      if (bits < from || bits > last) continue;
      const id = this.idOf(row);
      if (after === undefined || compareBytes(id, after) > 0) ids.push(id);
    }
    return ids.sort(compareBytes).slice(0, limit);
  }

  #grow(): void {
    const rows = 2 * this.#length;
    const [words, alive] = [new Uint32Array(WORDS * rows), new Uint8Array(rows)];
    words.set(this.#words);
    alive.set(this.#alive);
    [this.#words, this.#alive] = [words, alive];
    this.#slots = new Uint32Array(SPARSE * rows);
    for (let row = 0; row < this.#length; row++) if (this.has(row)) this.#link(row);
  }

  #link(row: number): void {
    const at = WORDS * row;
    const mask = this.#slots.length - 1;
    const [a, b, c, d] = [this.#words[at]!, this.#words[at + 1]!, this.#words[at + 2]!, this.#words[at + 3]!];
    let slot = hash(a, b, c, d) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }
}

/** The first two bytes of an id, as a number that sorts. */
function leading(firstWord: number): number {
  return ((firstWord & 0xff) << 8) | ((firstWord >> 8) & 0xff);
}

/** Word i of an id, as it lies in memory. */
function word(id: Uint8Array, i: number): number {
  return (id[4 * i]! | (id[4 * i + 1]! << 8) | (id[4 * i + 2]! << 16) | (id[4 * i + 3]! << 24)) >>> 0;
}

/** All bits count, in case a client's ids are not spread. */
function hash(a: number, b: number, c: number, d: number): number {
  let mixed = Math.imul(a ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ Math.imul(d, 0x27d4eb2f), 0x9e3779b1);
  mixed ^= mixed >>> 15;
  return mixed >>> 0;
}
