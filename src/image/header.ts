/**
 * What a file says about itself before it is decoded: format, size, EXIF orientation.
 *
 * Time is linear in the bytes. Formats that no decoder here reads have a size where a line or two can tell it.
 * @module
 */
import { assertBytes } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import { readHeifSize } from './heif.ts';
import { TAG, readDirectory, readOrientation } from './tiff.ts';

export interface ImageHeader {
  /** `jpeg`, `png`, `gif`, `bmp`, `tiff`, `webp`, `heic`, `heif`, `avif`, ... */
  readonly format: string;
  /** As stored, before the orientation is applied, in pixels. 0 only for formats that no decoder here reads. */
  readonly width: number;
  /** As {@link ImageHeader.width}. */
  readonly height: number;
  /** EXIF, 1..=8. */
  readonly orientation: number;
}

type Size = Omit<ImageHeader, 'format'>;

/** First bytes by format; `?` is any byte. Longer ones first where they begin alike. */
const MAGIC: readonly (readonly [format: string, magic: string])[] = [
  ['jpeg', 'ff d8 ff'],
  ['png', '89 50 4e 47 0d 0a 1a 0a'],
  ['gif', '47 49 46 38 37 61'],
  ['gif', '47 49 46 38 39 61'],
  ['webp', '52 49 46 46 ? ? ? ? 57 45 42 50'],
  ['tiff', '49 49 2a 00'],
  ['tiff', '4d 4d 00 2a'],
  ['bigtiff', '49 49 2b 00 08 00 00 00'],
  ['bigtiff', '4d 4d 00 2b 00 08 00 00'],
  ['avif', '? ? ? ? 66 74 79 70 61 76 69 66'],
  ['avif', '? ? ? ? 66 74 79 70 61 76 69 73'],
  ['heic', '? ? ? ? 66 74 79 70 68 65 69 63'],
  ['heic', '? ? ? ? 66 74 79 70 68 65 69 78'],
  ['heic', '? ? ? ? 66 74 79 70 68 65 76 63'],
  ['heic', '? ? ? ? 66 74 79 70 68 65 76 78'],
  ['heif', '? ? ? ? 66 74 79 70 6d 69 66 31'],
  ['heif', '? ? ? ? 66 74 79 70 6d 73 66 31'],
  ['jp2', '00 00 00 0c 6a 50 20 20 0d 0a 87 0a'],
  ['j2c', 'ff 4f ff 51'],
  ['jxl', '00 00 00 0c 4a 58 4c 20 0d 0a 87 0a'],
  ['jxl', 'ff 0a'],
  ['psd', '38 42 50 53 00 01'],
  ['ico', '00 00 01 00 ? 00'],
  ['dds', '44 44 53 20 7c 00 00 00'],
  ['ktx', 'ab 4b 54 58 20'],
  ['bmp', '42 4d'],
];

const PATTERNS = /* @__PURE__ */ MAGIC.map(
  ([format, magic]) => [format, magic.split(' ').map((byte) => (byte === '?' ? -1 : parseInt(byte, 16)))] as const,
);

/** Reads the header of the formats we decode. Out of bounds is a `RangeError` of the view. */
const READERS: Readonly<Record<string, (bytes: Uint8Array, view: DataView) => Size>> = {
  jpeg: readJpeg,
  png: readPng,
  gif: readGif,
  bmp: readBmp,
  tiff: readTiff,
  webp: readWebp,
};

/** Those of other formats; undefined is an unknown size. */
const FOREIGN_READERS: Readonly<Record<string, (view: DataView) => { width: number; height: number } | undefined>> = {
  avif: readHeifSize,
  heic: readHeifSize,
  heif: readHeifSize,
  // ISO/IEC 15444-1, SIZ: what of the reference grid is image.
  j2c: (view) => ({ width: view.getUint32(8) - view.getUint32(16), height: view.getUint32(12) - view.getUint32(20) }),
  psd: (view) => ({ width: view.getUint32(18), height: view.getUint32(14) }),
  dds: (view) => ({ width: view.getUint32(16, true), height: view.getUint32(12, true) }),
  // The first image of it; 0 is 256.
  ico: (view) => ({ width: view.getUint8(6) || 256, height: view.getUint8(7) || 256 }),
};

