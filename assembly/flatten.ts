/**
 * Transparent pixels over white: `round((c * a + 255 * (255 - a)) / 255)` for each colour `c` under alpha `a`.
 * In integers; a half cannot occur, since 255 is odd.
 */

/**
 * Drops alpha.
 *
 * @param rgba  u8[4 * count]
 * @param count number of pixels
 * @param out   u8[3 * count]; may be the same place as the input
 */
export function flatten(rgba: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const pixel = load<u32>(rgba);
    const alpha = pixel >>> 24;
    const white = 255 * (255 - alpha) + 127;
    store<u8>(out, <u8>(((pixel & 255) * alpha + white) / 255));
    store<u8>(out, <u8>((((pixel >>> 8) & 255) * alpha + white) / 255), 1);
    store<u8>(out, <u8>((((pixel >>> 16) & 255) * alpha + white) / 255), 2);
    rgba += 4;
    out += 3;
  }
}
