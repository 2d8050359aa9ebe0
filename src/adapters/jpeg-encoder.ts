/**
 * JPEG encoder for thumbnails: sharp's where it is installed, jimp's everywhere.
 * @module
 */
import type { JpegEncoder } from '../image/thumbnail.ts';

/** Loads the encoder. */
export async function loadJpegEncoder(): Promise<JpegEncoder> {
  const sharp = await import('sharp').then(
    (module) => module.default,
    () => undefined,
  );
  if (sharp === undefined) return createJimpEncoder();
  return async ({ width, height, data }, quality) =>
    bytesOf(
      await sharp(data, { raw: { width, height, channels: 3 } })
        .jpeg({ quality })
        .toBuffer(),
    );
}

/** The encoder without native code. */
export async function createJimpEncoder(): Promise<JpegEncoder> {
  const { Jimp } = await import('jimp');
  return async ({ width, height, data }, quality) => {
    const rgba = Buffer.alloc(4 * width * height, 255);
    for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
    return bytesOf(await new Jimp({ width, height, data: rgba }).getBuffer('image/jpeg', { quality }));
  };
}

/** Of its own: Node's small buffers share one. */
function bytesOf(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}
