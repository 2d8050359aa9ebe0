/**
 * Altered copies of a photo, as people make them: near-duplicates for the demo and the tests.
 * @module
 */
import { Jimp } from 'jimp';

/** What is done to a photo. */
export type Alteration = 'crop' | 'small' | 'rough' | 'grey';

/** In the order in which copies are made. */
export const ALTERATIONS: readonly Alteration[] = ['crop', 'small', 'rough', 'grey'];

/**
 * One altered copy, as JPEG.
 *
 * - `crop`: the middle, 80 % of each side
 * - `small`: half of each side
 * - `rough`: JPEG quality 15
 * - `grey`: no colour
 */
export async function alter(photo: Uint8Array, alteration: Alteration): Promise<Uint8Array> {
  const image = await Jimp.fromBuffer(Buffer.from(photo));
  const { width, height } = image;
  if (alteration === 'crop') {
    const [w, h] = [Math.max(1, Math.round(0.8 * width)), Math.max(1, Math.round(0.8 * height))];
    image.crop({ x: Math.floor((width - w) / 2), y: Math.floor((height - h) / 2), w, h });
  } else if (alteration === 'small') image.resize({ w: Math.max(1, Math.round(width / 2)) });
  else if (alteration === 'grey') image.greyscale();
  return image.getBuffer('image/jpeg', { quality: alteration === 'rough' ? 15 : 85 });
}
