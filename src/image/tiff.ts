/**
 * Directories of TIFF (TIFF 6.0, section 2), which are also those of EXIF. Reads small numbers only, and
 * never outside the bytes.
 * @module
 */

const SHORT = 3;
const LONG = 4;

/** Tags this project reads. */
export const TAG = {
  width: 256,
  height: 257,
  bitsPerSample: 258,
  orientation: 274,
  samplesPerPixel: 277,
} as const;

/** One directory. */
export interface Directory {
  /** First value of every tag of type SHORT or LONG; of two equal tags the first. */
  readonly tags: ReadonlyMap<number, number>;
  /** Where the offset of the next directory is stored, in bytes from the start of the block. */
  readonly nextAt: number;
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
  const count = view.getUint16(start, little);
  const nextAt = start + 2 + 12 * count;
  if (nextAt + 4 > block.length) return undefined;
  const tags = new Map<number, number>();
  for (let at = start + 2; at < nextAt; at += 12) {
    const tag = view.getUint16(at, little);
    const type = view.getUint16(at + 2, little);
    if (tags.has(tag) || (type !== SHORT && type !== LONG)) continue;
    const values = view.getUint32(at + 4, little);
    // More values than fit into the entry lie elsewhere.
    let from = at + 8;
    if (values * (type === SHORT ? 2 : 4) > 4) from = view.getUint32(at + 8, little);
    if (values === 0 || from + 4 > block.length) continue;
    tags.set(tag, type === SHORT ? view.getUint16(from, little) : view.getUint32(from, little));
  }
  return { tags, nextAt };
}

/** EXIF orientation, 1..=8; 1 when the block says nothing sensible. */
export function readOrientation(block: Uint8Array): number {
  const value = readDirectory(block)?.tags.get(TAG.orientation) ?? 1;
  return value >= 1 && value <= 8 ? value : 1;
}
