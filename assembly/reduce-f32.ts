/**
 * Area average of a u8 plane into a smaller or equal f32 plane, values in [0, 1].
 *
 * Output pixel (x, y) is the mean over [x w/W, (x+1) w/W) x [y h/H, (y+1) h/H), source pixels being unit
 * squares. Overlaps are counted in whole 1/W-ths and 1/H-ths, so no ratio is rounded.
 */

/**
 * @param source    u8[width * height], with 4 bytes of slack behind it
 * @param width     source columns
 * @param height    source rows
 * @param out       f32[outStride * outHeight]; columns past outWidth are not written
 * @param outWidth  1 ..= width
 * @param outHeight 1 ..= height
 * @param outStride numbers between output rows
 * @param row       f32[width + 4], scratch
 */
export function reduceF32(
  source: usize,
  width: u32,
  height: u32,
  out: usize,
  outWidth: u32,
  outHeight: u32,
  outStride: u32,
  row: usize,
): void {
  const scale: f64 = 1 / (<f64>width * <f64>height * 255);
  for (let y: u32 = 0; y < outHeight; y++) {
    const top = y * height;
    const bottom = top + height;
    for (let x: u32 = 0; x < width; x += 4) v128.store(row + (x << 2), f32x4.splat(0));
    for (let sy = top / outHeight; sy * outHeight < bottom; sy++) {
      const overlap = min(sy * outHeight + outHeight, bottom) - max(sy * outHeight, top);
      addRow(source + <usize>sy * width, width, f32x4.splat(<f32>overlap), row);
    }
    // Where the source pixel at `from` begins, in 1/outWidth-ths.
    let place: u32 = 0;
    let from = row;
    let left: u32 = 0;
    for (let x: u32 = 0; x < outWidth; x++) {
      const right = left + width;
      // The last one of the pixel before reaches into this one.
      if (place > left) {
        place -= outWidth;
        from -= 4;
      }
      let sum: f64 = 0;
      for (; place < right; place += outWidth, from += 4) {
        const overlap = min(place + outWidth, right) - max(place, left);
        sum += <f64>load<f32>(from) * <f64>overlap;
      }
      left = right;
      store<f32>(out + (x << 2), <f32>(sum * scale));
    }
    out += (<usize>outStride) << 2;
  }
}

/** `row += weight * source`, four columns at a time. */
function addRow(source: usize, width: u32, weight: v128, row: usize): void {
  for (let x: u32 = 0; x < width; x += 4) {
    const words = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(source + x)));
    const at = row + (x << 2);
    v128.store(at, f32x4.add(v128.load(at), f32x4.mul(f32x4.convert_i32x4_u(words), weight)));
  }
}
