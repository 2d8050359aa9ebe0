/** Dominant directions of the gradient around a keypoint (Lowe 2004, section 5). */
import { exp } from './elementary';

const BINS: i32 = 36;
/** The window is a Gaussian of 1.5 times the keypoint's scale, cut at three deviations. */
const WINDOW: f64 = 1.5;
/** A second peak this high, relative to the first, makes a keypoint of its own. */
const SECOND_PEAK: f32 = 0.8;

/**
 * Writes the direction of each peak of the histogram, in turns in [0, 1), in bin order.
 *
 * @param length  f32[stride * height], gradient lengths
 * @param angle   f32[stride * height], gradient directions in turns
 * @param width   columns
 * @param height  rows
 * @param stride  numbers between rows
 * @param x       keypoint, in pixels of the plane
 * @param y       keypoint, in pixels of the plane
 * @param sigma   keypoint's scale, in pixels of the plane
 * @param scratch f32[72 + 9 * sigma + 4]
 * @param out     f32[18]
 * @returns directions written, 0 on a flat neighbourhood
 */
export function siftOrientations(
  length: usize,
  angle: usize,
  width: u32,
  height: u32,
  stride: u32,
  x: f64,
  y: f64,
  sigma: f64,
  scratch: usize,
  out: usize,
): u32 {
  const smooth = scratch + (BINS << 2);
  const columns = smooth + (BINS << 2);
  const reach = 3 * WINDOW * sigma;
  const falloff = -0.5 / (WINDOW * WINDOW * sigma * sigma);
  const left = max<i32>(<i32>ceil(x - reach), 0);
  const right = min<i32>(<i32>floor(x + reach), width - 1);
  const top = max<i32>(<i32>ceil(y - reach), 0);
  const bottom = min<i32>(<i32>floor(y + reach), height - 1);
  for (let bin = 0; bin < BINS; bin++) store<f32>(scratch + (bin << 2), 0);
  for (let column = left; column <= right; column++) {
    const d = <f64>column - x;
    store<f32>(columns + ((column - left) << 2), <f32>exp(falloff * d * d));
  }
  for (let row = top; row <= bottom; row++) {
    const d = <f64>row - y;
    const weight = <f32>exp(falloff * d * d);
    const base = (<usize>row * stride + left) << 2;
    for (let column = 0; column <= right - left; column++) {
      const at = base + (column << 2);
      let bin = <i32>(load<f32>(angle + at) * <f32>BINS + 0.5);
      if (bin >= BINS) bin -= BINS;
      const slot = scratch + (bin << 2);
      store<f32>(slot, load<f32>(slot) + load<f32>(length + at) * load<f32>(columns + (column << 2)) * weight);
    }
  }
  let highest: f32 = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const near = around(scratch, bin - 1) + around(scratch, bin + 1);
    const far = around(scratch, bin - 2) + around(scratch, bin + 2);
    const value = (far + near * 4 + around(scratch, bin) * 6) * 0.0625;
    store<f32>(smooth + (bin << 2), value);
    highest = max(highest, value);
  }
  let count: u32 = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const value = around(smooth, bin);
    const before = around(smooth, bin - 1);
    const after = around(smooth, bin + 1);
    if (value > before && value > after && value >= highest * SECOND_PEAK) {
      const peak = <f32>bin + ((before - after) * 0.5) / (before - value - value + after);
      let turns = peak / <f32>BINS;
      if (turns < 0) turns += 1;
      if (turns >= 1) turns -= 1;
      store<f32>(out + (count << 2), turns);
      count++;
    }
  }
  return count;
}

/** A bin of a histogram that closes on itself. */
function around(histogram: usize, bin: i32): f32 {
  if (bin < 0) bin += BINS;
  if (bin >= BINS) bin -= BINS;
  return load<f32>(histogram + (bin << 2));
}
