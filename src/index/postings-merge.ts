/**
 * Base and recent lists of postings as one sequence in order of token: a part at a time, so that nothing has to wait for the whole.
 *
 * The lists may grow meanwhile: `place` knows rows that have come since, and leaves them out.
 * @module
 */
import type { BaseLookUp } from './postings.ts';

/** Goes on where the part before ended, in the middle of a list if need be. */
export interface PostingsPart {
  /** Whose lists end in this part. */
  readonly tokens: BigUint64Array;
  /** u32[tokens.length]: where they end, counted from the first part's first row. */
  readonly ends: Uint32Array;
  readonly rows: Uint32Array;
}

// Rows, and tokens, of a part at most: some milliseconds.
const PART = 2 ** 17;
// Tokens that are read out of the map at a time.
const KEYS = 2 ** 16;
const TOP_BYTES = 256;

/** Postings as they were at one moment. */
export class PostingsMerge {
  readonly #base: BaseLookUp;
  readonly #recent: ReadonlyMap<bigint, readonly number[]>;
  readonly #keyCount: number;
  /** Of the map, in order. */
  #fresh = new BigUint64Array(0);

  constructor(base: BaseLookUp, recent: ReadonlyMap<bigint, readonly number[]>) {
    this.#base = base;
    this.#recent = recent;
    this.#keyCount = recent.size;
  }

  /** Comes first, in steps of some milliseconds where tokens are spread evenly over the 64 bits, as those of a PRF are. */
  *prepare(): Generator<void, void, void> {
    const keys = new BigUint64Array(this.#keyCount);
    let count = 0;
    for (const key of this.#recent.keys()) {
      if (count === keys.length) break;
      keys[count++] = key;
      if (count % KEYS === 0) yield;
    }
    // By their top bytes first, so that each is sorted among a few.
    const bytes = new Uint8Array(keys.buffer);
    const starts = new Uint32Array(TOP_BYTES + 1);
    for (let i = 0; i < count; i++) starts[bytes[8 * i + 7]! + 1]!++;
    for (let top = 0; top < TOP_BYTES; top++) starts[top + 1]! += starts[top]!;
    yield;
    const [from, to] = [new Uint32Array(keys.buffer), new Uint32Array(2 * count)];
    const next = starts.slice();
    for (let i = 0; i < count; i++) {
      const at = next[bytes[8 * i + 7]!]!++;
      to[2 * at] = from[2 * i]!;
      to[2 * at + 1] = from[2 * i + 1]!;
    }
    this.#fresh = new BigUint64Array(to.buffer);
    for (let top = 0, since = 0; top < TOP_BYTES; top++) {
      if (starts[top]! - since >= KEYS) {
        since = starts[top]!;
        yield;
      }
      this.#fresh.subarray(starts[top], starts[top + 1]).sort();
    }
  }

  /**
   * All lists. Tokens without a row are left out.
   * @param place - The number a row is to have; below 0: none.
   * @param most - Rows, and tokens, of a part.
   */
  *parts(place: (row: number) => number, most: number = PART): Generator<PostingsPart, void, void> {
    const fresh = new Uint32Array(this.#fresh.buffer);
    const [tokens, ends, rows] = [new Uint32Array(2 * most), new Uint32Array(most), new Uint32Array(most)];
    let [tokenCount, rowCount, total] = [0, 0, 0];
    const cut = (): PostingsPart => {
      const part = {
        tokens: new BigUint64Array(tokens.slice(0, 2 * tokenCount).buffer),
        ends: ends.slice(0, tokenCount),
        rows: rows.slice(0, rowCount),
      };
      [tokenCount, rowCount] = [0, 0];
      return part;
    };
    let { data } = this.#base;
    let old = halvesOf(data.tokens);
    // Views of the base may be stale after a part.
    const look = (): void => {
      ({ data } = this.#base);
      old = halvesOf(data.tokens);
    };
    const oldCount = old.length / 2;
    for (let i = 0, j = 0; i < oldCount || j < this.#keyCount;) {
      const before = total;
      const order =
        i === oldCount
          ? 1
          : j === this.#keyCount
            ? -1
            : old[2 * i + 1]! - fresh[2 * j + 1]! || old[2 * i]! - fresh[2 * j]!;
      const [from, at] = order <= 0 ? [old, 2 * i] : [fresh, 2 * j];
      const [low, high] = [from[at]!, from[at + 1]!];
      if (order <= 0) {
        for (let p = data.offsets[i]!, end = data.offsets[i + 1]!; p < end; p++) {
          const row = place(data.rows[p]!);
          if (row < 0) continue;
          rows[rowCount++] = row;
          total++;
          if (rowCount < most) continue;
          yield cut();
          look();
        }
        i++;
      }
      if (order >= 0) {
        for (const one of this.#recent.get(this.#fresh[j]!)!) {
          const row = place(one);
          if (row < 0) continue;
          rows[rowCount++] = row;
          total++;
          if (rowCount < most) continue;
          yield cut();
          look();
        }
        j++;
      }
      if (total === before) continue;
      tokens[2 * tokenCount] = low;
      tokens[2 * tokenCount + 1] = high;
      ends[tokenCount++] = total;
      if (tokenCount < most) continue;
      yield cut();
      look();
    }
    if (tokenCount > 0) yield cut();
  }
}

/** Runs a generator to its end at once. */
export function finish(steps: Generator<void, void, void>): void {
  while (steps.next().done !== true);
}

/** A bigint a step would cost more than the step. */
function halvesOf(tokens: BigUint64Array): Uint32Array {
  return new Uint32Array(tokens.buffer, tokens.byteOffset, 2 * tokens.length);
}
