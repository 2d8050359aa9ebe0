/**
 * One block of the fused code: how a descriptor becomes a real vector, and that vector bits.
 * @module
 */

/** The features, in the order of their blocks in the fused code. */
export const FEATURES = ['ehd', 'bow', 'deep'] as const;

/** Name of a feature. */
export type Feature = (typeof FEATURES)[number];

/** `v = matrix * pre(x) - offset`; bit i is 1 where `v[i] >= 0`. */
export interface Block {
  readonly feature: Feature;
  /** Numbers of a descriptor. */
  readonly dims: number;
  /** Bits of the block, a multiple of 8. */
  readonly bits: number;
  /** Whether `pre` brings the descriptor to L2 norm 1, before and after it subtracts the mean. */
  readonly normalise: boolean;
  /** f32[dims], what `pre` subtracts. */
  readonly mean: Float32Array;
  /** f32[bits * dims], row-major. */
  readonly matrix: Float32Array;
  /** f32[bits] */
  readonly offset: Float32Array;
  /** f32[bits], standard deviation of v over the training set: it makes the margins of blocks comparable. */
  readonly deviation: Float32Array;
}
