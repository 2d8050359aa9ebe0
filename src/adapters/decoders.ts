/**
 * The image decoders that are installed.
 * @module
 */
import type { Decoder } from '../image/decoder.ts';
import { createJimpDecoder } from './jimp-decoder.ts';
import { createSharpDecoder } from './sharp-decoder.ts';

/** The decoders that are installed: sharp first, then jimp. */
export async function loadDecoders(): Promise<Decoder[]> {
  const sharp = await createSharpDecoder();
  const jimp = await createJimpDecoder();
  return sharp === undefined ? [jimp] : [sharp, jimp];
}
