/**
 * Turns and mirrors an image as EXIF orientation says (Exif 2.32, tag 274), so that it stands upright.
 *
 * | orientation | pixel (x, y) of the upright image is the stored pixel |
 * | ----------: | ------------------------------------------------------ |
 * |           1 | (x, y)                                                 |
 * |           2 | (width - 1 - x, y)                                     |
 * |           3 | (width - 1 - x, height - 1 - y)                        |
 * |           4 | (x, height - 1 - y)                                    |
 * |           5 | (y, x)                                                 |
 * |           6 | (y, height - 1 - x)                                    |
 * |           7 | (width - 1 - y, height - 1 - x)                        |
 * |           8 | (width - 1 - y, x)                                     |
 */

/**
 * Writes the upright image: `width * height`, or `height * width` for the orientations 5 to 8.
 *
 * @param rgb         u8[3 * width * height], row-major
 * @param width       of the stored image, in pixels
 * @param height      of the stored image, in pixels
 * @param orientation 1..=8
 * @param out         u8[3 * width * height], must not overlap the input
 */
export function orient(rgb: usize, width: u32, height: u32, orientation: u32, out: usize): void {
  const turned = orientation >= 5;
  const fromRight = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const fromBottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  // Steps through the stored pixels for one step to the right and one step down in the stored image. Backward
  // steps are negative numbers modulo 2^32, as pointers are.
  const rowBytes = <usize>width * 3;
  const right: usize = fromRight ? 0 - 3 : 3;
  const down: usize = fromBottom ? 0 - rowBytes : rowBytes;
  let start = rgb;
  if (fromRight) start += rowBytes - 3;
  if (fromBottom) start += rowBytes * (height - 1);
  const stepX: usize = turned ? down : right;
  const stepY: usize = turned ? right : down;
  const outWidth = turned ? height : width;
  const outHeight = turned ? width : height;
  for (let y: u32 = 0; y < outHeight; y++) {
    let from = start + <usize>y * stepY;
    for (let x: u32 = 0; x < outWidth; x++) {
      store<u8>(out, load<u8>(from));
      store<u8>(out, load<u8>(from, 1), 1);
      store<u8>(out, load<u8>(from, 2), 2);
      out += 3;
      from += stepX;
    }
  }
}
