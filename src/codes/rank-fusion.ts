/**
 * Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): joins rankings by rank alone. It needs a
 * ranking per feature, so it stands beside the weighted fusion for comparison, and cannot run on ciphertext.
 * @module
 */
import { assertInteger } from '../base/assert.ts';

/** The constant of the paper. */
const RANK_OFFSET = 60;

/**
 * Score of each candidate: the sum of `1 / (60 + rank)` over the rankings that hold it, ranks from 1.
 * @param rankings - Candidate numbers, best first.
 * @param count - Of candidates.
 * @returns f64[count]; larger is nearer.
 * @throws On a candidate number out of range. {@link RangeError}
 */
export function fuseRanks(rankings: readonly Uint32Array[], count: number): Float64Array<ArrayBuffer> {
  assertInteger(count, 'count', 0, 2 ** 32 - 1);
  const scores = new Float64Array(count);
  for (const ranking of rankings)
    for (let i = 0; i < ranking.length; i++) {
      const candidate = ranking[i]!;
      assertInteger(candidate, 'candidate', 0, count - 1);
      scores[candidate]! += 1 / (RANK_OFFSET + i + 1);
    }
  return scores;
}
