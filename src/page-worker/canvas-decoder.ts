/**
 * Decoder on the browser's own codecs: `createImageBitmap` and a canvas. Reads what sharp reads, TIFF aside, at native speed.
 *
 * Browsers turn pictures by their EXIF orientation, and none of the switches against it means the same everywhere: so the orientation is taken
 * out of the bytes before. Some browsers answer a canvas with altered pixels, against fingerprinting: codes made of these would find
 * nothing, so such a browser is refused.
 * @module
 */
import { concat } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { DecodedPixels, Decoder } from '../image/decoder.ts';
import type { ImageHeader } from '../image/header.ts';

const FORMATS: ReadonlySet<string> = new Set(['png', 'jpeg', 'gif', 'bmp', 'webp', 'avif']);
/** Pixels of a side of the picture that a canvas is tried with. */
const TRIAL_SIDE = 32;

let trial: boolean | undefined;

/** The decoder. */
export function createCanvasDecoder(): Decoder {
  return {
    name: 'canvas',
    formats: FORMATS,
    async decode(bytes, header): Promise<DecodedPixels> {
      trial ??= isFaithful();
      if (!trial)
        throw new RetrievalError(
          'unsupported-format',
          'this browser alters the pixels of a canvas (a protection against fingerprinting): allow them for this page',
        );
      const file = header.orientation === 1 ? bytes : withoutExif(bytes, header);
      const bitmap = await createImageBitmap(
        new Blob([file as Uint8Array<ArrayBuffer>], { type: `image/${header.format}` }),
        {
          colorSpaceConversion: 'none',
          premultiplyAlpha: 'none',
        },
      );
      try {
        const { width, height } = bitmap;
        const { data } = draw(bitmap, width, height);
        return { width, height, channels: 4, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
      } finally {
        bitmap.close();
      }
    },
  };
}

function draw(source: ImageBitmap, width: number, height: number): ImageData {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new RetrievalError('image-too-large', 'this browser has no canvas of that size');
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, width, height);
}

/** Whether a canvas gives back what was put into it. */
function isFaithful(): boolean {
  const context = new OffscreenCanvas(TRIAL_SIDE, TRIAL_SIDE).getContext('2d', { willReadFrequently: true });
  if (context === null) return false;
  const data = Uint8ClampedArray.from({ length: 4 * TRIAL_SIDE * TRIAL_SIDE }, (_, i) =>
    i % 4 === 3 ? 255 : (i * 197 + (i >> 5) * 31) & 255,
  );
  context.putImageData(new ImageData(data, TRIAL_SIDE, TRIAL_SIDE), 0, 0);
  return context.getImageData(0, 0, TRIAL_SIDE, TRIAL_SIDE).data.every((value, i) => value === data[i]);
}

/** The same picture, upright as stored. */
function withoutExif(bytes: Uint8Array, { format }: ImageHeader): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = bytes.slice();
  if (format === 'jpeg') {
    // Up to the scan, each segment has a length. One of another name is skipped by every reader.
    for (
      let at = 2;
      at + 8 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda;
      at += 2 + view.getUint16(at + 2)
    )
      if (bytes[at + 1] === 0xe1 && view.getUint32(at + 4) === EXIF) out[at + 4] = 0x78;
  } else if (format === 'png') {
    for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at))
      if (view.getUint32(at + 4) === PNG_EXIF)
        return concat(bytes.subarray(0, at), bytes.subarray(at + 12 + view.getUint32(at)));
  } else if (format === 'webp')
    for (let at = 12; at + 8 <= bytes.length;) {
      if (view.getUint32(at) === WEBP_EXIF) out[at] = 0x78;
      const length = view.getUint32(at + 4, true);
      at += 8 + length + (length & 1);
    }
  return out;
}

const EXIF = 0x45786966; // "Exif"
const PNG_EXIF = 0x65584966; // "eXIf"
const WEBP_EXIF = 0x45584946; // "EXIF"
