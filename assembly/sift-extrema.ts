/**
 * Extrema of a difference-of-Gaussians stack, one octave (Lowe 2004, sections 3.1, 4 and 4.1).
 *
 * A pixel is an extremum when it is beyond its 26 neighbours in space and scale; among equal neighbours the
 * first in the order scale, row, column counts. Its place is then refined by a quadratic fit, and it is dropped
 * where the contrast is low or the neighbourhood is an edge.
 */
import { exp } from './elementary';

/** Pixels at the rim that hold no extremum. */
const BORDER: u32 = 5;
/** Moves of the quadratic fit to a neighbouring pixel before it is given up. */
const MOVES: u32 = 5;
/** Bytes of a record: f32 x, y (octave pixels), sigma (octave pixels), contrast; u32 column, row, level, 0. */
const RECORD: usize = 32;
const LN_2: f64 = 0.6931471805599453;
/** Blur of an octave's first level, in its pixels (Lowe 2004, section 3.3). */
const SIGMA: f64 = 1.6;

/**
 * `out[i] = a[i] - b[i]`.
 *
 * @param a     f32[count]
 * @param b     f32[count]
 * @param out   f32[count]
 * @param count a multiple of 4
 */
export function subtractPlanes(a: usize, b: usize, out: usize, count: u32): void {
  const bytes = (<usize>count) << 2;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(out + i, f32x4.sub(v128.load(a + i), v128.load(b + i)));
}

/**
 * Writes the records of an octave's extrema, in the order level, row, column.
 *
 * @param stack      f32[(levels + 2) * planeBytes / 4]: differences of adjacent levels
 * @param planeBytes bytes between planes
 * @param levels     levels searched: planes 1 ..= levels
 * @param width      columns
 * @param height     rows
 * @param stride     numbers between rows, a multiple of 4
 * @param contrast   least |D| at the refined place
 * @param edge       largest ratio of principal curvatures
 * @param out        u8[32 * capacity]
 * @param capacity   records that fit; width * height is always enough
 * @returns records written
 */
export function siftExtrema(
  stack: usize,
  planeBytes: usize,
  levels: u32,
  width: u32,
  height: u32,
  stride: u32,
  contrast: f32,
  edge: f32,
  out: usize,
  capacity: u32,
): u32 {
  if (width <= 2 * BORDER || height <= 2 * BORDER) return 0;
  // Half the final contrast: the fit may still raise it.
  const high = f32x4.splat(contrast * 0.5);
  const low = f32x4.neg(high);
  const rowBytes = (<usize>stride) << 2;
  let count: u32 = 0;
  for (let level: u32 = 1; level <= levels; level++) {
    for (let y = BORDER; y < height - BORDER; y++) {
      const row = stack + <usize>level * planeBytes + <usize>y * rowBytes;
      for (let x = BORDER; x < width - BORDER; x += 4) {
        const at = row + (x << 2);
        const value = v128.load(at);
        const above = f32x4.gt(value, high);
        const below = f32x4.lt(value, low);
        if (!v128.any_true(v128.or(above, below))) continue;
        let mask: i32 = 0;
        if (v128.any_true(above)) mask = i32x4.bitmask(v128.and(above, maxima(value, at, planeBytes, rowBytes)));
        if (v128.any_true(below)) mask |= i32x4.bitmask(v128.and(below, minima(value, at, planeBytes, rowBytes)));
        for (; mask != 0; mask &= mask - 1) {
          const column = x + ctz(mask);
          if (column >= width - BORDER || count == capacity) break;
          if (refine(stack, planeBytes, levels, width, height, rowBytes, level, y, column, contrast, edge, out)) {
            out += RECORD;
            count++;
          }
        }
      }
    }
  }
  return count;
}

/** Lanes above the 13 neighbours before them and not below the 13 after them. */
function maxima(value: v128, at: usize, planeBytes: usize, rowBytes: usize): v128 {
  let before = f32x4.pmax(v128.load(at - 4), row3Max(at - rowBytes));
  let after = f32x4.pmax(v128.load(at + 4), row3Max(at + rowBytes));
  // In its own plane first: few pixels pass.
  const own = v128.and(f32x4.gt(value, before), f32x4.ge(value, after));
  if (!v128.any_true(own)) return own;
  before = plane9Max(at - planeBytes, rowBytes);
  after = plane9Max(at + planeBytes, rowBytes);
  return v128.and(own, v128.and(f32x4.gt(value, before), f32x4.ge(value, after)));
}

function plane9Max(at: usize, rowBytes: usize): v128 {
  return f32x4.pmax(row3Max(at), f32x4.pmax(row3Max(at - rowBytes), row3Max(at + rowBytes)));
}

function row3Max(at: usize): v128 {
  return f32x4.pmax(v128.load(at), f32x4.pmax(v128.load(at - 4), v128.load(at + 4)));
}

