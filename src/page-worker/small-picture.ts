/**
 * Small pictures for the grid, of files that were stored without one.
 * @module
 */
import type { ImageReader } from '../image/decode.ts';
import { imageData } from './canvas-encoder.ts';

/** Pixels of the shorter side, at least, where the file has them: a tile is filled. */
const SIDE = 256;
const QUALITY = 0.8;

/**
 * A JPEG of a picture, upright.
 * @param bytes - The whole file.
 * @param reader - For files that the browser itself does not show.
 * @returns Undefined where nothing here decodes it.
 */
export async function smallPicture(bytes: Uint8Array, reader: ImageReader): Promise<Blob | undefined> {
  const bitmap = await decode(bytes, reader);
  if (bitmap === undefined) return undefined;
  try {
    const scale = Math.min(1, SIDE / Math.min(bitmap.width, bitmap.height));
    const width = Math.max(1, Math.round(scale * bitmap.width));
    const height = Math.max(1, Math.round(scale * bitmap.height));
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d')!;
    // A JPEG has no transparency: white, as for the codes.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    return await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  } finally {
    bitmap.close();
  }
}

async function decode(bytes: Uint8Array, reader: ImageReader): Promise<ImageBitmap | undefined> {
  try {
    return await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  } catch {
    // A format of our own decoders, perhaps.
  }
  try {
    const { image } = await reader.read(bytes);
    return await createImageBitmap(imageData(image));
  } catch {
    return undefined;
  }
}
