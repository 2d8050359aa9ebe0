/**
 * Base and recent lists of postings as one sequence in order of token: a part at a time, so that nothing has to wait for the whole.
 *
 * The lists may grow meanwhile: `place` knows rows that have come since, and leaves them out.
 * @module
 */
import type { BaseLookUp, PostingsData } from './postings.ts';

/** Goes on where the part before ended, in the middle of a list if need be. */
export interface PostingsPart {
  /** Whose lists end in this part. */
  readonly tokens: BigUint64Array;
  /** u32[tokens.length]: where they end, counted from the first part's first row. */
  readonly ends: Uint32Array;
  readonly rows: Uint32Array;
}

/** Rows of each token, as they have come. */
export type RecentLists = ReadonlyMap<bigint, readonly number[]>;

// Rows, and tokens, of a part at most: some milliseconds.
const PART = 2 ** 17;
// Tokens that are read out of the map at a time.
const KEYS = 2 ** 16;
const TOP_BYTES = 256;

/** Postings as they were at one moment. */
export class PostingsMerge {
  readonly #base: BaseLookUp;
  readonly #recent: readonly RecentLists[];
  /** Of each of them. */
  readonly #keyCounts: readonly number[];
  /** Tokens of all of them, in order; one that is in two comes up twice. */
  #fresh = new BigUint64Array(0);

  /** @param recent - Newest last. */
  constructor(base: BaseLookUp, recent: readonly RecentLists[]) {
    this.#base = base;
    this.#recent = recent;
    this.#keyCounts = recent.map(({ size }) => size);
  }

  /** Comes first, in steps of some milliseconds where tokens are spread evenly over the 64 bits, as those of a PRF are. */
  *prepare(): Generator<void, void, void> {
    const keys = new BigUint64Array(this.#keyCounts.reduce((sum, count) => sum + count, 0));
    let count = 0;
    for (const [i, lists] of this.#recent.entries()) {
      let left = this.#keyCounts[i]!;
      for (const key of lists.keys()) {
        if (left-- === 0) break;
        keys[count++] = key;
        if (count % KEYS === 0) yield;
      }
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
    const [oldCount, freshCount] = [old.length / 2, fresh.length / 2];
    for (let i = 0, j = 0; i < oldCount || j < freshCount;) {
      const before = total;
      const order =
        i === oldCount ? 1 : j === freshCount ? -1 : old[2 * i + 1]! - fresh[2 * j + 1]! || old[2 * i]! - fresh[2 * j]!;
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
        const token = this.#fresh[j]!;
        for (const lists of this.#recent)
          for (const one of lists.get(token) ?? []) {
            const row = place(one);
            if (row < 0) continue;
            rows[rowCount++] = row;
            total++;
            if (rowCount < most) continue;
            yield cut();
            look();
          }
        while (fresh[2 * j] === low && fresh[2 * j + 1] === high) j++;
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

/**
 * Puts parts one behind the other.
 * @param into - With room for all of them.
 */
export class PostingsFiller {
  readonly #into: PostingsData;
  tokenCount = 0;
  rowCount = 0;

  constructor(into: PostingsData) {
    this.#into = into;
  }

  append({ tokens, ends, rows }: PostingsPart): void {
    this.#into.tokens.set(tokens, this.tokenCount);
    this.#into.offsets.set(ends, this.tokenCount + 1);
    this.#into.rows.set(rows, this.rowCount);
    this.tokenCount += tokens.length;
    this.rowCount += rows.length;
  }
}

/** Runs a generator to its end at once. */
export function finish<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** A bigint a step would cost more than the step. */
export function halvesOf(tokens: BigUint64Array): Uint32Array {
  return new Uint32Array(tokens.buffer, tokens.byteOffset, 2 * tokens.length);
}
