/**
 * Iterative quantisation: the rotation of centred vectors that their signs lose least by.
 *
 * Gong and Lazebnik, "Iterative quantization: a Procrustean approach to learning binary codes", CVPR 2011, section
 * 2.2: alternate `B = sign(V R)` and the rotation R that minimises `||B - V R||^2`, the polar factor of `V^T B`.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { gaussian, seededRandom } from '../base/random.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { multiplyF32 } from '../wasm/matrix.ts';
import { polarFactor } from './polar.ts';
import { transpose } from './transpose.ts';

/** How {@link quantise} runs. */
export interface QuantiseOptions {
  readonly seed: number;
  readonly iterations: number;
}

/**
 * Finds the rotation. Yields after each iteration its number, from 1, and the loss `||B - V R||^2` that it started
 * from, so that the caller can show progress, breathe, or stop.
 * @param kernels - An instance that holds nothing else.
 * @param rows - f32[count * bits]: centred vectors V.
 * @param bits - Numbers a row.
 * @returns f32[bits * bits], row-major: R of `V R`.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On wrong lengths. {@link RangeError}
 */
export function* quantise(
  kernels: Kernels,
  rows: Float32Array,
  bits: number,
  { seed, iterations }: QuantiseOptions,
): Generator<{ iteration: number; loss: number }, Float32Array<ArrayBuffer>> {
  assertFloats(rows, 'rows');
  assertInteger(bits, 'bits', 1, 1024);
  assertInteger(iterations, 'iterations', 0, 10_000);
  const count = rows.length / bits;
  assertInteger(count, 'count', 1, 2 ** 32);
  const turned = transpose(rows, count, bits);
  // A normal matrix has a polar factor that is uniform over all rotations and reflections.
  const random = seededRandom(seed);
  const normal = Float64Array.from({ length: bits * bits }, () => gaussian(random));
  let rotation = polarFactor(kernels, normal, bits);
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const projected = multiplyF32(kernels, rows, Float32Array.from(rotation), count, bits, bits);
    let loss = 0;
    for (let i = 0; i < projected.length; i++) {
      const sign = projected[i]! >= 0 ? 1 : -1;
      loss += (sign - projected[i]!) ** 2;
      projected[i] = sign;
    }
    const product = Float64Array.from(multiplyF32(kernels, turned, projected, bits, count, bits));
    // Directions without variance leave the product singular and the rotation open: keep the last one's there.
    let squares = 0;
    for (const value of product) squares += value * value;
    const ridge = squares > 0 ? 1e-7 * Math.sqrt(squares / bits) : 1;
    for (let i = 0; i < product.length; i++) product[i]! += ridge * rotation[i]!;
    rotation = polarFactor(kernels, product, bits);
    yield { iteration, loss };
  }
  return Float32Array.from(rotation);
}
