/**
 * Resizing of u8 images with 1 or 3 interleaved channels, in integers: exact, halves up, equal on every engine.
 *
 * Area average (for smaller): output pixel (X, Y) is the mean of the source over
 * `[X w/W, (X+1) w/W) x [Y h/H, (Y+1) h/H)`. Scaled by W and H all overlaps are integers.
 *
 * Bilinear (for larger): pixel centres lie at +0.5, so X samples the source at `(X + 0.5) w/W - 0.5`, held inside
 * the image at its edges. Scaled by 2W and 2H all weights are integers. `width * height` and `outWidth * outHeight` are below 2^32.
 */

/**
 * Area average of the output rows `rowFrom .. rowTo`. A caller may bring a tall source strip by strip.
 *
 * @param source    u8[channels * width * ...], row-major, beginning with source row `floor(rowFrom * height / outHeight)`
 *                  and reaching to `ceil(rowTo * height / outHeight)`
 * @param width     of the source, 1 ..= 2^24 - 1
 * @param height    of the whole source, 1 ..= 2^24 - 1
 * @param channels  1 or 3
 * @param outWidth  1 ..= width
 * @param outHeight 1 ..= height
 * @param rowFrom   first output row
 * @param rowTo     the row after the last
 * @param sums      u32[channels * width] of scratch space, 16-byte aligned
 * @param out       u8[channels * outWidth * (rowTo - rowFrom)], must not overlap the source
 */
export function resizeArea(
  source: usize,
  width: u32,
  height: u32,
  channels: u32,
  outWidth: u32,
  outHeight: u32,
  rowFrom: u32,
  rowTo: u32,
  sums: usize,
  out: usize,
): void {
  const rowBytes = channels * width;
  const area = <u64>width * <u64>height;
  const firstRow = <u32>((<u64>rowFrom * <u64>height) / <u64>outHeight);
  for (let row = rowFrom; row < rowTo; row++) {
    // In units of 1/outHeight of a source row.
    const top = <u64>row * <u64>height;
    const bottom = top + <u64>height;
    let y = <u32>(top / <u64>outHeight);
    memory.fill(sums, 0, (<usize>rowBytes) << 2);
    for (let at = <u64>y * <u64>outHeight; at < bottom; at += outHeight, y++) {
      const from = at > top ? at : top;
      const to = at + <u64>outHeight < bottom ? at + <u64>outHeight : bottom;
      addRow(source + <usize>(y - firstRow) * rowBytes, rowBytes, <u32>(to - from), sums);
    }
    averageRow(sums, width, channels, outWidth, area, out);
    out += channels * outWidth;
  }
}

/** `sums[i] += weight * row[i]`. */
function addRow(row: usize, count: u32, weight: u32, sums: usize): void {
  const factor = i32x4.splat(weight);
  let i: u32 = 0;
  for (; i + 16 <= count; i += 16) {
    const bytes = v128.load(row + i);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    const to = sums + ((<usize>i) << 2);
    v128.store(to, i32x4.add(v128.load(to), i32x4.mul(i32x4.extend_low_i16x8_u(low), factor)));
    v128.store(to, i32x4.add(v128.load(to, 16), i32x4.mul(i32x4.extend_high_i16x8_u(low), factor)), 16);
    v128.store(to, i32x4.add(v128.load(to, 32), i32x4.mul(i32x4.extend_low_i16x8_u(high), factor)), 32);
    v128.store(to, i32x4.add(v128.load(to, 48), i32x4.mul(i32x4.extend_high_i16x8_u(high), factor)), 48);
  }
  for (; i < count; i++) {
    const to = sums + ((<usize>i) << 2);
    store<u32>(to, load<u32>(to) + weight * <u32>load<u8>(row + i));
  }
}

/** One output row from the weighted column sums. */
function averageRow(sums: usize, width: u32, channels: u32, outWidth: u32, area: u64, out: usize): void {
  const scale = <u64>outWidth;
  const pixelBytes = (<usize>channels) << 2;
  for (let column: u32 = 0; column < outWidth; column++) {
    // In units of 1/outWidth of a source pixel.
    const left = <u64>column * <u64>width;
    const right = left + <u64>width;
    const x = left / scale;
    let a: u64 = 0;
    let b: u64 = 0;
    let c: u64 = 0;
    let from = sums + <usize>x * pixelBytes;
    for (let at = x * scale; at < right; at += scale, from += pixelBytes) {
      const weight = (at + scale < right ? at + scale : right) - (at > left ? at : left);
      a += weight * <u64>load<u32>(from);
      if (channels == 3) {
        b += weight * <u64>load<u32>(from, 4);
        c += weight * <u64>load<u32>(from, 8);
      }
    }
    store<u8>(out, mean(a, area));
    if (channels == 3) {
      store<u8>(out, mean(b, area), 1);
      store<u8>(out, mean(c, area), 2);
    }
    out += channels;
  }
}

/**
 * `floor(sum / total + 1/2)`, exactly: both parts of the fraction are whole and below 2^53, so the rounded quotient
 * of f64 crosses no whole number. Three times as fast as an integer division.
 */
function mean(sum: u64, total: u64): u8 {
  return <u8>(<i32>(<f64>(<i64>(2 * sum + total)) / <f64>(<i64>(2 * total))));
}

/**
 * Bilinear interpolation.
 *
 * @param source    u8[channels * width * height], row-major
 * @param width     1 ..= 2^24 - 1
 * @param height    1 ..= 2^24 - 1
 * @param channels  1 or 3
 * @param outWidth  1 ..= 2^24 - 1
 * @param outHeight 1 ..= 2^24 - 1
 * @param out       u8[channels * outWidth * outHeight], must not overlap the source
 */
export function resizeBilinear(
  source: usize,
  width: u32,
  height: u32,
  channels: u32,
  outWidth: u32,
  outHeight: u32,
  out: usize,
): void {
  const unitX = 2 * <i64>outWidth;
  const unitY = 2 * <i64>outHeight;
  const total = <u64>unitX * <u64>unitY;
  const rowBytes = channels * width;
  for (let row: u32 = 0; row < outHeight; row++) {
    const y = place(row, height, outHeight);
    const cellY = <u32>(<f64>y / <f64>unitY);
    const lower = <u64>(y - <i64>cellY * unitY);
    const upper = <u64>unitY - lower;
    const top = source + <usize>cellY * rowBytes;
    const bottom = lower == 0 ? top : top + rowBytes;
    for (let column: u32 = 0; column < outWidth; column++) {
      const x = place(column, width, outWidth);
      const cellX = <u32>(<f64>x / <f64>unitX);
      const right = <u64>(x - <i64>cellX * unitX);
      const left = <u64>unitX - right;
      const at = <usize>cellX * channels;
      const next = right == 0 ? at : at + channels;
      for (let c: u32 = 0; c < channels; c++) {
        const above = left * <u64>load<u8>(top + at + c) + right * <u64>load<u8>(top + next + c);
        const below = left * <u64>load<u8>(bottom + at + c) + right * <u64>load<u8>(bottom + next + c);
        store<u8>(out + c, mean(upper * above + lower * below, total));
      }
      out += channels;
    }
  }
}

/** Where output pixel `i` samples a side of `length`, in units of `1 / (2 * outLength)`, held inside. */
function place(i: u32, length: u32, outLength: u32): i64 {
  const at = (2 * <i64>i + 1) * <i64>length - <i64>outLength;
  const last = 2 * <i64>outLength * (<i64>length - 1);
  return at < 0 ? 0 : at > last ? last : at;
}
