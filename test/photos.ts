/** Image files made in code, for the tests of reading them. */
import sharp, { type Sharp } from 'sharp';

/** A smooth picture with no symmetry, RGB: every orientation of it differs. */
export function scene(width: number, height: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at += 3) {
      out[at] = (255 * x) / width;
      out[at + 1] = (255 * y) / height;
      out[at + 2] = x * 3 < width && y * 2 < height ? 240 : 40;
    }
  return out;
}

/** {@link scene}, to be encoded. */
export function photo(width: number, height: number): Sharp {
  return sharp(scene(width, height), { raw: { width, height, channels: 3 } });
}

/** A JPEG with an EXIF segment that says `orientation` and nothing else, in either byte order. */
export function withOrientation(jpeg: Uint8Array, orientation: number, little = true): Uint8Array<ArrayBuffer> {
  const block = exif(orientation, little);
  const segment = new Uint8Array(10 + block.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, 0xffe1);
  view.setUint16(2, 8 + block.length);
  segment.set([0x45, 0x78, 0x69, 0x66, 0, 0], 4);
  segment.set(block, 10);
  return Uint8Array.from([...jpeg.subarray(0, 2), ...segment, ...jpeg.subarray(2)]);
}

/** A TIFF block with one entry. */
export function exif(orientation: number, little = true): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(26);
  const view = new DataView(block.buffer);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, 1, little);
  view.setUint16(10, 274, little);
  view.setUint16(12, 3, little);
  view.setUint32(14, 1, little);
  view.setUint16(18, orientation, little);
  return block;
}

/** A 24-bit BMP, bottom row first unless told otherwise. */
export function bmp(width: number, height: number, topFirst = false): Uint8Array<ArrayBuffer> {
  const row = Math.ceil((3 * width) / 4) * 4;
  const out = new Uint8Array(54 + row * height);
  const view = new DataView(out.buffer);
  view.setUint16(0, 0x424d);
  view.setUint32(2, out.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, topFirst ? -height : height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  const pixels = scene(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = 54 + row * (topFirst ? y : height - 1 - y) + 3 * x;
      for (let c = 0; c < 3; c++) out[at + c] = pixels[3 * (y * width + x) + 2 - c]!;
    }
  return out;
}

/** What a PNG begins with; no pixels follow. */
export function pngHeader(width: number, height: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(45);
  out.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(out.buffer);
  view.setUint32(8, 13);
  out.set(new TextEncoder().encode('IHDR'), 12);
  view.setUint32(16, width);
  view.setUint32(20, height);
  out.set([8, 6, 0, 0, 0], 24);
  return out;
}

/** What an iPhone's file begins with: `ftyp heic`, and no more. */
export const HEIC_HEADER: Uint8Array<ArrayBuffer> = Uint8Array.from([
  ...[0, 0, 0, 24],
  ...new TextEncoder().encode('ftypheic'),
  ...[0, 0, 0, 0],
  ...new TextEncoder().encode('mif1heic'),
]);
