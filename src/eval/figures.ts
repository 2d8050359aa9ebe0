/**
 * The figures that evaluation quotes of a labelled collection in which every photo is a query: precision among the first
 * 1, 10 and 20, and mean average precision; photos of the query's class are relevant, the query itself is left out.
 * @module
 */
import { averagePrecision, mean, precisionAt } from './metrics.ts';

/** Means over the queries, each in 0..1. */
export interface Figures {
  readonly p1: number;
  readonly p10: number;
  readonly p20: number;
  readonly map: number;
}

/**
 * @param rankings - One a photo, in order: the other photos, best first.
 * @param labels - Class of each photo.
 * @throws When there is not one ranking a photo. {@link RangeError}
 */
export function figuresOf(rankings: readonly ArrayLike<number>[], labels: readonly string[]): Figures {
  if (rankings.length !== labels.length)
    throw new RangeError(`"rankings" expected ${labels.length} of them, got ${rankings.length}`);
  const each = rankings.map((ranking, query) => {
    const relevant = labels.map((label) => Number(label === labels[query]));
    return [
      precisionAt(ranking, relevant, 1),
      precisionAt(ranking, relevant, 10),
      precisionAt(ranking, relevant, 20),
      averagePrecision(
        ranking,
        relevant,
        relevant.reduce((a, b) => a + b, -1),
      ),
    ] as const;
  });
  const column = (at: 0 | 1 | 2 | 3): number => mean(each.map((figures) => figures[at]));
  return { p1: column(0), p10: column(1), p20: column(2), map: column(3) };
}
