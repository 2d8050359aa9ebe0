/**
 * Gaussian blur of an f32 plane: separable, edges repeated.
 *
 * One row at a time is blurred downwards into a scratch row, whose ends are then repeated, and blurred
 * across from there: the plane is read and written once.
 */
import { exp } from './elementary';

/**
 * Half a kernel: `out[i] = exp(-i^2 / (2 sigma^2)) / sum`, the sum over -radius ..= radius.
 *
 * @param sigma  standard deviation in pixels, above 0
 * @param radius taps on each side of the middle one
 * @param out    f32[radius + 1]
 */
export function gaussianWeights(sigma: f64, radius: u32, out: usize): void {
  const falloff = -0.5 / (sigma * sigma);
  let sum: f64 = 1;
  for (let i: u32 = 1; i <= radius; i++) sum += 2 * exp(falloff * <f64>(i * i));
  for (let i: u32 = 0; i <= radius; i++) store<f32>(out + (i << 2), <f32>(exp(falloff * <f64>(i * i)) / sum));
}

/**
 * @param source  f32[stride * height]
 * @param out     f32[stride * height], not `source`; columns past `width` hold no meaning
 * @param width   columns, at least 1
 * @param height  rows
 * @param stride  numbers between rows, a multiple of 4
 * @param weights f32[radius + 1], the middle tap first
 * @param radius  taps on each side of the middle one
 * @param row     f32[stride + 2 * radius], scratch
 */
export function gaussianBlur(
  source: usize,
  out: usize,
  width: u32,
  height: u32,
  stride: u32,
  weights: usize,
  radius: u32,
  row: usize,
): void {
  const rowBytes = (<usize>stride) << 2;
  const middle = row + (radius << 2);
  for (let y: u32 = 0; y < height; y++) {
    down(source, y, height, rowBytes, weights, radius, middle);
    const first = load<f32>(middle);
    for (let i: u32 = 0; i < radius; i++) store<f32>(row + (i << 2), first);
    const last = load<f32>(middle + ((width - 1) << 2));
    for (let i = width; i < stride + radius; i++) store<f32>(middle + (i << 2), last);
    across(middle, out + <usize>y * rowBytes, rowBytes, weights, radius);
  }
}

/** One row of the plane blurred downwards; rows past the edge repeat the edge. */
function down(source: usize, y: u32, height: u32, rowBytes: usize, weights: usize, radius: u32, out: usize): void {
  const centre = source + <usize>y * rowBytes;
  const bottom = source + <usize>(height - 1) * rowBytes;
  let x: usize = 0;
  for (; x + 64 <= rowBytes; x += 64) {
    const w0 = v128.load32_splat(weights);
    let a = f32x4.mul(w0, v128.load(centre + x));
    let b = f32x4.mul(w0, v128.load(centre + x, 16));
    let c = f32x4.mul(w0, v128.load(centre + x, 32));
    let d = f32x4.mul(w0, v128.load(centre + x, 48));
    for (let i: u32 = 1; i <= radius; i++) {
      const w = v128.load32_splat(weights + (i << 2));
      const above = (i > y ? source : centre - <usize>i * rowBytes) + x;
      const below = (y + i >= height ? bottom : centre + <usize>i * rowBytes) + x;
      a = f32x4.add(a, f32x4.mul(w, f32x4.add(v128.load(above), v128.load(below))));
      b = f32x4.add(b, f32x4.mul(w, f32x4.add(v128.load(above, 16), v128.load(below, 16))));
      c = f32x4.add(c, f32x4.mul(w, f32x4.add(v128.load(above, 32), v128.load(below, 32))));
      d = f32x4.add(d, f32x4.mul(w, f32x4.add(v128.load(above, 48), v128.load(below, 48))));
    }
    v128.store(out + x, a);
    v128.store(out + x, b, 16);
    v128.store(out + x, c, 32);
    v128.store(out + x, d, 48);
  }
  for (; x < rowBytes; x += 16) {
    let a = f32x4.mul(v128.load32_splat(weights), v128.load(centre + x));
    for (let i: u32 = 1; i <= radius; i++) {
      const above = (i > y ? source : centre - <usize>i * rowBytes) + x;
      const below = (y + i >= height ? bottom : centre + <usize>i * rowBytes) + x;
      const w = v128.load32_splat(weights + (i << 2));
      a = f32x4.add(a, f32x4.mul(w, f32x4.add(v128.load(above), v128.load(below))));
    }
    v128.store(out + x, a);
  }
}

/** A row blurred across; `source` has `radius` numbers on each side. */
function across(source: usize, out: usize, rowBytes: usize, weights: usize, radius: u32): void {
  let x: usize = 0;
  for (; x + 64 <= rowBytes; x += 64) {
    const at = source + x;
    const w0 = v128.load32_splat(weights);
    let a = f32x4.mul(w0, v128.load(at));
    let b = f32x4.mul(w0, v128.load(at, 16));
    let c = f32x4.mul(w0, v128.load(at, 32));
    let d = f32x4.mul(w0, v128.load(at, 48));
    for (let i: u32 = 1; i <= radius; i++) {
      const w = v128.load32_splat(weights + (i << 2));
      const left = at - (i << 2);
      const right = at + (i << 2);
      a = f32x4.add(a, f32x4.mul(w, f32x4.add(v128.load(left), v128.load(right))));
      b = f32x4.add(b, f32x4.mul(w, f32x4.add(v128.load(left, 16), v128.load(right, 16))));
      c = f32x4.add(c, f32x4.mul(w, f32x4.add(v128.load(left, 32), v128.load(right, 32))));
      d = f32x4.add(d, f32x4.mul(w, f32x4.add(v128.load(left, 48), v128.load(right, 48))));
    }
    v128.store(out + x, a);
    v128.store(out + x, b, 16);
    v128.store(out + x, c, 32);
    v128.store(out + x, d, 48);
  }
  for (; x < rowBytes; x += 16) {
    const at = source + x;
    let a = f32x4.mul(v128.load32_splat(weights), v128.load(at));
    for (let i: u32 = 1; i <= radius; i++) {
      const w = v128.load32_splat(weights + (i << 2));
      a = f32x4.add(a, f32x4.mul(w, f32x4.add(v128.load(at - (i << 2)), v128.load(at + (i << 2)))));
    }
    v128.store(out + x, a);
  }
}
