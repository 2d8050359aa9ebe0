/**
 * Decoder on sharp (libvips): native, an optional dependency, ten times as fast as jimp, and reads WebP and AVIF as well.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { DecodedPixels, Decoder } from '../image/decoder.ts';

/** HEIC is missing: the prebuilt libheif has no HEVC. */
const FORMATS: ReadonlySet<string> = /* @__PURE__ */ new Set(['png', 'jpeg', 'gif', 'tiff', 'webp', 'avif']);

/** Loads sharp; undefined when it is not installed, or not for this platform. */
export async function createSharpDecoder(): Promise<Decoder | undefined> {
  const sharp = await import('sharp').then(
    (module) => module.default,
    () => undefined,
  );
  if (sharp === undefined) return undefined;
  return {
    name: 'sharp',
    formats: FORMATS,
    async decode(bytes, header): Promise<DecodedPixels> {
      try {
        // No orientation (the default), no colour profile: every decoder gives the stored colours.
        const { data, info } = await sharp(bytes, {
          failOn: 'truncated',
          limitInputPixels: header.width * header.height,
          ignoreIcc: true,
          pages: 1,
        })
          .toColourspace('srgb')
          .raw({ depth: 'uchar' })
          .toBuffer({ resolveWithObject: true });
        const { width, height, channels } = info;
        return widen(width, height, channels, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      } catch (error) {
        throw new RetrievalError('corrupt-image', `sharp could not read the ${header.format} file`, { cause: error });
      }
    },
  };
}

/** Grey, with or without alpha, to colour. */
function widen(width: number, height: number, channels: number, data: Uint8Array): DecodedPixels {
  if (channels === 3 || channels === 4) return { width, height, channels, data };
  const to = channels === 2 ? 4 : 3;
  const out = new Uint8Array(to * width * height);
  for (let i = 0; i < width * height; i++) {
    out.fill(data[channels * i]!, to * i, to * i + 3);
    if (to === 4) out[4 * i + 3] = data[2 * i + 1]!;
  }
  return { width, height, channels: to, data: out };
}
