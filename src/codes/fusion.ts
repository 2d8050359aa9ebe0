/**
 * Adaptive weighted fusion: how much each feature counts, query by query.
 *
 * `S(q, d) = sum_f w_f <v_f(q), b_f(d)> / n_f`, with `n_f` bits of feature f, bits as +1/-1 and `sum_f w_f = 1`.
 * The weights go into the query alone: `S = <query, code> / n`. The query-adaptive weights follow Zheng et al.,
 * "Query-Adaptive Late Fusion for Image Search and Person Re-identification", CVPR 2015, section 3.
 * @module
 */
import { assertBytes, assertFloats, assertNumber } from '../base/assert.ts';
import { FEATURES, type Feature } from './block.ts';
import { blockStarts, scoreCurve } from './curves.ts';
import { fuse, type Projections } from './encoder.ts';
import { packSigns } from './pack-signs.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * How features are weighed:
 *
 * - `area`: `w ~ 1 / A`, with A the area under the query's score curve (Zheng et al.);
 * - `static`: by their accuracy in training;
 * - `adaptive`: `w ~ static / sqrt(A)`. The area alone lets a feature that is confident and wrong outvote a better one
 *   (docs/ABLATION.md, rows "weights");
 * - `entropy`: by the entropy of the query's scores;
 * - `equal`: all alike.
 */
export type WeightRule = 'adaptive' | 'area' | 'static' | 'entropy' | 'equal';

/** One number per feature. */
export type Weights = Record<Feature, number>;

/** No area, and no lack of entropy, is taken to be smaller than this. */
const FLOOR = 1e-3;

/** Whether a query keeps its real projections (the default: docs/ABLATION.md, rows "query") or is reduced to the signs of its code. */
export interface QueryOptions {
  readonly asymmetric?: boolean;
}

