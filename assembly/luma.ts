/**
 * Luma of RGB pixels: `round(0.299 R + 0.587 G + 0.114 B)`, halves up (ITU-R BT.601).
 *
 * Computed in f64, terms added from left to right, as the definition is written. Integers would be faster
 * and right as well, but 3464 of the 16 777 216 colours are halves that f64 places on the other side.
 */

const RED: f64 = 0.299;
const GREEN: f64 = 0.587;
const BLUE: f64 = 0.114;

/**
 * Writes the luma of every pixel.
 *
 * @param rgb   u8[3 * count]
 * @param count number of pixels
 * @param out   u8[count], must not overlap the input
 */
export function luma(rgb: usize, count: u32, out: usize): void {
  let i: u32 = 0;
  // Four pixels are 12 bytes, but a load takes 16: two more pixels must follow.
  for (; i + 6 <= count; i += 4) {
    const pixels = v128.load(rgb);
    // One colour of four pixels, widened to 32 bits. Lane 31 is a zero.
    const zero = i8x16.splat(0);
    const r = v128.shuffle<u8>(pixels, zero, 0, 31, 31, 31, 3, 31, 31, 31, 6, 31, 31, 31, 9, 31, 31, 31);
    const g = v128.shuffle<u8>(pixels, zero, 1, 31, 31, 31, 4, 31, 31, 31, 7, 31, 31, 31, 10, 31, 31, 31);
    const b = v128.shuffle<u8>(pixels, zero, 2, 31, 31, 31, 5, 31, 31, 31, 8, 31, 31, 31, 11, 31, 31, 31);
    const low = pair(r, g, b);
    const high = pair(upper(r), upper(g), upper(b));
    // Bytes 0 and 4 of each half are the answers.
    store<u32>(
      out,
      i32x4.extract_lane(v128.shuffle<u8>(low, high, 0, 4, 16, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0),
    );
    rgb += 12;
    out += 4;
  }
  for (; i < count; i++) {
    const r = <f64>load<u8>(rgb);
    const g = <f64>load<u8>(rgb, 1);
    const b = <f64>load<u8>(rgb, 2);
    store<u8>(out, <u8>(RED * r + GREEN * g + BLUE * b + 0.5));
    rgb += 3;
    out++;
  }
}

/** Luma of the two pixels in the lower lanes, as u32 lanes 0 and 1. */
function pair(r: v128, g: v128, b: v128): v128 {
  const red = f64x2.mul(f64x2.convert_low_i32x4_u(r), f64x2.splat(RED));
  const green = f64x2.mul(f64x2.convert_low_i32x4_u(g), f64x2.splat(GREEN));
  const blue = f64x2.mul(f64x2.convert_low_i32x4_u(b), f64x2.splat(BLUE));
  const sum = f64x2.add(f64x2.add(red, green), blue);
  return i32x4.trunc_sat_f64x2_u_zero(f64x2.add(sum, f64x2.splat(0.5)));
}

function upper(v: v128): v128 {
  return v128.shuffle<u32>(v, v, 2, 3, 2, 3);
}
