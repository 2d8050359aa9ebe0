/**
 * Iterative quantisation: the rotation of centred vectors that their signs lose least by.
 *
 * Gong and Lazebnik, "Iterative quantization: a Procrustean approach to learning binary codes", CVPR 2011, section
 * 2.2: alternate `B = sign(V R)` and the rotation R that minimises `||B - V R||^2`, the polar factor of `V^T B`.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { gaussian, seededRandom } from '../base/random.ts';
import { multiply as plainMultiply, transpose, type Multiply } from './matrix.ts';
import { polarFactor } from './polar.ts';

/** How {@link quantise} runs. */
export interface QuantiseOptions {
  readonly seed: number;
  /** 50 unless told. */
  readonly iterations?: number;
  /** Matrix product; plain loops unless told. */
  readonly multiply?: Multiply;
  /** Called after each iteration with its number, from 1, and the loss `||B - V R||^2` before its rotation. */
  readonly onIteration?: (iteration: number, loss: number) => void;
}

/**
 * The rotation. Also used one step at a time through `onIteration`, which may throw to stop.
 * @param rows - f32[count * bits]: centred vectors V.
 * @param bits - Numbers a row.
 * @returns f32[bits * bits], row-major: R of `V R`.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On wrong lengths. {@link RangeError}
 */
export function quantise(rows: Float32Array, bits: number, options: QuantiseOptions): Float32Array<ArrayBuffer> {
  const steps = quantiseSteps(rows, bits, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    options.onIteration?.(step.value.iteration, step.value.loss);
  }
}

/** {@link quantise}, one iteration at a time, for callers that must breathe in between. */
export function* quantiseSteps(
  rows: Float32Array,
  bits: number,
  { seed, iterations = 50, multiply = plainMultiply }: Omit<QuantiseOptions, 'onIteration'>,
): Generator<{ iteration: number; loss: number }, Float32Array<ArrayBuffer>> {
  assertFloats(rows, 'rows');
  assertInteger(bits, 'bits', 1, 1024);
  assertInteger(iterations, 'iterations', 0, 10_000);
  const count = rows.length / bits;
  assertInteger(count, 'count', 1, 2 ** 32);
  const turned = transpose(rows, count, bits);
  let rotation = randomRotation(bits, seed);
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const projected = multiply(rows, Float32Array.from(rotation), count, bits, bits);
    let loss = 0;
    for (let i = 0; i < projected.length; i++) {
      const sign = projected[i]! >= 0 ? 1 : -1;
      loss += (sign - projected[i]!) ** 2;
      projected[i] = sign;
    }
    const product = Float64Array.from(multiply(turned, projected, bits, count, bits));
    // Directions without variance leave the product singular and the rotation open: keep the last one's there.
    let size = 0;
    for (const value of product) size += value * value;
    const ridge = size > 0 ? 1e-7 * Math.sqrt(size / bits) : 1;
    for (let i = 0; i < product.length; i++) product[i]! += ridge * rotation[i]!;
    rotation = polarFactor(product, bits);
    yield { iteration, loss };
  }
  return Float32Array.from(rotation);
}

/** A random rotation or reflection: the polar factor of a normal matrix, which is uniform over them. */
function randomRotation(n: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  return polarFactor(
    Float64Array.from({ length: n * n }, () => gaussian(random)),
    n,
  );
}
