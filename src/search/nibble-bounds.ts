/**
 * An asymmetric query in steps of 6 bits a half byte, and how far a score can be above what they say: `assembly/asymmetric-bound.ts`.
 *
 * The numbers of one half byte of a code add up to one of 16 sums. Less the least of the sixteen, and rounded to whole steps, they are at most 63. A code's steps
 * add up to A; its score is at most `step A + offset`, the offset being the least sums, and of every half byte the most by which a sum is
 * above its steps. The exact kernel adds in f32: no number goes through more than 50 additions there, each off by 2^-24 of a partial sum, which
 * is never above the sum of all absolute numbers. Twice that is added.
 * @module
 */

/** A query as steps. */
export interface NibbleBounds {
  /** u8[32 * codeBytes], each 0..63: for every byte 16 for its low half, 16 for its high half. */
  readonly steps: Uint8Array;
  /** No score is above `step A + offset`. */
  readonly offset: number;
  /** Above 0. */
  readonly step: number;
}

const MOST_STEPS = 63;
const NUMBERS = 4;
const SUMS = 2 ** NUMBERS;
const ROUNDING = 100 * 2 ** -24;
/** With numbers that add up to more, f32 may overflow. */
const MOST_SUM = 1e38;

/**
 * @param query - f32[8 * codeBytes].
 * @returns Undefined where nothing is to be bounded: no number but 0, or some too large, or not finite.
 */
export function nibbleBounds(query: Float32Array): NibbleBounds | undefined {
  const total = query.reduce((sum, number) => sum + Math.abs(number), 0);
  if (!(total > 0 && total < MOST_SUM)) return undefined;
  const halves = query.length / NUMBERS;
  const sums = new Float64Array(SUMS * halves);
  let widest = 0;
  let offset = ROUNDING * total;
  for (let half = 0; half < halves; half++) {
    // From the least sum on: every bit that has the sign of its number adds it twice.
    let width = 0;
    for (let i = 0; i < NUMBERS; i++) {
      const number = query[NUMBERS * half + i]!;
      width += 2 * Math.abs(number);
      for (let bits = 0; bits < SUMS; bits++)
        if (((bits >> i) & 1) === (number > 0 ? 1 : 0)) sums[SUMS * half + bits]! += 2 * Math.abs(number);
    }
    widest = Math.max(widest, width);
    offset -= width / 2;
  }
  const step = widest / MOST_STEPS;
  const steps = Uint8Array.from(sums, (sum) => Math.round(sum / step));
  for (let at = 0; at < sums.length; at += SUMS) {
    let slack = 0;
    for (let i = at; i < at + SUMS; i++) slack = Math.max(slack, sums[i]! - step * steps[i]!);
    offset += slack;
  }
  return { steps, offset, step };
}
