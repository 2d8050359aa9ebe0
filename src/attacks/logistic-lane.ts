/**
 * One lane of the logistic keystream, solved from a few of its outputs: after that, all that it will ever emit is known.
 *
 * A step emits the low 32 bits of x, as f64; the upper half is hidden, and mu with it. The first x has 2^21 likely upper halves (x in
 * [1/4, 1)); each leaves a few for the next x, since mu is known to 5 digits; the two give mu = x' / (x (1 - x)) up to rounding; and the third output tells
 * which pair was right. That is some 50 million divisions: less than a second. Where x is below 1/4, a later output is tried as the first; after a very
 * small x, as one lane in fifty has it, all are, and the last of them is looked for below 1/4.
 * @module
 */

/** Bounds of mu, as the scheme draws it. */
const LEAST_MU = 3.9999;
const MOST_MU = 3.99999;
/** Upper halves of 2^-12, 1/4 and 1 as f64. */
const SMALL = 0x3f300000;
const QUARTER = 0x3fd00000;
const ONE = 0x3ff00000;
/** From an upper half to that of the double number. */
const OCTAVE = 0x00100000;
/** By how many units in the last place the quotient may miss mu, and what that does to the third output. */
const ULPS = 4;
const TOLERANCE = 64;
/** Outputs that one solution takes: two to solve, two to be sure. */
const NEEDED = 4;

/** A solved lane. */
export interface Lane {
  readonly mu: number;
  /** Index of an output, and the x it came from. */
  readonly step: number;
  readonly x: number;
}

// One f64 seen as two words, low half first.
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/**
 * Solves a lane.
 * @param outputs - Its first outputs, one after another, at least {@link NEEDED}: more make it likelier that one of them suits.
 * @param starts - How many of the outputs are tried as the first; only when all are, the last of them is also looked for below 1/4.
 * @returns Undefined when nothing fits: these are no outputs of the logistic map, or no start suits.
 */
export function solveLane(outputs: Uint32Array, starts: number = Infinity): Lane | undefined {
  const all = Math.max(0, outputs.length - NEEDED + 1);
  for (let step = 0; step < Math.min(starts, all); step++) {
    const found = solveAt(outputs, step, QUARTER, ONE);
    if (found !== undefined) return found;
  }
  if (all === 0 || starts < all) return undefined;
  for (let from = QUARTER - OCTAVE; from >= SMALL; from -= OCTAVE) {
    const found = solveAt(outputs, all - 1, from, from + OCTAVE);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a solved lane emits: u32[count], from output 0 on; outputs before the solved step are zero. */
export function laneOutputs({ mu, step, x }: Lane, count: number): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(count);
  for (let i = step, value = x; i < count; i++) {
    out[i] = lowHalf(value);
    value = next(mu, value);
  }
  return out;
}

/** Takes output `step` for that of an x whose upper half is in `from .. to`. */
function solveAt(outputs: Uint32Array, step: number, from: number, to: number): Lane | undefined {
  const [first, second, third] = [outputs[step]!, outputs[step + 1]!, outputs[step + 2]!];
  for (let upper = from; upper < to; upper++) {
    words[0] = first;
    words[1] = upper;
    const x = double[0]!;
    const parabola = x * (1 - x);
    double[0] = LEAST_MU * parabola;
    const least = words[1]!;
    double[0] = MOST_MU * parabola;
    const most = words[1]!;
    for (let half = least; half <= most; half++) {
      words[0] = second;
      words[1] = half;
      const y = double[0]!;
      const mu = y / parabola;
      if (!(mu >= LEAST_MU && mu < MOST_MU)) continue;
      double[0] = next(mu, y);
      const miss = (words[0]! - third) | 0;
      if (miss > TOLERANCE || miss < -TOLERANCE) continue;
      const lane = refine(outputs, step, x, y, mu);
      if (lane !== undefined) return lane;
    }
  }
  return undefined;
}

/** The mu beside the quotient that gives every output to the last bit. */
function refine(outputs: Uint32Array, step: number, x: number, y: number, quotient: number): Lane | undefined {
  for (let ulps = -ULPS; ulps <= ULPS; ulps++) {
    const mu = quotient + ulps * 2 ** -51;
    if (next(mu, x) !== y) continue;
    const lane = { mu, step, x };
    const emitted = laneOutputs(lane, outputs.length);
    if (emitted.every((word, i) => i < step || word === outputs[i])) return lane;
  }
  return undefined;
}

/** As the scheme computes it: the order of the operations is part of it. */
function next(mu: number, x: number): number {
  return mu * x * (1 - x);
}

function lowHalf(value: number): number {
  double[0] = value;
  return words[0]!;
}
