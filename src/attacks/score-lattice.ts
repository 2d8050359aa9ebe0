/**
 * Ciphertext only, on scores: whether the scores of one search lie on a lattice, and so give away exact relative distances.
 *
 * A code agrees with a code in a whole number of bits. Where a query weighs all bits of its code alike (a search by id that looks at one
 * feature), scores are `r w d + t` with whole d, and scale and shift hide neither the steps nor their number.
 * Steps show as a peak of `|mean exp(2 pi i f s)|` over frequencies f. Real-valued queries have no steps, unequal weights have one each;
 * noise of half a step hides them.
 * @module
 */

/** How far above chance (`1/sqrt(scores)`) a peak has to stand. */
const PEAK = 5;
/** Frequencies looked at, per step that fits once into the range of the scores. */
const OVERSAMPLING = 4;
/** The fewest steps in the range of the scores that are looked for: slower waves fit any smooth heap of scores. */
const FEWEST_STEPS = 12;
/** Scores looked at while searching; the peak is then weighed on all. */
const SAMPLE = 800;

/** A lattice, as the scores show it. */
export interface Lattice {
  /** Whether a step stands out. */
  readonly found: boolean;
  /** `|mean exp(2 pi i f s)|` at the best frequency: 1 on a perfect lattice, about `1/sqrt(scores)` on none. */
  readonly peak: number;
  /** Score of one step. */
  readonly step: number;
  /** Steps below the best score: differences of distances, if the lattice is real. */
  readonly distances: Int32Array;
}

/**
 * Looks for the lattice.
 * @param scores - Of one search, of all stored images.
 * @param bits - Bits of a code: no range holds more steps.
 */
export function scoreLattice(scores: ArrayLike<number>, bits: number): Lattice {
  const values = Float64Array.from(scores);
  const highest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const range = highest - values.reduce((a, b) => Math.min(a, b), Infinity);
  const none = { found: false, peak: 0, step: range, distances: new Int32Array(values.length) };
  if (!(range > 0)) return none;
  const sample = values.subarray(0, SAMPLE);
  let best = 0;
  let most = 0;
  for (let i = FEWEST_STEPS * OVERSAMPLING; i <= bits * OVERSAMPLING; i++) {
    const frequency = i / (OVERSAMPLING * range);
    const height = peakAt(sample, frequency);
    // Every multiple of the true frequency is a peak too: a later one has to be clearly higher.
    if (height > 1.2 * most) [most, best] = [height, frequency];
  }
  // Between the frequencies of the grid, and at most two of its places up, where the peak was too little higher to be taken.
  for (let width = 1 / (OVERSAMPLING * range); width > 1e-4 / (bits * range); width /= 2)
    for (const frequency of [best - width, best + width]) {
      const height = peakAt(values, frequency);
      if (height > peakAt(values, best)) best = frequency;
    }
  const peak = peakAt(values, best);
  const step = 1 / best;
  return {
    found: peak > PEAK / Math.sqrt(values.length),
    peak,
    step,
    distances: Int32Array.from(values, (value) => Math.round((highest - value) / step)),
  };
}

function peakAt(values: Float64Array, frequency: number): number {
  let real = 0;
  let imaginary = 0;
  for (const value of values) {
    const angle = 2 * Math.PI * frequency * value;
    real += Math.cos(angle);
    imaginary += Math.sin(angle);
  }
  return Math.hypot(real, imaginary) / values.length;
}
