/**
 * JPEG encoder for thumbnails, on a canvas.
 * @module
 */
import type { Image } from '../image/image.ts';
import type { JpegEncoder } from '../image/thumbnail.ts';

/** The encoder. */
export const encodeJpeg: JpegEncoder = async (image, quality) => {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(imageData(image), 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: quality / 100 });
  return new Uint8Array(await blob.arrayBuffer());
};

/** Pixels as a canvas takes them. */
export function imageData({ width, height, data }: Image): ImageData {
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    pixels.data.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  return pixels;
}
