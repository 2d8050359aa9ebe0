/** The definitions of the codes layer, slow and obvious: bits as +1/-1, scores as sums, weights as areas. */

export interface PlainBlock {
  readonly dims: number;
  readonly bits: number;
  readonly normalise: boolean;
  readonly mean: ArrayLike<number>;
  readonly matrix: ArrayLike<number>;
  readonly offset: ArrayLike<number>;
}

function unit(x: number[]): number[] {
  const norm = Math.hypot(...x);
  return norm === 0 ? x : x.map((value) => value / norm);
}

/** v = M * pre(x) - offset */
export function project(block: PlainBlock, descriptor: ArrayLike<number>): number[] {
  let x = Array.from(descriptor);
  if (block.normalise) x = unit(x);
  x = x.map((value, i) => value - block.mean[i]!);
  if (block.normalise) x = unit(x);
  return Array.from({ length: block.bits }, (_, row) => {
    let sum = -block.offset[row]!;
    for (let i = 0; i < block.dims; i++) sum += block.matrix[row * block.dims + i]! * x[i]!;
    return sum;
  });
}

/** The bits of a packed code as +1/-1. */
export function signs(code: Uint8Array): number[] {
  return Array.from({ length: 8 * code.length }, (_, i) => ((code[Math.floor(i / 8)]! >> (i % 8)) % 2 === 1 ? 1 : -1));
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** w * <v, b> / n with v scaled to norm sqrt(n), or reduced to signs. */
export function contribution(weight: number, v: readonly number[], b: readonly number[], asymmetric: boolean): number {
  const n = v.length;
  const scaled = asymmetric ? unit([...v]).map((x) => x * Math.sqrt(n)) : v.map((x) => (x >= 0 ? 1 : -1));
  return (weight * dot(scaled, b)) / n;
}

/** Scores (n - 2 hamming) / n of one code against others, falling. */
export function sortedScores(code: readonly number[], others: readonly (readonly number[])[]): number[] {
  return others.map((other) => dot(code, other) / code.length).sort((a, b) => b - a);
}

/**
 * Area of SCHEME 2.1: subtract the curve whose tail is nearest, scale to 0..1, mean height. Of each curve only the
 * scores at `ranks` are known: between them it is a straight line, and in the tail each is held up to the next.
 */
export function area(curve: readonly number[], references: readonly (readonly number[])[], ranks: number[]): number {
  const last = ranks[ranks.length - 1]!;
  const every = Array.from({ length: last + 1 }, (_, rank) => rank);
  const below = (rank: number) => ranks.filter((known) => known <= rank).at(-1)!;
  const above = (rank: number) => ranks.find((known) => known >= rank)!;
  const first = ranks.find((rank) => rank >= references.length / 2)!;
  const gap = (reference: readonly number[]) =>
    every
      .filter((rank) => rank >= first)
      .reduce((sum, rank) => sum + (curve[below(rank)]! - reference[below(rank)]!) ** 2, 0);
  const gaps = references.map(gap);
  // Scores are multiples of 2 / n: gaps that differ by less than rounding are equal, and the first one is taken.
  const nearest = references[gaps.findIndex((value) => value <= Math.min(...gaps) + 1e-12)]!;
  const difference = every.map((rank) => {
    const [low, high] = [below(rank), above(rank)];
    const share = high === low ? 0 : (rank - low) / (high - low);
    return (1 - share) * (curve[low]! - nearest[low]!) + share * (curve[high]! - nearest[high]!);
  });
  const low = Math.min(...difference);
  const high = Math.max(...difference);
  if (high - low < 1e-12) return 1;
  const scaled = difference.map((value) => (value - low) / (high - low));
  let sum = 0;
  for (let i = 1; i < scaled.length; i++) sum += (scaled[i - 1]! + scaled[i]!) / 2;
  return sum / last;
}
