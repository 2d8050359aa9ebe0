/**
 * Near-duplicates measured: at each code distance, how many altered copies are found, and how many of the pairs found are
 * pairs of one photo.
 *
 * For each alteration there is one collection: all photos, and altered copies of some of them. A pair within the distance is
 * right when it is a photo and its own copy, and wrong when its photos are of two classes. Of two photos of one class nobody
 * knows: collections hold the same picture twice, retouched or taken a second later. Such pairs are counted by themselves.
 * Recall = right pairs found of those there are; precision = right pairs of those found that are right or wrong.
 * @module
 */
import { assertCodes, assertInteger } from '../base/assert.ts';
import { HammingTable } from '../search/hamming-table.ts';

/** Altered copies: copy i is made from photo `of[i]`. */
export interface Copies {
  readonly alteration: string;
  /** u8[of.length * codeBytes] */
  readonly codes: Uint8Array;
  readonly of: readonly number[];
}

/** Pairs by distance, u32[bits + 1] each. */
export interface PairCounts {
  /** Per alteration: a photo and its copy. */
  readonly right: Readonly<Record<string, Uint32Array>>;
  /** Of two classes: two photos, a photo and the copy of another, or copies of two; summed over the collections. */
  readonly wrong: Uint32Array;
  /** The same, of one class. */
  readonly unclear: Uint32Array;
}

/** One row of the table. */
export interface DetectionRow {
  /** Bits that may differ. */
  readonly distance: number;
  /** Share of the copies found, per alteration. */
  readonly recall: Readonly<Record<string, number>>;
  /** Over all alterations; NaN when nothing is found. */
  readonly precision: number;
  /** Pairs that are wrong, per collection. */
  readonly wrong: number;
  /** Pairs of two photos of one class, per collection. */
  readonly unclear: number;
}

/**
 * Counts the pairs of every collection by their distance.
 * @param photos - u8[count * codeBytes]
 * @param labels - Class of each photo.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On part of a code, labels of another number, or a copy of a photo that is not there. {@link RangeError}
 */
export function countPairs(
  module: WebAssembly.Module,
  photos: Uint8Array,
  codeBytes: number,
  labels: readonly string[],
  copies: readonly Copies[],
): PairCounts {
  const count = assertCodes(photos, codeBytes);
  assertInteger(labels.length, 'labels.length', count, count);
  const bits = 8 * codeBytes;
  const table = new HammingTable(module, codeBytes);
  table.add(photos);
  const wrong = new Uint32Array(bits + 1);
  const unclear = new Uint32Array(bits + 1);
  const other = (a: number, b: number): Uint32Array => (labels[a] === labels[b] ? unclear : wrong);
  for (let i = 0; i < count; i++) {
    const distances = table.distances(photos.subarray(i * codeBytes, (i + 1) * codeBytes));
    // Photos are in every collection.
    for (let j = i + 1; j < count; j++) other(i, j)[distances[j]!]! += copies.length;
  }
  const right: Record<string, Uint32Array> = {};
  for (const { alteration, codes, of } of copies) {
    const made = new HammingTable(module, codeBytes);
    made.add(codes);
    const own = (right[alteration] = new Uint32Array(bits + 1));
    for (const [i, photo] of of.entries()) {
      assertInteger(photo, 'of', 0, count - 1);
      const code = codes.subarray(i * codeBytes, (i + 1) * codeBytes);
      table.distances(code).forEach((distance, j) => (j === photo ? own : other(photo, j))[distance]!++);
      const others = made.distances(code);
      for (let j = i + 1; j < of.length; j++) if (of[j] !== photo) other(photo, of[j]!)[others[j]!]!++;
    }
  }
  return { right, wrong, unclear };
}

/**
 * Recall and precision at the distances asked for.
 * @param distances - In bits.
 */
export function detectionTable({ right, wrong, unclear }: PairCounts, distances: readonly number[]): DetectionRow[] {
  const collections = Object.entries(right);
  const upTo = (counts: Uint32Array, distance: number): number =>
    counts.subarray(0, distance + 1).reduce((sum, pairs) => sum + pairs, 0);
  return distances.map((distance) => {
    const recall: Record<string, number> = {};
    let found = 0;
    for (const [alteration, counts] of collections) {
      const hits = upTo(counts, distance);
      recall[alteration] = hits / upTo(counts, counts.length - 1);
      found += hits;
    }
    const missed = upTo(wrong, distance);
    return {
      distance,
      recall,
      precision: found / (found + missed),
      wrong: missed / collections.length,
      unclear: upTo(unclear, distance) / collections.length,
    };
  });
}

/** The largest distance at which precision is `precision` or above; -1 when there is none. */
export function largestPrecise(counts: PairCounts, precision: number): number {
  const distances = Array.from(counts.wrong, (_, distance) => distance);
  return detectionTable(counts, distances).findLast((row) => row.precision >= precision)?.distance ?? -1;
}
