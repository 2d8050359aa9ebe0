/**
 * Whether a stored code is that of a copy of the query: the same photo, cropped, re-encoded, recoloured, framed.
 *
 * No weight can tell before the answers are known: a copy differs from a photo of the same kind in that the features agree on it far
 * beyond what they agree with anything else. So the client asks it of the codes it has opened, feature by feature, in standard deviations of the
 * query's similarities to the public reference codes.
 * @module
 */
import { FEATURES, type Feature } from './block.ts';
import { Fusion, type Weights } from './fusion.ts';
import type { Projections } from './encoder.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Features that tell a copy, alike. Edges do not: most changes move them more than another photo does. Fixed on copies of other photos
 * than those of `npm run copy-attack`.
 */
const TELLING: readonly Feature[] = ['bow', 'deep'];
/**
 * Standard deviations from which on it counts as a copy. On those other copies 5 to 6.5 found about alike many; less than 6 costs more mean
 * average precision on pairs that are no copies (what 6 costs: docs/ABLATION.md, rows "order").
 */
const THRESHOLD = 6;
/** Fewer references tell no deviation. */
const LEAST_REFERENCES = 16;
const ALONE: Weights = { ehd: 1, bow: 1, deep: 1 };

/** Which power of the weights the answers are drawn by that are opened: see {@link broaden}. */
const BREADTH = 0.6;

/**
 * Weights of the ranking that the answers to be opened are drawn from: more alike than those that order them, so that a copy which one
 * feature no longer knows is among them all the same. On copies of other photos, of the first ten by the given weights 9,999 in
 * 10,000 are still among the first 74.
 * @param weights - Not negative, sum above 0. A feature without weight stays so.
 * @returns Sum 1. New.
 */
export function broaden(weights: Weights): Weights {
  const sum = FEATURES.reduce((total, feature) => total + weights[feature] ** BREADTH, 0);
  return Object.fromEntries(FEATURES.map((feature) => [feature, weights[feature] ** BREADTH / sum])) as Weights;
}

/** Of one query. */
export class CopyEvidence {
  readonly #fusion: Fusion;
  /** f32[bits]: every feature with weight 1. */
  readonly #query: Float32Array;
  /** Mean and deviation of the similarities to the references, of the features that tell. */
  readonly #usual: { readonly feature: Feature; readonly mean: number; readonly deviation: number }[] = [];

  /**
   * @param vocabulary - With fewer than 16 reference codes, nothing counts as a copy.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On projections of other lengths. {@link RangeError}
   */
  constructor(vocabulary: Vocabulary, projections: Projections) {
    this.#fusion = new Fusion(vocabulary);
    this.#query = this.#fusion.query(projections, ALONE);
    const { references, codeBytes } = vocabulary;
    if (references.count < LEAST_REFERENCES) return;
    const similarities = Array.from({ length: references.count }, (_, i) =>
      this.#fusion.split(this.#query, references.codes.subarray(i * codeBytes, (i + 1) * codeBytes)),
    );
    for (const feature of TELLING) {
      const mean = similarities.reduce((sum, each) => sum + each[feature], 0) / references.count;
      const squares = similarities.reduce((sum, each) => sum + (each[feature] - mean) ** 2, 0);
      const deviation = Math.sqrt(squares / references.count);
      // None where the query has nothing of the feature, or no bits.
      if (deviation > 0) this.#usual.push({ feature, mean, deviation });
    }
  }

  /**
   * By how many standard deviations the code stands out beyond the threshold; 0 unless it does.
   * @param code - u8[codeBytes]
   * @throws On wrong argument types. {@link TypeError}
   * @throws On a code of another length. {@link RangeError}
   */
  excess(code: Uint8Array): number {
    const similarities = this.#fusion.split(this.#query, code);
    let sum = 0;
    for (const { feature, mean, deviation } of this.#usual) sum += (similarities[feature] - mean) / deviation;
    // A sum of as many deviates has their number as its variance.
    return this.#usual.length > 0 ? Math.max(0, sum / Math.sqrt(this.#usual.length) - THRESHOLD) : 0;
  }
}