/** Weighs and fuses the features of a query. */
export class Fusion {
  readonly #vocabulary: Vocabulary;
  readonly #starts: Record<Feature, number>;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#starts = blockStarts(vocabulary.blocks);
  }

  /**
   * Weight of each feature for one query, sum 1. A feature that the query has nothing of (a projection of zeros;
   * in a code, all bits set) gets 0.
   * @param query - Its projections, or its fused code: both give the same weights.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On wrong lengths, an unknown rule, or a rule that needs references where there are none. {@link RangeError}
   */
  weights(query: Projections | Uint8Array, rule: WeightRule): Weights {
    const code = query instanceof Uint8Array ? query : packSigns(this.#fuse(query));
    assertBytes(code, 'query', this.#vocabulary.codeBytes);
    const { blocks, staticWeights } = this.#vocabulary;
    const raw: Weights = { ehd: 0, bow: 0, deep: 0 };
    const present = FEATURES.filter((feature) => blocks[feature].bits > 0 && this.#present(code, feature));
    for (const feature of present)
      if (rule === 'equal') raw[feature] = 1;
      else if (rule === 'static') raw[feature] = staticWeights[feature];
      else if (rule === 'area') raw[feature] = 1 / Math.max(FLOOR, this.#area(code, feature));
      else if (rule === 'adaptive')
        raw[feature] = staticWeights[feature] / Math.sqrt(Math.max(FLOOR, this.#area(code, feature)));
      else if (rule === 'entropy') raw[feature] = Math.max(FLOOR, 1 - this.#entropy(code, feature));
      else throw new RangeError(`"rule" expected adaptive, area, static, entropy or equal, got ${String(rule)}`);
    return normalise(raw, present.length > 0 ? present : FEATURES.filter((feature) => blocks[feature].bits > 0));
  }

  /**
   * The query vector: `<query, code> = n * S`, with the bits of a stored code as +1/-1.
   * @param weights - Of {@link weights}, or the caller's own.
   * @returns f32[bits], new.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On projections of other lengths, or weights outside 0..1. {@link RangeError}
   */
  query(projections: Projections, weights: Weights, options: QueryOptions = {}): Float32Array<ArrayBuffer> {
    const out = this.#fuse(projections);
    const { blocks, bits } = this.#vocabulary;
    for (const feature of FEATURES) {
      assertNumber(weights[feature], `weights.${feature}`, 0, 1);
      const start = this.#starts[feature];
      const n = blocks[feature].bits;
      if (n > 0)
        unit(out.subarray(start, start + n), options.asymmetric ?? true, (bits * weights[feature]) / Math.sqrt(n));
    }
    return out;
  }

  /**
   * What each feature adds to the score of one stored code: `w_f <v_f, b_f> / n_f`. They sum to S, in -1..1.
   * @param code - u8[codeBytes]
   * @throws On wrong argument types. {@link TypeError}
   * @throws On wrong lengths, or weights outside 0..1. {@link RangeError}
   */
  contributions(projections: Projections, weights: Weights, code: Uint8Array, options: QueryOptions = {}): Weights {
    return this.split(this.query(projections, weights, options), code);
  }

  /**
   * The same of a query vector made before: what each feature adds to `<query, code> / n`.
   * @param query - f32[bits], from {@link query}.
   * @param code - u8[codeBytes]
   * @throws On wrong argument types. {@link TypeError}
   * @throws On wrong lengths. {@link RangeError}
   */
  split(query: Float32Array, code: Uint8Array): Weights {
    const { blocks, bits, codeBytes } = this.#vocabulary;
    assertFloats(query, 'query', bits);
    assertBytes(code, 'code', codeBytes);
    const out: Weights = { ehd: 0, bow: 0, deep: 0 };
    for (const feature of FEATURES) {
      const start = this.#starts[feature];
      const end = start + blocks[feature].bits;
      let sum = 0;
      for (let i = start; i < end; i++) sum += (code[i >> 3]! >> (i & 7)) & 1 ? query[i]! : -query[i]!;
      out[feature] = sum / bits;
    }
    return out;
  }

  #fuse(projections: Projections): Float32Array<ArrayBuffer> {
    for (const feature of FEATURES) assertFloats(projections[feature], feature, this.#vocabulary.blocks[feature].bits);
    return fuse(projections);
  }

  /** A projection of zeros has all bits set; no projection of a real descriptor is likely to. */
  #present(code: Uint8Array, feature: Feature): boolean {
    const from = this.#starts[feature] / 8;
    return code.subarray(from, from + this.#vocabulary.blocks[feature].bits / 8).some((byte) => byte !== 0xff);
  }

  /** Distances to all references, ascending, in bits. */
  #curve(code: Uint8Array, feature: Feature): Uint16Array {
    const { references, blocks } = this.#vocabulary;
    if (references.count === 0) throw new RangeError('"rule" expected one without references: the vocabulary has none');
    return scoreCurve(code, references.codes, this.#starts[feature], blocks[feature].bits);
  }

  /**
   * Area under the query's score curve, less the nearest reference's, scaled to 0..1: small where few references
   * stand out from the rest.
   */
  #area(code: Uint8Array, feature: Feature): number {
    const distances = this.#curve(code, feature);
    const { count, ranks, curves } = this.#vocabulary.references;
    const samples = ranks.length;
    const curve = ranks.map((rank) => distances[rank]!);
    // The reference whose curve ends most like this one: the tail is what a query without relevant images shows.
    const tail = ranks.findIndex((rank) => rank >= count / 2);
    let nearest = 0;
    let least = Infinity;
    for (let row = 0; row < count; row++) {
      let sum = 0;
      for (let j = tail; j < samples && sum < least; j++) {
        // Samples are not evenly spaced: each stands for the ranks up to the next.
        const width = j + 1 < samples ? ranks[j + 1]! - ranks[j]! : 1;
        sum += width * (curve[j]! - curves[feature][row * samples + j]!) ** 2;
      }
      if (sum < least) {
        least = sum;
        nearest = row;
      }
    }
    // A score falls as its distance grows: score difference = reference distance - distance.
    const difference = Array.from(curve, (distance, j) => curves[feature][nearest * samples + j]! - distance);
    return areaUnder(difference, ranks);
  }

  /** Entropy of the query's scores, scaled to 0..1: 1 where all references are equally near. */
  #entropy(code: Uint8Array, feature: Feature): number {
    const distances = this.#curve(code, feature);
    const far = distances[distances.length - 1]!;
    let sum = 0;
    for (const distance of distances) sum += far - distance;
    if (sum === 0) return 1;
    let entropy = 0;
    for (const distance of distances) {
      const share = (far - distance) / sum;
      if (share > 0) entropy -= share * Math.log(share);
    }
    return entropy / Math.log(distances.length);
  }
}

/**
 * Area under a curve, its values scaled to 0..1 and its ranks to 0..1; trapezoids between the samples. A flat
 * curve tells nothing and has area 1.
 * @param values - One per rank.
 * @param ranks - Ascending.
 */
export function areaUnder(values: readonly number[], ranks: Uint16Array): number {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  if (range === 0) return 1;
  let area = 0;
  for (let j = 1; j < values.length; j++)
    area += ((values[j - 1]! + values[j]! - 2 * least) / 2) * (ranks[j]! - ranks[j - 1]!);
  return area / (range * (ranks[ranks.length - 1]! - ranks[0]!));
}

/** Scales `features` to sum 1; alike when they are all 0. */
function normalise(raw: Weights, features: readonly Feature[]): Weights {
  const sum = features.reduce((total, feature) => total + raw[feature], 0);
  const out: Weights = { ehd: 0, bow: 0, deep: 0 };
  for (const feature of features) out[feature] = sum > 0 ? raw[feature] / sum : 1 / features.length;
  return out;
}

/** Scales to L2 norm `norm`, as it is or (not asymmetric) as signs; zeros stay zeros. In place. */
function unit(values: Float32Array, asymmetric: boolean, norm: number): void {
  let sum = 0;
  for (const value of values) sum += value * value;
  if (sum === 0) return;
  const scale = norm / Math.sqrt(asymmetric ? sum : values.length);
  for (let i = 0; i < values.length; i++)
    values[i] = asymmetric ? values[i]! * scale : values[i]! >= 0 ? scale : -scale;
}
