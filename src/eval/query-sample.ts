/**
 * Some of many, evenly spaced.
 * @module
 */

/** Numbers below `count`, ascending: all of them, or `most`. */
export function evenly(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken));
}

/** The middle one; NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
