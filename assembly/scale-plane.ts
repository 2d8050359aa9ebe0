/** Twice and half the size of an f32 plane: the steps between octaves of a scale space (Lowe 2004, section 3). */

/**
 * Every second pixel: `out[y][x] = source[2y][2x]`.
 *
 * @param source    f32[stride * height]
 * @param stride    numbers between source rows
 * @param out       f32[outStride * outHeight]
 * @param outWidth  (source width + 1) / 2, rounded down
 * @param outHeight (source height + 1) / 2, rounded down
 * @param outStride numbers between output rows
 */
export function halvePlane(
  source: usize,
  stride: u32,
  out: usize,
  outWidth: u32,
  outHeight: u32,
  outStride: u32,
): void {
  for (let y: u32 = 0; y < outHeight; y++) {
    for (let x: u32 = 0; x < outWidth; x++) store<f32>(out + (x << 2), load<f32>(source + (x << 3)));
    source += (<usize>stride) << 3;
    out += (<usize>outStride) << 2;
  }
}

/**
 * Bilinear at twice the size, pixel centres at +0.5, edges repeated.
 *
 * @param source    f32[stride * height]
 * @param width     source columns, at least 1
 * @param height    source rows, at least 1
 * @param stride    numbers between source rows
 * @param out       f32[outStride * 2 * height]
 * @param outStride numbers between output rows, at least 2 * width
 */
export function doublePlane(source: usize, width: u32, height: u32, stride: u32, out: usize, outStride: u32): void {
  for (let y: u32 = 0; y < height << 1; y++) {
    const near = y >> 1;
    // Odd rows lean on the row below, even ones on the row above.
    const far = (y & 1) != 0 ? min(near + 1, height - 1) : max(near, 1) - 1;
    const a = source + ((<usize>near * stride) << 2);
    const b = source + ((<usize>far * stride) << 2);
    for (let x: u32 = 0; x < width; x++) {
      const left = max(x, 1) - 1;
      const right = min(x + 1, width - 1);
      const middle = lean(a, b, x) * 0.75;
      store<f32>(out + (x << 3), middle + lean(a, b, left) * 0.25);
      store<f32>(out + (x << 3), middle + lean(a, b, right) * 0.25, 4);
    }
    out += (<usize>outStride) << 2;
  }
}

/** Three quarters of the near row and one of the far one, in column x. */
function lean(a: usize, b: usize, x: u32): f32 {
  return load<f32>(a + (x << 2)) * 0.75 + load<f32>(b + (x << 2)) * 0.25;
}
