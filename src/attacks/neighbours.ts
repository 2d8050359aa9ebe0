/**
 * How well something tells which images are alike: the share of true neighbours among the first ten that it names.
 * @module
 */
import { rank } from '../eval/metrics.ts';

/** Neighbours looked for. */
const NEIGHBOURS = 10;

/** A share against what guessing gives. */
export interface NeighbourShare {
  /** P@10: the share of the ten named images that are among the ten truly nearest. */
  readonly found: number;
  /** Its expectation when images are named by lot. */
  readonly chance: number;
  /** Images asked for. */
  readonly asked: number;
}

/**
 * The truth: the images whose codes agree most with each of `asked`, ties by the lower number.
 * @param codes - u8[count * codeBytes], packed.
 */
export function nearestCodes(codes: Uint8Array, codeBytes: number, asked: ArrayLike<number>): Set<number>[] {
  const count = codes.length / codeBytes;
  return Array.from(asked, (image) => {
    const scores = new Float64Array(count);
    for (let other = 0; other < count; other++) {
      let distance = 0;
      for (let i = 0; i < codeBytes; i++)
        distance += ONES[codes[image * codeBytes + i]! ^ codes[other * codeBytes + i]!]!;
      scores[other] = -distance;
    }
    return new Set(rank(scores, image).subarray(0, NEIGHBOURS));
  });
}

/**
 * Measures a guess.
 * @param truth - From {@link nearestCodes}.
 * @param likeness - The attacker's: how alike `asked[i]` is to every image; larger is nearer.
 */
export function neighbourShare(
  truth: readonly ReadonlySet<number>[],
  asked: ArrayLike<number>,
  count: number,
  likeness: (image: number) => ArrayLike<number>,
): NeighbourShare {
  let hits = 0;
  truth.forEach((near, i) => {
    const named = rank(likeness(asked[i]!), asked[i]!).subarray(0, NEIGHBOURS);
    hits += named.filter((image) => near.has(image)).length;
  });
  const places = Math.min(NEIGHBOURS, count - 1);
  return { found: hits / (places * truth.length), chance: places / (count - 1), asked: truth.length };
}

/** Bits set in each byte. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);
