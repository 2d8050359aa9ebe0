/**
 * How alike neighbouring pixels are: Pearson's correlation of each pixel with the one beside, below, or diagonally below it, over
 * all pixels and the three channels. Photos come near 1, random bytes near 0.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';

/** In -1..1; 0 where nothing varies. */
export interface NeighbourCorrelation {
  readonly horizontal: number;
  readonly vertical: number;
  readonly diagonal: number;
}

/**
 * @param data - u8[3 * width * height]: RGB, row-major.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On fewer than 2 x 2 pixels, or data of another length. {@link RangeError}
 */
export function neighbourCorrelation(data: Uint8Array, width: number, height: number): NeighbourCorrelation {
  assertInteger(width, 'width', 2, 2 ** 24);
  assertInteger(height, 'height', 2, 2 ** 24);
  assertBytes(data, 'data', 3 * width * height);
  const along = (dx: number, dy: number): number => {
    let [n, x, y, xx, yy, xy] = [0, 0, 0, 0, 0, 0];
    const step = 3 * (dy * width + dx);
    for (let row = 0; row < height - dy; row++)
      for (let at = 3 * row * width, end = at + 3 * (width - dx); at < end; at++) {
        const [a, b] = [data[at]!, data[at + step]!];
        n++;
        x += a;
        y += b;
        xx += a * a;
        yy += b * b;
        xy += a * b;
      }
    const spread = Math.sqrt((n * xx - x * x) * (n * yy - y * y));
    return spread === 0 ? 0 : (n * xy - x * y) / spread;
  };
  return { horizontal: along(1, 0), vertical: along(0, 1), diagonal: along(1, 1) };
}
