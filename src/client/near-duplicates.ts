/**
 * Groups of pictures that are nearly the same, by the Hamming distance of their codes.
 *
 * A group is a star: one picture that is kept, and pictures that are each within the distance of **it**. Chains are not
 * followed: of a row of pictures each like the next, the last may have nothing of the first.
 * @module
 */
import { assertCodes, assertInteger } from '../base/assert.ts';
import { HammingTable } from '../search/hamming-table.ts';

/**
 * How far a near-duplicate may be, as a share of the code's bits: the row of docs/EVALUATION.md, "Near-duplicates", that is
 * printed in bold.
 */
export const DUPLICATE_DISTANCE = 0.06;

/** One group, of at least two. Numbers are those of the codes. */
export interface DuplicateGroup {
  readonly keep: number;
  readonly others: readonly { readonly index: number; readonly distance: number }[];
}

/**
 * Groups codes; yields after each, so that the caller can breathe. The work grows with the square of their number.
 * @param codes - `count * codeBytes` bytes, those to be kept first: of two that are near, the earlier one is kept.
 * @param codeBytes - A multiple of 8, at most 128.
 * @param distance - Most bits that may differ.
 * @returns Groups in the order of what is kept; the others nearest first, ties by number. Each code is in one group at most.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On part of a code, or a distance of more bits than there are. {@link RangeError}
 */
export function* groupDuplicates(
  module: WebAssembly.Module,
  codes: Uint8Array,
  codeBytes: number,
  distance: number,
): Generator<void, DuplicateGroup[], void> {
  const count = assertCodes(codes, codeBytes);
  assertInteger(distance, 'distance', 0, 8 * codeBytes);
  const table = new HammingTable(module, codeBytes);
  table.add(codes);
  const taken = new Uint8Array(count);
  const groups: DuplicateGroup[] = [];
  for (let keep = 0; keep < count; keep++) {
    if (taken[keep] === 0) {
      const distances = table.distances(codes.subarray(keep * codeBytes, (keep + 1) * codeBytes));
      const others: { index: number; distance: number }[] = [];
      for (let index = keep + 1; index < count; index++)
        if (distances[index]! <= distance && taken[index] === 0) {
          taken[index] = 1;
          others.push({ index, distance: distances[index]! });
        }
      others.sort((a, b) => a.distance - b.distance || a.index - b.index);
      if (others.length > 0) groups.push({ keep, others });
    }
    yield;
  }
  return groups;
}
