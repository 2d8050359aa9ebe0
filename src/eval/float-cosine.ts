/**
 * The yardstick: what the deep descriptors can do before they are binarised.
 *
 * L2-normalise, subtract the training mean, L2-normalise, cosine.
 * @module
 */
import { assertFloats } from '../base/assert.ts';

/**
 * Unit vectors whose inner products are the scores.
 * @param descriptors - f32[count * dims]
 * @param mean - f32[dims]: of the L2-normalised training descriptors (a vocabulary's `deepMean`).
 * @returns f32[count * dims], new.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On anything but a whole number of descriptors. {@link RangeError}
 */
export function yardstick(descriptors: Float32Array, mean: Float32Array): Float32Array<ArrayBuffer> {
  assertFloats(mean, 'mean');
  assertFloats(descriptors, 'descriptors');
  const dims = mean.length;
  if (dims === 0 || descriptors.length % dims !== 0)
    throw new RangeError(`"descriptors" expected multiple of ${dims} numbers, got ${descriptors.length}`);
  const out = Float32Array.from(descriptors);
  for (let at = 0; at < out.length; at += dims) {
    const row = out.subarray(at, at + dims);
    normalise(row);
    for (let j = 0; j < dims; j++) row[j]! -= mean[j]!;
    normalise(row);
  }
  return out;
}

/**
 * Cosine of unit vector `query` to all of `units`.
 * @returns f32[count], new; larger is nearer.
 */
export function cosines(units: Float32Array, dims: number, query: Float32Array): Float32Array<ArrayBuffer> {
  assertFloats(query, 'query', dims);
  const out = new Float32Array(units.length / dims);
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < dims; j++, at++) sum += units[at]! * query[j]!;
    out[i] = sum;
  }
  return out;
}

function normalise(row: Float32Array): void {
  let sum = 0;
  for (const value of row) sum += value * value;
  if (sum === 0) return;
  const scale = 1 / Math.sqrt(sum);
  for (let j = 0; j < row.length; j++) row[j]! *= scale;
}
