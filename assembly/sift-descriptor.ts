/**
 * SIFT descriptor of an oriented keypoint: 4 x 4 histograms of 8 gradient directions, trilinear
 * (Lowe 2004, section 6.1), as RootSIFT.
 */
import { cosTurns, exp } from './elementary';
import { norm, rootSift } from './root-sift';

/** Width of one of the 4 x 4 cells, in keypoint scales. */
const CELL: f64 = 3;
/** Cells a side, and directions a cell. */
const CELLS: i32 = 4;
const DIRECTIONS: i32 = 8;
/** Cells a column below which a row lies along the cell axis: its ends are not computed. */
const FLAT: f32 = 0.0001;
/** Scratch histogram: a rim of one cell, and two directions more than needed, spare the tests for edges. */
const SIDE: i32 = CELLS + 2;
const SLOTS: i32 = DIRECTIONS + 2;
const HISTOGRAM: usize = (<usize>(SIDE * SIDE * SLOTS)) << 2;

/**
 * Entry `(row * 4 + column) * 8 + direction`, rows and columns in the keypoint's own axes.
 *
 * @param length  f32[stride * height], gradient lengths
 * @param angle   f32[stride * height], gradient directions in turns
 * @param width   columns
 * @param height  rows
 * @param stride  numbers between rows
 * @param x       keypoint, in pixels of the plane
 * @param y       keypoint, in pixels of the plane
 * @param sigma   keypoint's scale, in pixels of the plane
 * @param turns   keypoint's direction, in [0, 1)
 * @param scratch f32[360 + 22 * sigma + 4]
 * @param out     f32[128]
 * @returns 1, or 0 where the neighbourhood is flat and nothing was written
 */
export function siftDescriptor(
  length: usize,
  angle: usize,
  width: u32,
  height: u32,
  stride: u32,
  x: f64,
  y: f64,
  sigma: f64,
  turns: f64,
  scratch: usize,
  out: usize,
): u32 {
  const weights = scratch + HISTOGRAM;
  const cell = CELL * sigma;
  // Half the diagonal of the square of 5 x 5 cells that reaches into the histogram.
  const reach = cell * 3.5355339059327378;
  const cos = cosTurns(turns) / cell;
  const sin = cosTurns(turns - 0.25) / cell;
  // Gaussian of half the descriptor's width: 2 cells.
  const falloff = -1 / (8 * cell * cell);
  const left = max<i32>(<i32>ceil(x - reach), 0);
  const right = min<i32>(<i32>floor(x + reach), width - 1);
  const top = max<i32>(<i32>ceil(y - reach), 0);
  const bottom = min<i32>(<i32>floor(y + reach), height - 1);
  for (let i: usize = 0; i < HISTOGRAM; i += 16) v128.store(scratch + i, f32x4.splat(0));
  for (let column = left; column <= right; column++) {
    const d = <f64>column - x;
    store<f32>(weights + ((column - left) << 2), <f32>exp(falloff * d * d));
  }
  const cosine = <f32>cos;
  const sine = <f32>sin;
  const offset = <f32>(turns * DIRECTIONS);
  for (let row = top; row <= bottom; row++) {
    const dy = <f64>row - y;
    const weight = <f32>exp(falloff * dy * dy);
    // Cell coordinates of column 0 of this row, in the padded histogram: cell centres at 1 ..= 4.
    const startU = <f32>(dy * sin - x * cos + 2.5);
    const startV = <f32>(dy * cos + x * sin + 2.5);
    const base = (<usize>row * stride) << 2;
    // Columns where u and v are in 0 ..< 5, one more on each side: rounding is left to the test inside.
    const fromU = entry(startU, cosine);
    const fromV = entry(startV, -sine);
    const first = max<i32>(left, <i32>max<f32>(max<f32>(fromU, fromV) - 1, -1));
    const toU = fromU + span(cosine);
    const toV = fromV + span(sine);
    const last = min<i32>(right, <i32>min<f32>(max<f32>(min<f32>(toU, toV) + 2, -1), <f32>right));
    for (let column = first; column <= last; column++) {
      const u = startU + cosine * <f32>column;
      const v = startV - sine * <f32>column;
      if (!(u > 0 && u < 5 && v > 0 && v < 5)) continue;
      const at = base + (column << 2);
      let o = load<f32>(angle + at) * <f32>DIRECTIONS - offset;
      if (o < 0) o += <f32>DIRECTIONS;
      const iu = <i32>u;
      const iv = <i32>v;
      const io = <i32>o;
      const fu = u - <f32>iu;
      const fv = v - <f32>iv;
      const fo = o - <f32>io;
      const value = load<f32>(length + at) * load<f32>(weights + ((column - left) << 2)) * weight;
      const lower = value * fv;
      const upper = value - lower;
      const upperRight = upper * fu;
      const lowerRight = lower * fu;
      const slot = scratch + (((iv * SIDE + iu) * SLOTS + io) << 2);
      spread(slot, upper - upperRight, fo);
      spread(slot + (SLOTS << 2), upperRight, fo);
      spread(slot + ((SIDE * SLOTS) << 2), lower - lowerRight, fo);
      spread(slot + (((SIDE + 1) * SLOTS) << 2), lowerRight, fo);
    }
  }
  for (let row = 0; row < CELLS; row++)
    for (let column = 0; column < CELLS; column++) {
      const slot = scratch + ((((row + 1) * SIDE + column + 1) * SLOTS) << 2);
      const to = out + (((row * CELLS + column) * DIRECTIONS) << 2);
      for (let direction = 0; direction < DIRECTIONS; direction++)
        store<f32>(to + (direction << 2), load<f32>(slot + (direction << 2)));
      // Direction 8 is direction 0; 9 is reached only when rounding has made 8 of a number just below it.
      store<f32>(to, load<f32>(to) + load<f32>(slot, 32));
      store<f32>(to, load<f32>(to, 4) + load<f32>(slot, 36), 4);
    }
  if (!(norm(out) > 0)) return 0;
  rootSift(out);
  return 1;
}

/** First column with `0 < start + slope * column < 5`, or one before the plane where the slope is too flat to tell. */
function entry(start: f32, slope: f32): f32 {
  if (abs<f32>(slope) < FLAT) return -1;
  return ((slope > 0 ? 0 : 5) - start) / slope;
}

/** Columns from the first to the last of them. */
function span(slope: f32): f32 {
  return 5 / max<f32>(abs<f32>(slope), FLAT);
}

/** Shares a value between two neighbouring directions. */
function spread(slot: usize, value: f32, fraction: f32): void {
  const next = value * fraction;
  store<f32>(slot, load<f32>(slot) + (value - next));
  store<f32>(slot, load<f32>(slot, 4) + next, 4);
}
