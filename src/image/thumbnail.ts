/**
 * A small JPEG of a picture, to be shown in its place: upright, opaque, without metadata, since it is made from pixels alone.
 * @module
 */
import type { Image } from './image.ts';
import type { Pixels } from './pixels.ts';

/** Encodes RGB pixels as a JPEG, quality in 1..=100: passed in, so that this layer depends on no codec. */
export type JpegEncoder = (image: Image, quality: number) => Promise<Uint8Array>;

/** Longer side, in pixels, where the picture has as many. */
const SIDE = 256;
/** What has too many bytes is tried with the next one. A photo nearly always fits with the first. */
const QUALITIES = [80, 65, 50, 35, 20, 5];

/**
 * Makes a thumbnail of at most `maxBytes` bytes.
 * @param image - Upright, of any size.
 * @returns Undefined where no quality is small enough.
 */
export async function makeThumbnail(
  pixels: Pixels,
  encode: JpegEncoder,
  image: Image,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
  const scaled = (side: number): number => Math.max(1, Math.round(scale * side));
  const small = pixels.reduce({ ...image, channels: 3 }, scaled(image.width), scaled(image.height));
  for (const quality of QUALITIES) {
    const jpeg = await encode(small, quality);
    if (jpeg.length <= maxBytes) return jpeg;
  }
  return undefined;
}
