/** Synthetic images for tests of local features: seeded, so that a failure can be run again. */
import { seededRandom } from '../src/base/random.ts';
import type { Luma } from '../src/image/image.ts';
import { blur, type Plane } from './reference/sift.ts';

/** Blurred noise at two sizes, stretched to the whole range: something to find at every scale. */
export function texture(width: number, height: number, seed: number): Luma {
  const random = seededRandom(seed);
  const noise = (sigma: number): Plane =>
    blur({ width, height, data: Float64Array.from({ length: width * height }, () => random() - 0.5) }, sigma);
  const [fine, coarse] = [noise(1.5), noise(4)];
  const data = fine.data.map((value, i) => value + 2 * coarse.data[i]!);
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  return { width, height, data: Uint8Array.from(data, (value) => Math.round(127.5 + (127 * value) / largest)) };
}

/** One Gaussian blob, bright on dark. */
export function blob(width: number, height: number, x: number, y: number, sigma: number): Luma {
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      data[row * width + column] = Math.round(
        20 + 200 * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma ** 2)),
      );
  return { width, height, data };
}

/** A quarter turn clockwise: pixel (x, y) goes to (height - 1 - y, x). */
export function turn({ width, height, data }: Luma): Luma {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) out[x * height + (height - 1 - y)] = data[y * width + x]!;
  return { width: height, height: width, data: out };
}

/** The part of an image from (left, top) on. */
export function crop(luma: Luma, left: number, top: number, width: number, height: number): Luma {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    data.set(luma.data.subarray((top + y) * luma.width + left, (top + y) * luma.width + left + width), y * width);
  return { width, height, data };
}
