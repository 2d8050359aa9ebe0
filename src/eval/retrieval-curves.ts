/**
 * Curves over many queries: precision against recall, and precision against the number of answers.
 *
 * Interpolated precision at recall r is the largest precision at any recall of r or more, averaged over the queries (Manning,
 * Raghavan and Schuetze, Introduction to Information Retrieval, 2008, section 8.4).
 * @module
 */
import { averagePrecision, mean, precisionAt } from './metrics.ts';

/** Recall levels of the curve: 0, 0.05 .. 1. */
export const RECALL_LEVELS: readonly number[] = Array.from({ length: 21 }, (_, i) => i / 20);
/** Numbers of answers of the curve. */
export const ANSWER_COUNTS: readonly number[] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60, 80, 100];

/** Means over the queries that have something to find. */
export interface RetrievalCurves {
  readonly p1: number;
  readonly p10: number;
  readonly p20: number;
  readonly map: number;
  /** At each of {@link RECALL_LEVELS}. */
  readonly precisionAtRecall: readonly number[];
  /** At each of {@link ANSWER_COUNTS}. */
  readonly precisionAt: readonly number[];
  /** Mean average precision of the queries of each class. */
  readonly classes: Readonly<Record<string, number>>;
  /** Average precision of each query, in their order; null where nothing is relevant, as NaN is in JSON. */
  readonly each: readonly (number | null)[];
}

/**
 * Interpolated precision of one query at each of {@link RECALL_LEVELS}; NaN when nothing is relevant.
 * @param ranking - All candidates but the query, best first.
 * @param relevant - Per candidate, non-zero when relevant.
 * @param count - Relevant candidates there are.
 */
export function precisionAtRecall(ranking: ArrayLike<number>, relevant: ArrayLike<number>, count: number): number[] {
  if (count === 0) return RECALL_LEVELS.map(() => NaN);
  /** Precision where the n-th relevant one is found. */
  const precisions: number[] = [];
  for (let i = 0; i < ranking.length; i++)
    if (relevant[ranking[i]!]) precisions.push((precisions.length + 1) / (i + 1));
  for (let n = precisions.length - 2; n >= 0; n--) precisions[n] = Math.max(precisions[n]!, precisions[n + 1]!);
  // A margin for what rounding does to 0.05 * 20.
  return RECALL_LEVELS.map((level) => precisions[Math.max(0, Math.ceil(level * count - 1e-9) - 1)] ?? 0);
}

/**
 * @param rankings - One a photo, in order: the other photos, best first.
 * @param labels - Class of each photo; photos of the query's are relevant.
 * @param queries - Numbers of the photos that the rankings are of; all, in order, unless told.
 * @throws When there is not one ranking a query. {@link RangeError}
 */
export function retrievalCurves(
  rankings: readonly ArrayLike<number>[],
  labels: readonly string[],
  queries: readonly number[] = labels.map((_, i) => i),
): RetrievalCurves {
  if (rankings.length !== queries.length)
    throw new RangeError(`"rankings" expected ${queries.length} of them, got ${rankings.length}`);
  const recalls: number[][] = [];
  const answers: number[][] = [];
  const precisions: number[] = [];
  const classes: Record<string, number[]> = {};
  const firsts: number[][] = [];
  rankings.forEach((ranking, i) => {
    const query = queries[i]!;
    const relevant = labels.map((label) => Number(label === labels[query]));
    const count = relevant.reduce((a, b) => a + b, -1);
    recalls.push(precisionAtRecall(ranking, relevant, count));
    answers.push(ANSWER_COUNTS.map((k) => precisionAt(ranking, relevant, k)));
    firsts.push([1, 10, 20].map((k) => precisionAt(ranking, relevant, k)));
    const precision = averagePrecision(ranking, relevant, count);
    precisions.push(precision);
    (classes[labels[query]!] ??= []).push(precision);
  });
  const column = (rows: readonly (readonly number[])[], at: number): number => mean(rows.map((row) => row[at]!));
  return {
    p1: column(firsts, 0),
    p10: column(firsts, 1),
    p20: column(firsts, 2),
    map: mean(precisions),
    precisionAtRecall: RECALL_LEVELS.map((_, at) => column(recalls, at)),
    precisionAt: ANSWER_COUNTS.map((_, at) => column(answers, at)),
    classes: Object.fromEntries(Object.entries(classes).map(([label, values]) => [label, mean(values)])),
    each: precisions.map((value) => (Number.isNaN(value) ? null : value)),
  };
}
