/**
 * One block of the fused code, and the features it is made from.
 *
 * A block takes one feature's descriptor to bits: `v = M * pre(x) - offset`, bit `i` is `v[i] >= 0`. `pre`
 * subtracts the training mean, between two L2 normalisations when `normalise` is set.
 * @module
 */

/** A feature that has a block in the fused code. */
export type Feature = 'ehd' | 'bow' | 'deep';

/** In the order of their blocks in the fused code. */
export const FEATURES: readonly Feature[] = ['ehd', 'bow', 'deep'];

/** The descriptors of one image. A feature that the image has nothing of is all zero. */
export type Descriptors = Record<Feature, Float32Array>;

/** The trained parameters of one block. */
export interface Block {
  readonly feature: Feature;
  /** Numbers of the descriptor. */
  readonly dims: number;
  /** Bits of the block, a multiple of 8. */
  readonly bits: number;
  /** Whether the descriptor is L2-normalised before and after the mean is subtracted. */
  readonly normalise: boolean;
  /** f32[dims] */
  readonly mean: Float32Array;
  /** f32[bits * dims], row-major */
  readonly matrix: Float32Array;
  /** f32[bits] */
  readonly offset: Float32Array;
  /** f32[bits]: standard deviation of `v` over the training images */
  readonly deviation: Float32Array;
}