/**
 * Reads format, size and orientation.
 * @param bytes - The whole file.
 * @throws On anything but bytes. {@link TypeError}
 * @throws `empty-file`, `not-an-image`, or `corrupt-image` when the format is known but its header is not whole. {@link RetrievalError}
 */
export function readHeader(bytes: Uint8Array): ImageHeader {
  assertBytes(bytes, 'bytes');
  if (bytes.length === 0) throw new RetrievalError('empty-file', 'expected an image, got 0 bytes');
  const format = PATTERNS.find(
    ([, pattern]) => bytes.length >= pattern.length && pattern.every((byte, i) => byte === -1 || byte === bytes[i]),
  )?.[0];
  if (format === undefined) throw new RetrievalError('not-an-image', 'the bytes are not of any known image format');
  const reader = READERS[format];
  if (reader === undefined) return { format, ...foreignSize(format, bytes) };
  const header = { format, ...readOrRefuse(format, bytes, reader) };
  if (header.width < 1 || header.height < 1)
    throw corrupt(format, `a size of ${header.width} x ${header.height} pixels`);
  return header;
}

function readOrRefuse(format: string, bytes: Uint8Array, reader: (bytes: Uint8Array, view: DataView) => Size): Size {
  try {
    return reader(bytes, viewOf(bytes));
  } catch (error) {
    if (error instanceof RetrievalError) throw error;
    throw corrupt(format, 'a header that is cut short', { cause: error });
  }
}

function corrupt(format: string, found: string, options?: ErrorOptions): RetrievalError {
  return new RetrievalError('corrupt-image', `expected a whole ${format} header, got ${found}`, options);
}

/** Best effort: these formats are listed, not decoded, except AVIF, which an image without a size then fails. */
function foreignSize(format: string, bytes: Uint8Array): Size {
  try {
    const size = FOREIGN_READERS[format]?.(viewOf(bytes));
    if (size !== undefined && [size.width, size.height].every((side) => Number.isSafeInteger(side) && side > 0))
      return { ...size, orientation: 1 };
  } catch {
    // Cut short.
  }
  return { width: 0, height: 0, orientation: 1 };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const ascii = (text: string): number =>
  (text.charCodeAt(0) << 24) | (text.charCodeAt(1) << 16) | (text.charCodeAt(2) << 8) | text.charCodeAt(3);
const EXIF = /* @__PURE__ */ ascii('Exif');

/** ITU-T T.81, annex B: segments up to the first frame header. */
function readJpeg(bytes: Uint8Array, view: DataView): Size {
  let orientation: number | undefined;
  for (let at = 2; ;) {
    // Fill bytes, and what careless writers leave between segments, are skipped.
    at = bytes.indexOf(0xff, at);
    if (at < 0) throw corrupt('jpeg', 'no frame');
    while (view.getUint8(at + 1) === 0xff) at++;
    const marker = view.getUint8(at + 1);
    at += 2;
    // Stuffed byte, TEM, RST0..7, SOI: no length follows.
    if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    if (marker === 0xd9 || marker === 0xda) throw corrupt('jpeg', 'no frame');
    const length = view.getUint16(at);
    if (length < 2) throw corrupt('jpeg', 'a segment shorter than its length');
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame)
      return { height: view.getUint16(at + 3), width: view.getUint16(at + 5), orientation: orientation ?? 1 };
    if (marker === 0xe1 && orientation === undefined && length >= 8 && view.getInt32(at + 2) === EXIF)
      orientation = readOrientation(bytes.subarray(at + 8, at + length));
    at += length;
  }
}

