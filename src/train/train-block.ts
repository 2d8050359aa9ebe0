/**
 * One block of the fused code, from descriptors: PCA, in part whitened, then the ITQ rotation.
 * @module
 */
import { assertFloats, assertInteger, assertNumber } from '../base/assert.ts';
import type { Block, Feature } from '../codes/block.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { multiplyF32, multiplyTransposedF32 } from '../wasm/matrix.ts';
import { quantise } from './itq.ts';
import { transpose } from './transpose.ts';
import { principalAxes, type PrincipalAxes } from './pca.ts';

/** What a block is to be. */
export interface BlockShape {
  /** A multiple of 8, at most the descriptor's dims. 0 leaves the feature out. */
  readonly bits: number;
  readonly normalise: boolean;
  /**
   * How far the axes are brought to one variance before they are rotated: each is divided by its standard deviation to this power. 0,
   * unless told: not at all; 1: wholly (Jegou and Chum, "Negative evidences and co-occurences in image retrieval", ECCV 2012).
   */
  readonly whitening?: number;
}

/** No axis is taken to vary less than this share of the first one, so that noise is not blown up. */
const LEAST_VARIANCE = 1e-6;

/** How {@link trainBlock} runs. */
export interface TrainBlockOptions extends BlockShape {
  readonly feature: Feature;
  readonly seed: number;
  /** Of ITQ. */
  readonly iterations: number;
  /** Of the rows as {@link centreRows} gives them, `bits` or more; found unless they are known. */
  readonly principal?: PrincipalAxes;
}

/**
 * Trains a block; yields the share that is done, in 0..1, so that the caller can breathe.
 * @param kernels - An instance that holds nothing else.
 * @param rows - f32[count * dims]: one descriptor per image.
 */
export function* trainBlock(
  kernels: Kernels,
  rows: Float32Array,
  dims: number,
  { feature, bits, normalise, whitening = 0, seed, iterations, principal: known }: TrainBlockOptions,
): Generator<number, Block> {
  assertInteger(bits, 'bits', 0, Math.min(dims, 1024));
  if (bits % 8 !== 0) throw new RangeError(`"bits" expected multiple of 8, got ${bits}`);
  assertNumber(whitening, 'whitening', 0, 1);
  assertFloats(rows, 'rows');
  if (bits === 0) {
    const none = new Float32Array(0);
    return {
      feature,
      dims,
      bits,
      normalise,
      mean: new Float32Array(dims),
      matrix: none,
      offset: none,
      deviation: none,
    };
  }
  const count = rows.length / dims;
  assertInteger(count, 'count', 2, 2 ** 32);

  const { centred, mean } = centreRows(rows, dims, normalise);
  yield 0;

  const principal = known ?? principalAxes(centred, dims, bits);
  const axes = principal.axes.slice(0, bits * dims);
  const floor = LEAST_VARIANCE * principal.variances[0]!;
  for (let i = 0; i < bits; i++) {
    const scale = Math.max(floor, principal.variances[i]!) ** (-whitening / 2);
    // Rows of one and the same descriptor have no variance at all.
    if (Number.isFinite(scale)) for (let j = 0; j < dims; j++) axes[i * dims + j]! *= scale;
  }
  yield 0.3;
  // Normalising a second time moves the mean again.
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < dims; j++, at++) centred[at]! -= principal.mean[j]!;
  const projected = multiplyTransposedF32(kernels, centred, axes, count, dims, bits);
  const steps = quantise(kernels, projected, bits, { seed, iterations });
  let rotation: Float32Array | undefined;
  while (rotation === undefined) {
    const step = steps.next();
    if (step.done === true) rotation = step.value;
    else yield 0.3 + (0.7 * step.value.iteration) / iterations;
  }

  const matrix = multiplyF32(kernels, transpose(rotation, bits, bits), axes, bits, bits, dims);
  const offset = multiplyF32(kernels, matrix, principal.mean, bits, dims, 1);
  const values = multiplyF32(kernels, projected, rotation, count, bits, bits);
  const deviation = new Float32Array(bits);
  for (let j = 0; j < bits; j++) {
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < count; i++) {
      sum += values[i * bits + j]!;
      squares += values[i * bits + j]! ** 2;
    }
    deviation[j] = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  }
  return { feature, dims, bits, normalise, mean, matrix, offset, deviation };
}

/** The rows less their mean, and that mean; where `normalise` says so, L2-normalised before and after. New. */
export function centreRows(
  rows: Float32Array,
  dims: number,
  normalise: boolean,
): { readonly centred: Float32Array<ArrayBuffer>; readonly mean: Float32Array<ArrayBuffer> } {
  const centred = rows.slice();
  if (normalise) normaliseRows(centred, dims);
  const mean = meanRow(centred, dims);
  for (let at = 0; at < centred.length; at += dims) for (let j = 0; j < dims; j++) centred[at + j]! -= mean[j]!;
  if (normalise) normaliseRows(centred, dims);
  return { centred, mean };
}

/** f32[dims]: the mean of the rows. New. */
export function meanRow(rows: Float32Array, dims: number): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(dims);
  for (let at = 0; at < rows.length; at += dims) for (let j = 0; j < dims; j++) sums[j]! += rows[at + j]!;
  return Float32Array.from(sums, (sum) => (sum * dims) / rows.length);
}

/** L2-normalises each row; zeros stay zeros. In place. */
export function normaliseRows(rows: Float32Array, dims: number): void {
  for (let at = 0; at < rows.length; at += dims) {
    let sum = 0;
    for (let j = 0; j < dims; j++) sum += rows[at + j]! ** 2;
    if (sum === 0) continue;
    const scale = 1 / Math.sqrt(sum);
    for (let j = 0; j < dims; j++) rows[at + j]! *= scale;
  }
}
