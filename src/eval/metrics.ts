/**
 * How good a ranking is: precision, recall, average precision.
 *
 * A ranking is candidate numbers, best first, without the query; `relevant` says of each candidate whether it is
 * what was looked for. Standard definitions: average precision is taken over all relevant candidates of the
 * collection, whether or not the ranking reaches them (Manning, Raghavan and Schuetze, Introduction to Information
 * Retrieval, 2008, section 8.4).
 * @module
 */
import { assertInteger } from '../base/assert.ts';

/**
 * Candidates by falling score; ties go to the lower number.
 * @param scores - Larger is nearer.
 * @param query - The candidate that is the query itself, left out; -1 for none.
 * @returns u32, new.
 */
export function rank(scores: ArrayLike<number>, query = -1): Uint32Array<ArrayBuffer> {
  const order: number[] = [];
  for (let i = 0; i < scores.length; i++) if (i !== query) order.push(i);
  return Uint32Array.from(order.sort((a, b) => scores[b]! - scores[a]! || a - b));
}

/**
 * Share of relevant candidates among the first k; places that the ranking does not fill count as not relevant.
 * @throws On a k below 1. {@link RangeError}
 */
export function precisionAt(ranking: ArrayLike<number>, relevant: ArrayLike<number>, k: number): number {
  return hits(ranking, relevant, k) / k;
}

/**
 * Mean of the precision at the rank of each relevant candidate, 0 for those that are not reached; NaN when there
 * are none.
 * @param ranking - All candidates but the query, or the first of them.
 * @param relevant - Per candidate, non-zero when relevant. A query that marks itself must not be in the ranking.
 * @param count - Relevant candidates there are; unless told, those in the ranking, which then must be complete.
 */
export function averagePrecision(
  ranking: ArrayLike<number>,
  relevant: ArrayLike<number>,
  count: number = hits(ranking, relevant, Math.max(1, ranking.length)),
): number {
  let found = 0;
  let sum = 0;
  for (let i = 0; i < ranking.length; i++)
    if (relevant[ranking[i]!]) {
      found++;
      sum += found / (i + 1);
    }
  return sum / count;
}

/** Mean of the numbers that are numbers; NaN when there are none. */
export function mean(values: readonly number[]): number {
  const counted = values.filter((value) => !Number.isNaN(value));
  return counted.reduce((sum, value) => sum + value, 0) / counted.length;
}

function hits(ranking: ArrayLike<number>, relevant: ArrayLike<number>, k: number): number {
  assertInteger(k, 'k', 1, Number.MAX_SAFE_INTEGER);
  let found = 0;
  for (let i = 0; i < Math.min(k, ranking.length); i++) if (relevant[ranking[i]!]) found++;
  return found;
}
