/**
 * Baseline TIFF (TIFF 6.0, part 1, with LZW, Deflate, tiles and the horizontal predictor): the first page as pixels.
 *
 * Grey, palette, RGB and CMYK with 1 to 16 bits a sample. What is left out (JPEG and fax compression, floats, separate planes)
 * is `unsupported-format`. Time and memory are bounded by the size in the header and the bytes of the file.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { DecodedPixels } from '../image/decoder.ts';
import type { ImageHeader } from '../image/header.ts';
import { TAG, readDirectory, type Directory } from '../image/tiff.ts';

/** How samples become colours. */
interface Layout {
  readonly little: boolean;
  readonly samples: number;
  readonly bits: number;
  readonly photometric: number;
  readonly predictor: number;
  /** Sample that is alpha; -1 when there is none. */
  readonly alpha: number;
  /** Whether colours are multiplied by alpha. */
  readonly premultiplied: boolean;
  readonly palette: readonly number[];
}

const PHOTOMETRIC = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, cmyk: 5 } as const;
const COLOURS: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, 5: 4 };

/**
 * Decodes the first page.
 * @throws `corrupt-image` or `unsupported-format`. {@link RetrievalError}
 */
export async function decodeTiff(bytes: Uint8Array, { width, height }: ImageHeader): Promise<DecodedPixels> {
  const directory = readDirectory(bytes);
  if (directory === undefined) throw corrupt('a directory');
  const layout = readLayout(directory);
  const { inflateSync } = await import('node:zlib');
  const compression = directory.first(TAG.compression) ?? 1;
  const unpack = (packed: Uint8Array, most: number): Uint8Array => {
    if (compression === 1) return packed;
    if (compression === 5) return unpackLzw(packed, most);
    if (compression === 32773) return unpackBits(packed, most);
    if (compression !== 8 && compression !== 32946) throw unsupported(`compression ${compression}`);
    try {
      return inflateSync(packed, { maxOutputLength: Math.max(most, 64) });
    } catch (error) {
      throw new RetrievalError('corrupt-image', 'expected Deflate data in the TIFF file', { cause: error });
    }
  };

  const tiled = directory.first(TAG.tileWidth) !== undefined;
  const partWidth = tiled ? directory.first(TAG.tileWidth)! : width;
  const partHeight = tiled
    ? (directory.first(TAG.tileHeight) ?? 0)
    : Math.min(directory.first(TAG.rowsPerStrip) ?? height, height);
  if (partWidth < 1 || partHeight < 1 || partWidth * partHeight > 4 * width * height + 2 ** 22)
    throw corrupt('strips or tiles of a possible size');
  const across = Math.ceil(width / partWidth);
  const parts = across * Math.ceil(height / partHeight);
  const offsets = directory.all(tiled ? TAG.tileOffsets : TAG.stripOffsets, parts);
  const lengths = directory.all(tiled ? TAG.tileBytes : TAG.stripBytes, parts);
  if (offsets.length < parts || lengths.length < parts) throw corrupt(`${parts} strips or tiles`);

  const rowBytes = Math.ceil((partWidth * layout.samples * layout.bits) / 8);
  const data = new Uint8Array(4 * width * height);
  for (let part = 0; part < parts; part++) {
    const left = (part % across) * partWidth;
    const top = Math.floor(part / across) * partHeight;
    const rows = tiled ? partHeight : Math.min(partHeight, height - top);
    const from = offsets[part]!;
    if (from + lengths[part]! > bytes.length) throw corrupt('strips or tiles inside the file');
    const unpacked = unpack(bytes.subarray(from, from + lengths[part]!), rowBytes * rows);
    if (unpacked.length < rowBytes * rows) throw corrupt('whole strips or tiles');
    // Undoing the predictor writes: never into the caller's bytes.
    const samples = layout.predictor === 2 ? unpacked.slice(0, rowBytes * rows) : unpacked;
    for (let row = 0; row < Math.min(rows, height - top); row++) {
      const line = samples.subarray(row * rowBytes, (row + 1) * rowBytes);
      if (layout.predictor === 2) undoPredictor(line, layout);
      writeRow(line, layout, Math.min(partWidth, width - left), data, 4 * ((top + row) * width + left));
    }
  }
  return { width, height, channels: 4, data };
}

function readLayout(directory: Directory): Layout {
  const samples = directory.first(TAG.samplesPerPixel) ?? 1;
  const depths = directory.all(TAG.bitsPerSample, samples);
  const bits = depths[0] ?? 1;
  const photometric = directory.first(TAG.photometric) ?? PHOTOMETRIC.blackIsZero;
  const colours = COLOURS[photometric];
  const predictor = directory.first(TAG.predictor) ?? 1;
  if (samples > 1 && depths.length === 0) throw corrupt('bits of the samples');
  if (![1, 2, 4, 8, 16].includes(bits) || depths.some((depth) => depth !== bits))
    throw unsupported(`${depths.join()} bits`);
  if (colours === undefined) throw unsupported(`photometric interpretation ${photometric}`);
  if (samples < colours) throw corrupt(`${colours} samples a pixel`);
  if ((directory.first(TAG.planar) ?? 1) !== 1 && samples > 1) throw unsupported('separate planes');
  if ((directory.first(TAG.sampleFormat) ?? 1) !== 1) throw unsupported('signed or floating-point samples');
  if ((directory.first(TAG.fillOrder) ?? 1) !== 1) throw unsupported('reversed bits');
  if (predictor > 2 || (predictor === 2 && bits < 8)) throw unsupported(`predictor ${predictor}`);
  const palette = photometric === PHOTOMETRIC.palette ? directory.all(TAG.palette, 3 * 2 ** bits) : [];
  if (photometric === PHOTOMETRIC.palette && palette.length !== 3 * 2 ** bits) throw corrupt('a whole palette');
  const extra = samples > colours ? (directory.first(TAG.extraSamples) ?? 0) : 0;
  return {
    little: directory.little,
    samples,
    bits,
    photometric,
    predictor,
    alpha: extra === 1 || extra === 2 ? colours : -1,
    premultiplied: extra === 1,
    palette,
  };
}

