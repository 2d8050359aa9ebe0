/**
 * SIFT descriptors on a grid, upright, in time that does not grow with the cell size.
 *
 * Bilinear weighting over a cell is a convolution with a tent, and a tent is a second difference of ramps: with a
 * plane of gradients summed twice along both axes, every cell of any size is 9 look-ups (the integral image of
 * Viola and Jones, once more integrated). Sums are integers that wrap, so differences of them are exact.
 */
import { norm, rootSift } from './root-sift';
import { exp } from './elementary';

/** Steps per unit of gradient length. With cells of at most 24 pixels, a sum stays below 2^31. */
const STEPS: f32 = 4096;
/** Bytes of the 8 directions of one node. */
const NODE: usize = 32;

/**
 * Sums the gradients of a plane, by direction, twice along both axes.
 *
 * @param length f32[stride * height], gradient lengths up to 1.42
 * @param angle  f32[stride * height], gradient directions in turns, in [0, 1)
 * @param width  columns
 * @param height rows
 * @param stride numbers between rows
 * @param column i32[8 * (width + 1)], scratch
 * @param out    i32[8 * (width + 1) * (height + 1)]: node (x, y) at 8 * (y * (width + 1) + x)
 */
export function denseSiftSums(
  length: usize,
  angle: usize,
  width: u32,
  height: u32,
  stride: u32,
  column: usize,
  out: usize,
): void {
  const rowBytes = <usize>(width + 1) * NODE;
  const zero = i32x4.splat(0);
  for (let i: usize = 0; i < rowBytes; i += 16) {
    v128.store(column + i, zero);
    v128.store(out + i, zero);
  }
  const firstDirections = f32x4(0, 1, 2, 3);
  const lastDirections = f32x4(4, 5, 6, 7);
  for (let y: u32 = 0; y < height; y++) {
    const before = out;
    out += rowBytes;
    v128.store(out, zero);
    v128.store(out, zero, 16);
    let a = zero;
    let b = zero;
    let aa = zero;
    let bb = zero;
    for (let x: u32 = 0; x < width; x++) {
      const direction = f32x4.mul(v128.load32_splat(angle + (x << 2)), f32x4.splat(8));
      const value = f32x4.mul(v128.load32_splat(length + (x << 2)), f32x4.splat(STEPS));
      a = i32x4.add(a, share(direction, firstDirections, value));
      b = i32x4.add(b, share(direction, lastDirections, value));
      aa = i32x4.add(aa, a);
      bb = i32x4.add(bb, b);
      const node = <usize>(x + 1) * NODE;
      const ca = i32x4.add(v128.load(column + node), aa);
      const cb = i32x4.add(v128.load(column + node, 16), bb);
      v128.store(column + node, ca);
      v128.store(column + node, cb, 16);
      v128.store(out + node, i32x4.add(v128.load(before + node), ca));
      v128.store(out + node, i32x4.add(v128.load(before + node, 16), cb), 16);
    }
    length += (<usize>stride) << 2;
    angle += (<usize>stride) << 2;
  }
}

/** What four directions get of a gradient: linear between the two nearest, closing at 8. */
function share(direction: v128, directions: v128, value: v128): v128 {
  const apart = f32x4.abs(f32x4.sub(direction, directions));
  const nearer = f32x4.pmin(apart, f32x4.sub(f32x4.splat(8), apart));
  const weight = f32x4.pmax(f32x4.sub(f32x4.splat(1), nearer), f32x4.splat(0));
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(value, weight));
}

/**
 * Writes the descriptors of a grid for one cell size, row by row; flat ones are left out.
 *
 * The descriptor at grid place (i, j) has its first cell's centre on pixel (cell + step * i, cell + step * j),
 * its middle 1.5 cells further, and reaches 5 cells across.
 *
 * @param sums        i32[8 * (width + 1) * (height + 1)] of {@link denseSiftSums}
 * @param width       columns, at least 5 * cell
 * @param height      rows, at least 5 * cell
 * @param cell        pixels a cell, 2 ..= 24
 * @param step        pixels between descriptors, at least 1
 * @param contrast    least L2 norm, in mean gradient lengths
 * @param places      f32[2 * places of the grid]: x, y of the middle, the centre of pixel 0 at 0
 * @param descriptors f32[128 * places of the grid]
 * @returns descriptors written
 */
export function denseSiftGrid(
  sums: usize,
  width: u32,
  height: u32,
  cell: u32,
  step: u32,
  contrast: f32,
  places: usize,
  descriptors: usize,
): u32 {
  const rowBytes = <usize>(width + 1) * NODE;
  const down = <usize>cell * rowBytes;
  const right = <usize>cell * NODE;
  const area = <f64>cell * <f64>cell;
  // The Gaussian of Lowe's descriptor, 2 cells wide, at the centres of inner and outer cells.
  const inner = exp(-0.03125);
  const outer = exp(-0.28125);
  const unit = 1 / (area * area * <f64>STEPS);
  const nearWeight = f32x4.splat(<f32>(inner * inner * unit));
  const sideWeight = f32x4.splat(<f32>(inner * outer * unit));
  const farWeight = f32x4.splat(<f32>(outer * outer * unit));
  let count: u32 = 0;
  for (let y: u32 = 0; y + 5 * cell <= height; y += step) {
    for (let x: u32 = 0; x + 5 * cell <= width; x += step) {
      const corner = sums + <usize>y * rowBytes + <usize>x * NODE;
      for (let column: u32 = 0; column < 4; column++) {
        const outerColumn = column == 0 || column == 3;
        const edge = outerColumn ? farWeight : sideWeight;
        const middle = outerColumn ? sideWeight : nearWeight;
        const node = corner + <usize>column * right;
        const to = descriptors + (column << 5);
        cells(node, right, down, edge, middle, to);
        cells(node + 16, right, down, edge, middle, to + 16);
      }
      if (norm(descriptors) < contrast) continue;
      rootSift(descriptors);
      store<f32>(places, <f32>x + 2.5 * <f32>cell);
      store<f32>(places, <f32>y + 2.5 * <f32>cell, 4);
      places += 8;
      descriptors += 512;
      count++;
    }
  }
  return count;
}

/** Four directions of the cells of one column, the first tent's corner at `node`: each is three rows of second differences, shared. */
function cells(node: usize, right: usize, down: usize, edge: v128, middle: v128, to: usize): void {
  const r0 = across(node, right);
  const r1 = across((node += down), right);
  const r2 = across((node += down), right);
  const r3 = across((node += down), right);
  const r4 = across((node += down), right);
  const r5 = across(node + down, right);
  v128.store(to, f32x4.mul(tent(r0, r1, r2), edge));
  v128.store(to, f32x4.mul(tent(r1, r2, r3), middle), 128);
  v128.store(to, f32x4.mul(tent(r2, r3, r4), middle), 256);
  v128.store(to, f32x4.mul(tent(r3, r4, r5), edge), 384);
}

/** Second difference. */
function tent(top: v128, middle: v128, bottom: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.add(i32x4.sub(top, i32x4.add(middle, middle)), bottom));
}

function across(node: usize, right: usize): v128 {
  const middle = v128.load(node + right);
  return i32x4.add(i32x4.sub(v128.load(node), i32x4.add(middle, middle)), v128.load(node + right + right));
}
