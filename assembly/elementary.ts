/**
 * Exponential and cosine, from additions and multiplications alone.
 *
 * The host's `Math.exp` and its kin may differ in the last bit between engines; these do not, so the
 * descriptors of a photo are the same everywhere. Angles are in turns: 1 is a full circle.
 */

const LOG2_E: f64 = 1.4426950408889634;
const LN_2: f64 = 0.6931471805599453;
const TWO_PI: f64 = 6.283185307179586;

/** `e^x` for x up to 700, relative error below 1e-12; 0 below -700. */
export function exp(x: f64): f64 {
  if (x < -700) return 0;
  const k = nearest<f64>(x * LOG2_E);
  const r = x - k * LN_2;
  // Taylor to degree 11: |r| <= ln(2) / 2.
  let sum: f64 = 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  return sum * reinterpret<f64>((<i64>k + 1023) << 52);
}

/** Cosine of an angle in turns, absolute error below 1e-11. The sine is `cosTurns(turns - 0.25)`. */
export function cosTurns(turns: f64): f64 {
  // To [0, 1/4] by symmetry.
  let t = abs<f64>(turns - nearest<f64>(turns));
  const flip = t > 0.25;
  if (flip) t = 0.5 - t;
  const r = t * TWO_PI;
  const s = r * r;
  // Taylor to degree 16: r <= pi / 2.
  let sum: f64 = 1.0 / 20922789888000.0;
  sum = sum * s - 1.0 / 87178291200.0;
  sum = sum * s + 1.0 / 479001600.0;
  sum = sum * s - 1.0 / 3628800.0;
  sum = sum * s + 1.0 / 40320.0;
  sum = sum * s - 1.0 / 720.0;
  sum = sum * s + 1.0 / 24.0;
  sum = sum * s - 0.5;
  sum = sum * s + 1.0;
  return flip ? -sum : sum;
}