/** Samples of a row were stored as differences to the pixel on the left. */
function undoPredictor(line: Uint8Array, { bits, samples, little }: Layout): void {
  if (bits === 8) {
    for (let i = samples; i < line.length; i++) line[i]! += line[i - samples]!;
    return;
  }
  const view = new DataView(line.buffer, line.byteOffset, line.byteLength);
  for (let at = 2 * samples; at + 2 <= line.length; at += 2)
    view.setUint16(at, view.getUint16(at, little) + view.getUint16(at - 2 * samples, little), little);
}

function writeRow(line: Uint8Array, layout: Layout, width: number, out: Uint8Array, to: number): void {
  const { bits, samples, little, photometric, palette, alpha, premultiplied } = layout;
  const raw = (i: number): number => {
    if (bits === 8) return line[i]!;
    if (bits === 16) return little ? line[2 * i]! | (line[2 * i + 1]! << 8) : (line[2 * i]! << 8) | line[2 * i + 1]!;
    return (line[(i * bits) >> 3]! >> (8 - bits - ((i * bits) & 7))) & (2 ** bits - 1);
  };
  // 16 bits lose their lower half, as in libvips; fewer than 8 are stretched.
  const stretch = bits < 8 ? 255 / (2 ** bits - 1) : 1;
  const value = (i: number): number => (bits === 16 ? raw(i) >> 8 : raw(i) * stretch);
  for (let x = 0; x < width; x++, to += 4) {
    const i = x * samples;
    let red: number;
    let green: number;
    let blue: number;
    if (photometric === PHOTOMETRIC.rgb) {
      red = value(i);
      green = value(i + 1);
      blue = value(i + 2);
    } else if (photometric === PHOTOMETRIC.palette) {
      const entry = raw(i);
      red = palette[entry]! >> 8;
      green = palette[2 ** bits + entry]! >> 8;
      blue = palette[2 * 2 ** bits + entry]! >> 8;
    } else if (photometric === PHOTOMETRIC.cmyk) {
      const light = (255 - value(i + 3)) / 255;
      red = Math.round((255 - value(i)) * light);
      green = Math.round((255 - value(i + 1)) * light);
      blue = Math.round((255 - value(i + 2)) * light);
    } else red = green = blue = photometric === PHOTOMETRIC.whiteIsZero ? 255 - value(i) : value(i);
    const opacity = alpha < 0 ? 255 : value(i + alpha);
    const scale = premultiplied && opacity > 0 ? 255 / opacity : 1;
    out[to] = Math.min(255, Math.round(red * scale));
    out[to + 1] = Math.min(255, Math.round(green * scale));
    out[to + 2] = Math.min(255, Math.round(blue * scale));
    out[to + 3] = opacity;
  }
}

/** TIFF 6.0, section 9. */
function unpackBits(packed: Uint8Array, most: number): Uint8Array {
  const out = new Uint8Array(most);
  let to = 0;
  for (let at = 0; at < packed.length && to < most;) {
    const head = packed[at++]!;
    if (head === 128) continue;
    const count = Math.min(head < 128 ? head + 1 : 257 - head, most - to);
    if (head < 128) {
      const literal = packed.subarray(at, at + count);
      out.set(literal, to);
      to += literal.length;
      at += head + 1;
    } else {
      if (at >= packed.length) break;
      out.fill(packed[at++]!, to, to + count);
      to += count;
    }
  }
  return out.subarray(0, to);
}

const CLEAR = 256;
const END = 257;

/** TIFF 6.0, section 13: codes of 9 to 12 bits, most significant bit first, one code early. */
function unpackLzw(packed: Uint8Array, most: number): Uint8Array {
  const out = new Uint8Array(most);
  // A string is a place in the output: every new one is an old one and the byte after it.
  const starts = new Uint32Array(4097);
  const lengths = new Uint32Array(4097);
  let to = 0;
  let next = 258;
  let width = 9;
  let buffer = 0;
  let held = 0;
  let last = -1;
  for (let at = 0; to < most;) {
    while (held < width && at < packed.length) {
      buffer = ((buffer << 8) | packed[at++]!) & 0xffffff;
      held += 8;
    }
    if (held < width) break;
    held -= width;
    const code = (buffer >>> held) & ((1 << width) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      next = 258;
      width = 9;
      last = -1;
      continue;
    }
    const start = to;
    if (code < 256) out[to++] = code;
    else {
      if (last < 0 || code > next || next > 4096) throw corrupt('LZW data');
      // The code that is just being made: the last string, and its first byte again.
      const isNew = code === next;
      const from = isNew ? last : starts[code]!;
      const count = isNew ? to - last + 1 : lengths[code]!;
      for (let i = 0; i < count && to < most; i++) out[to++] = out[from + i]!;
    }
    if (last >= 0 && next < 4096) {
      // The last string and the first byte of this one lie next to each other.
      starts[next] = last;
      lengths[next] = start - last + 1;
      next++;
      if (next + 1 >= 1 << width && width < 12) width++;
    }
    last = start;
  }
  return out.subarray(0, to);
}

function corrupt(expected: string): RetrievalError {
  return new RetrievalError('corrupt-image', `expected ${expected} in the TIFF file`);
}

function unsupported(what: string): RetrievalError {
  return new RetrievalError('unsupported-format', `TIFF with ${what} is not read`);
}
