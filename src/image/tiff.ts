/**
 * Directories of TIFF (TIFF 6.0, section 2), which are also those of EXIF. Reads small numbers only, and
 * never outside the bytes.
 * @module
 */

/** Bytes of one value of the types that are read: BYTE, SHORT, LONG. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4 };

/** Tags this project reads. */
export const TAG = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  planar: 284,
  predictor: 317,
  palette: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  extraSamples: 338,
  sampleFormat: 339,
} as const;

/** One directory: the values of every tag of type BYTE, SHORT or LONG that lie inside the block; of two equal tags the first. */
export class Directory {
  /** Whether numbers in the block are little-endian. */
  readonly little: boolean;
  readonly #view: DataView;
  readonly #entries: ReadonlyMap<number, { readonly type: number; readonly count: number; readonly from: number }>;

  constructor(view: DataView, little: boolean, start: number) {
    this.little = little;
    this.#view = view;
    const entries = new Map<number, { type: number; count: number; from: number }>();
    const end = start + 2 + 12 * view.getUint16(start, little);
    for (let at = start + 2; at < end; at += 12) {
      const tag = view.getUint16(at, little);
      const type = view.getUint16(at + 2, little);
      const count = view.getUint32(at + 4, little);
      const bytes = count * (VALUE_BYTES[type] ?? Infinity);
      // More values than fit into the entry lie elsewhere.
      const from = bytes > 4 ? view.getUint32(at + 8, little) : at + 8;
      if (count > 0 && from + bytes <= view.byteLength && !entries.has(tag)) entries.set(tag, { type, count, from });
    }
    this.#entries = entries;
  }

  /** First value of a tag. */
  first(tag: number): number | undefined {
    return this.all(tag, 1)[0];
  }

  /** At most `max` values of a tag, none when it is missing. */
  all(tag: number, max: number): number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const { type, count, from } = entry;
    return Array.from({ length: Math.min(count, max) }, (_, i) => {
      if (type === 1) return this.#view.getUint8(from + i);
      return type === 3
        ? this.#view.getUint16(from + 2 * i, this.little)
        : this.#view.getUint32(from + 4 * i, this.little);
    });
  }
}

/**
 * The first directory of a TIFF block.
 * @param block - Begins with the byte order, `II` or `MM`.
 * @returns Undefined when the block is none, or cut short.
 */
export function readDirectory(block: Uint8Array): Directory | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  if (block.length < 8) return undefined;
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return undefined;
  const little = order === 0x4949;
  if (view.getUint16(2, little) !== 42) return undefined;
  const start = view.getUint32(4, little);
  if (start < 8 || start + 2 > block.length) return undefined;
  if (start + 2 + 12 * view.getUint16(start, little) > block.length) return undefined;
  return new Directory(view, little, start);
}

/** EXIF orientation, 1..=8; 1 when the block says nothing sensible. */
export function readOrientation(block: Uint8Array): number {
  const value = readDirectory(block)?.first(TAG.orientation) ?? 1;
  return value >= 1 && value <= 8 ? value : 1;
}