/** PNG 3rd edition: IHDR first; eXIf anywhere. */
function readPng(bytes: Uint8Array, view: DataView): Size {
  if (view.getUint32(8) !== 13 || view.getInt32(12) !== ascii('IHDR')) throw corrupt('png', 'another first chunk');
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  let orientation = 1;
  // A file cut short after IHDR has a header all the same: its pixels are for the decoder to miss.
  for (let at = 33; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getInt32(at + 4) !== ascii('eXIf')) continue;
    orientation = readOrientation(bytes.subarray(at + 8, at + 8 + view.getUint32(at)));
    break;
  }
  return { width, height, orientation };
}

/** GIF89a: the screen, and the first frame, which must lie within it. */
function readGif(_bytes: Uint8Array, view: DataView): Size {
  const width = view.getUint16(6, true);
  const height = view.getUint16(8, true);
  const table = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1));
  let at = 13 + table(view.getUint8(10));
  while (view.getUint8(at) === 0x21) {
    at += 2;
    for (let length = view.getUint8(at); length !== 0; length = view.getUint8(at)) at += 1 + length;
    at += 1;
  }
  if (view.getUint8(at) !== 0x2c) throw corrupt('gif', 'no frame');
  const right = view.getUint16(at + 1, true) + view.getUint16(at + 5, true);
  const bottom = view.getUint16(at + 3, true) + view.getUint16(at + 7, true);
  if (right > width || bottom > height) throw corrupt('gif', 'a frame larger than the screen');
  return { width, height, orientation: 1 };
}

/** BITMAPCOREHEADER (12 bytes) or BITMAPINFOHEADER and its successors; a negative height means top row first. */
function readBmp(_bytes: Uint8Array, view: DataView): Size {
  const headerBytes = view.getUint32(14, true);
  if (headerBytes === 12) return { width: view.getUint16(18, true), height: view.getUint16(20, true), orientation: 1 };
  if (headerBytes < 40 || headerBytes > 124)
    throw new RetrievalError('not-an-image', 'the bytes are not of any known image format');
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)), orientation: 1 };
}

/** TIFF 6.0: the first directory. */
function readTiff(bytes: Uint8Array): Size {
  const directory = readDirectory(bytes);
  if (directory === undefined) throw corrupt('tiff', 'no directory');
  // Decoders allocate by these too.
  if ((directory.first(TAG.samplesPerPixel) ?? 1) > 8 || (directory.first(TAG.bitsPerSample) ?? 1) > 64)
    throw corrupt('tiff', 'too many samples a pixel');
  return {
    width: directory.first(TAG.width) ?? 0,
    height: directory.first(TAG.height) ?? 0,
    orientation: readOrientation(bytes),
  };
}

/** RFC 9649: VP8, VP8L or VP8X first; EXIF, if any, after the pixels. */
function readWebp(bytes: Uint8Array, view: DataView): Size {
  const first = view.getInt32(12);
  if (first === ascii('VP8 ')) {
    if (view.getUint16(23) !== 0x9d01 || view.getUint8(25) !== 0x2a) throw corrupt('webp', 'no key frame');
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff, orientation: 1 };
  }
  if (first === ascii('VP8L')) {
    if (view.getUint8(20) !== 0x2f) throw corrupt('webp', 'no VP8L signature');
    const bits = view.getUint32(21, true);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, orientation: 1 };
  }
  if (first !== ascii('VP8X')) throw corrupt('webp', 'another first chunk');
  const u24 = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  const size = { width: u24(24) + 1, height: u24(27) + 1 };
  for (let at = 30; at + 8 <= bytes.length;) {
    const length = view.getUint32(at + 4, true);
    if (view.getInt32(at) === ascii('EXIF')) {
      let from = at + 8;
      // Some writers keep the prefix that JPEG needs.
      if (length >= 6 && from + 6 <= bytes.length && view.getInt32(from) === EXIF) from += 6;
      return { ...size, orientation: readOrientation(bytes.subarray(from, at + 8 + length)) };
    }
    at += 8 + length + (length & 1);
  }
  return { ...size, orientation: 1 };
}
