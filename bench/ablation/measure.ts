/** Figures of one row: every so many photos is a query, photos of its class are relevant, the query itself is left out. */
import { averagePrecision, mean, precisionAt, rank } from '../../src/eval/metrics.ts';

/** One number per photo; larger is nearer. */
export type Ranker = (query: number) => ArrayLike<number>;

export interface Figures {
  readonly p10: number;
  readonly p20: number;
  readonly map: number;
  /** Average precision of each query. */
  readonly each: readonly number[];
  /** Mean milliseconds to score all photos for one query. */
  readonly ms: number;
}

/** Ranks all photos for every `step`-th of them. */
export function measure(labels: readonly string[], ranker: Ranker, step: number): Figures {
  const [p10, p20, each]: number[][] = [[], [], []];
  let ms = 0;
  for (let query = 0; query < labels.length; query += step) {
    const start = performance.now();
    const scores = ranker(query);
    ms += performance.now() - start;
    const ranking = rank(scores, query);
    const relevant = Uint8Array.from(labels, (label) => Number(label === labels[query]));
    p10!.push(precisionAt(ranking, relevant, 10));
    p20!.push(precisionAt(ranking, relevant, 20));
    // Alone in its class: no figure of it.
    const precision = averagePrecision(ranking, relevant);
    if (!Number.isNaN(precision)) each!.push(precision);
  }
  return { p10: mean(p10!), p20: mean(p20!), map: mean(each!), each: each!, ms: ms / p10!.length };
}