/** Lanes below the 13 neighbours before them and not above the 13 after them. */
function minima(value: v128, at: usize, planeBytes: usize, rowBytes: usize): v128 {
  let before = f32x4.pmin(v128.load(at - 4), row3Min(at - rowBytes));
  let after = f32x4.pmin(v128.load(at + 4), row3Min(at + rowBytes));
  const own = v128.and(f32x4.lt(value, before), f32x4.le(value, after));
  if (!v128.any_true(own)) return own;
  before = plane9Min(at - planeBytes, rowBytes);
  after = plane9Min(at + planeBytes, rowBytes);
  return v128.and(own, v128.and(f32x4.lt(value, before), f32x4.le(value, after)));
}

function plane9Min(at: usize, rowBytes: usize): v128 {
  return f32x4.pmin(row3Min(at), f32x4.pmin(row3Min(at - rowBytes), row3Min(at + rowBytes)));
}

function row3Min(at: usize): v128 {
  return f32x4.pmin(v128.load(at), f32x4.pmin(v128.load(at - 4), v128.load(at + 4)));
}

/** Lowe 2004, eqs. 2 and 3: moves to the extremum of the quadratic; writes a record and returns true if it is kept. */
function refine(
  stack: usize,
  planeBytes: usize,
  levels: u32,
  width: u32,
  height: u32,
  rowBytes: usize,
  level: u32,
  y: u32,
  x: u32,
  contrast: f32,
  edge: f32,
  out: usize,
): bool {
  for (let move: u32 = 0; move < MOVES; move++) {
    const at = stack + <usize>level * planeBytes + <usize>y * rowBytes + (x << 2);
    const value = pixel(at);
    const dx = (pixel(at + 4) - pixel(at - 4)) * 0.5;
    const dy = (pixel(at + rowBytes) - pixel(at - rowBytes)) * 0.5;
    const ds = (pixel(at + planeBytes) - pixel(at - planeBytes)) * 0.5;
    const dxx = pixel(at + 4) + pixel(at - 4) - 2 * value;
    const dyy = pixel(at + rowBytes) + pixel(at - rowBytes) - 2 * value;
    const dss = pixel(at + planeBytes) + pixel(at - planeBytes) - 2 * value;
    const dxy = cross(at, 4, rowBytes);
    const dxs = cross(at, 4, planeBytes);
    const dys = cross(at, rowBytes, planeBytes);
    // H * shift = -gradient, by Cramer's rule.
    const cxx = dyy * dss - dys * dys;
    const cxy = dxs * dys - dxy * dss;
    const cxs = dxy * dys - dyy * dxs;
    const determinant = dxx * cxx + dxy * cxy + dxs * cxs;
    if (determinant == 0) return false;
    const shiftX = -(cxx * dx + cxy * dy + cxs * ds) / determinant;
    const shiftY = -(cxy * dx + (dxx * dss - dxs * dxs) * dy + (dxy * dxs - dxx * dys) * ds) / determinant;
    const shiftS = -(cxs * dx + (dxy * dxs - dxx * dys) * dy + (dxx * dyy - dxy * dxy) * ds) / determinant;
    if (abs(shiftX) < 0.5 && abs(shiftY) < 0.5 && abs(shiftS) < 0.5) {
      const peak = abs(value + 0.5 * (dx * shiftX + dy * shiftY + ds * shiftS));
      const trace = dxx + dyy;
      const curvature = dxx * dyy - dxy * dxy;
      const ratio = <f64>edge;
      if (peak < <f64>contrast || curvature <= 0 || trace * trace * ratio >= (ratio + 1) * (ratio + 1) * curvature)
        return false;
      store<f32>(out, <f32>(<f64>x + shiftX));
      store<f32>(out, <f32>(<f64>y + shiftY), 4);
      store<f32>(out, <f32>(SIGMA * exp(((<f64>level + shiftS) * LN_2) / <f64>levels)), 8);
      store<f32>(out, <f32>peak, 12);
      store<u32>(out, x, 16);
      store<u32>(out, y, 20);
      store<u32>(out, level, 24);
      store<u32>(out, 0, 28);
      return true;
    }
    // Far beyond the neighbour: no extremum here. Also keeps the conversions below in range.
    if (!(abs(shiftX) < 64 && abs(shiftY) < 64 && abs(shiftS) < 64)) return false;
    const nextX = <i32>x + <i32>nearest(shiftX);
    const nextY = <i32>y + <i32>nearest(shiftY);
    const nextLevel = <i32>level + <i32>nearest(shiftS);
    if (nextX < <i32>BORDER || nextX >= <i32>(width - BORDER)) return false;
    if (nextY < <i32>BORDER || nextY >= <i32>(height - BORDER)) return false;
    if (nextLevel < 1 || nextLevel > <i32>levels) return false;
    x = nextX;
    y = nextY;
    level = nextLevel;
  }
  return false;
}

function pixel(at: usize): f64 {
  return <f64>load<f32>(at);
}

/** Mixed second derivative along two steps. */
function cross(at: usize, a: usize, b: usize): f64 {
  return (pixel(at + a + b) - pixel(at - a + b) - pixel(at + a - b) + pixel(at - a - b)) * 0.25;
}
