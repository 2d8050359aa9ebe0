/**
 * Altered copies of a photo, as people make them: near-duplicates for the demo, the tests and the measurement of `dedupe`.
 * @module
 */
import { Jimp } from 'jimp';

/** What is done to a photo, in this order; then it is written as JPEG. */
export interface Change {
  /** The middle, this share of each side. */
  readonly crop?: number;
  /** Each side, times this. */
  readonly scale?: number;
  readonly grey?: boolean;
  /** Of the JPEG, 1..100; 85 unless told. */
  readonly quality?: number;
}

/** What the demo does to photos. */
export type Alteration = 'crop' | 'small' | 'rough' | 'grey';

const CHANGES: Readonly<Record<Alteration, Change>> = {
  crop: { crop: 0.8 },
  small: { scale: 0.5 },
  rough: { quality: 15 },
  grey: { grey: true },
};

/** In the order in which copies are made. */
export const ALTERATIONS: readonly Alteration[] = Object.keys(CHANGES) as Alteration[];

/** One altered copy, as JPEG. */
export async function alter(photo: Uint8Array, alteration: Alteration | Change): Promise<Uint8Array> {
  const { crop, scale, grey, quality = 85 } = typeof alteration === 'string' ? CHANGES[alteration] : alteration;
  const image = await Jimp.fromBuffer(Buffer.from(photo));
  const { width, height } = image;
  if (crop !== undefined) {
    const [w, h] = [Math.max(1, Math.round(crop * width)), Math.max(1, Math.round(crop * height))];
    image.crop({ x: Math.floor((width - w) / 2), y: Math.floor((height - h) / 2), w, h });
  }
  if (scale !== undefined) image.resize({ w: Math.max(1, Math.round(scale * image.width)) });
  if (grey === true) image.greyscale();
  return image.getBuffer('image/jpeg', { quality });
}
