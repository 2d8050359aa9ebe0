/**
 * How sure a difference of two means is: the paired bootstrap over queries (Efron and Tibshirani, "An introduction to the bootstrap",
 * 1993, chapter 13; percentiles).
 * @module
 */
import { seededRandom } from '../base/random.ts';
import { mean } from './metrics.ts';

const RESAMPLES = 2000;

/** A mean difference with its 95 % interval. */
export interface Interval {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Mean of `a - b`. Pairs of which one is not a number (a query with nothing to find) are left out; of none, all is NaN.
 * @param a - One number a query.
 * @param b - Of the same queries.
 */
export function bootstrapDifference(a: readonly number[], b: readonly number[], seed: number): Interval {
  const differences = a.map((value, i) => value - b[i]!).filter((value) => !Number.isNaN(value));
  if (differences.length === 0) return { difference: NaN, low: NaN, high: NaN };
  const random = seededRandom(seed);
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < differences.length; i++) sum += differences[Math.floor(random() * differences.length)]!;
    return sum / differences.length;
  }).sort();
  return {
    difference: mean(differences),
    low: means[Math.floor(0.025 * RESAMPLES)]!,
    high: means[Math.ceil(0.975 * RESAMPLES) - 1]!,
  };
}

/** In points of a hundred: `+0.12 (-0.03 to +0.25)`. */
export function describeInterval({ difference, low, high }: Interval): string {
  const points = (value: number): string => (value < 0 ? '' : '+') + (100 * value).toFixed(2);
  return `${points(difference)} (${points(low)} to ${points(high)})`;
}
