/**
 * Decoder on jimp: no native code, reads PNG, JPEG, BMP, GIF and TIFF.
 *
 * jimp's own entry points turn JPEGs by their EXIF orientation; its format plugins do not, and are called directly.
 * Its TIFF plugin never ends on some damaged files and prints to the console: `tiff-pixels.ts` stands in for it.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { DecodedPixels, Decoder } from '../image/decoder.ts';
import type { ImageHeader } from '../image/header.ts';
import { decodeTiff } from './tiff-pixels.ts';

/** The part of jimp's plugins that is used. */
interface Format {
  readonly mime: string;
  decode(data: Buffer, options?: object): DecodedBitmap | Promise<DecodedBitmap>;
}

interface DecodedBitmap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

const FORMATS: ReadonlySet<string> = /* @__PURE__ */ new Set(['png', 'jpeg', 'bmp', 'gif', 'tiff']);

/** About 4 bytes a sample and the pixels: enough for 100 megapixels. */
const JPEG_OPTIONS = {
  tolerantDecoding: false,
  // The header was checked against the caller's limit.
  maxResolutionInMP: 2 ** 32,
  maxMemoryUsageInMB: 3072,
};

/** Loads jimp. */
export async function createJimpDecoder(): Promise<Decoder> {
  const { Jimp } = await import('jimp');
  const { formats } = new Jimp({ width: 1, height: 1 });
  const plugins = new Map<string, Format>();
  for (const format of formats as unknown as Format[]) plugins.set(format.mime.replace('image/', ''), format);
  return {
    name: 'jimp',
    formats: FORMATS,
    async decode(bytes, header): Promise<DecodedPixels> {
      if (header.format === 'tiff') return decodeTiff(bytes, header);
      const plugin = plugins.get(header.format);
      if (plugin === undefined) throw new RetrievalError('unsupported-format', `jimp does not read ${header.format}`);
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (header.format === 'png') await checkInterlaced(data, header);
      try {
        const decoded = await plugin.decode(data, header.format === 'jpeg' ? JPEG_OPTIONS : {});
        return { width: decoded.width, height: decoded.height, channels: 4, data: asBytes(decoded.data) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const code = reason.startsWith('maxMemoryUsage')
          ? 'image-too-large'
          : /unsupported|not supported|unknown compression/i.test(reason)
            ? 'unsupported-format'
            : 'corrupt-image';
        throw new RetrievalError(code, `jimp could not read the ${header.format} file`, { cause: error });
      }
    },
  };
}

function asBytes(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** pngjs inflates interlaced files without a limit: inflate once with one. */
async function checkInterlaced(bytes: Buffer, header: ImageHeader): Promise<void> {
  if (bytes[28] !== 1) return;
  const { inflateSync } = await import('node:zlib');
  const parts: Buffer[] = [];
  for (let at = 33; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at))
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
  // 16 bit RGBA, a filter byte a row, in seven passes.
  const most = 8 * header.width * header.height + 16 * (header.width + header.height) + 1024;
  try {
    inflateSync(Buffer.concat(parts), { maxOutputLength: most });
  } catch (error) {
    throw new RetrievalError('corrupt-image', 'the png file is damaged or cut short', { cause: error });
  }
}
