/**
 * The size of the primary image of HEIF: HEIC, AVIF and their kin (ISO/IEC 14496-12, boxes; ISO/IEC 23008-12, item properties).
 *
 * An image of many pixels is often stored as tiles, each an item with a size of its own, before the one that puts them together.
 * @module
 */

interface Box {
  readonly type: number;
  /** Of what the box holds, in bytes of the file. */
  readonly from: number;
  readonly to: number;
}

const type = (text: string): number =>
  (text.charCodeAt(0) << 24) | (text.charCodeAt(1) << 16) | (text.charCodeAt(2) << 8) | text.charCodeAt(3);

/**
 * Width and height in pixels, as cut by a clean aperture, before it is turned.
 * @param view - The file, or its first bytes.
 * @returns Undefined where the file has no primary image with a size.
 * @throws Where it is cut short. {@link RangeError}
 */
export function readHeifSize(view: DataView): { width: number; height: number } | undefined {
  const meta = find(view, { type: 0, from: 0, to: view.byteLength }, 'meta');
  // `meta` has a version and flags before its boxes, as `pitm`, `ipma` and `ispe` have before their fields.
  const inside = meta && { ...meta, from: meta.from + 4 };
  const primary = inside && find(view, inside, 'pitm');
  const properties = inside && find(view, inside, 'iprp');
  const container = properties && find(view, properties, 'ipco');
  const associations = properties && find(view, properties, 'ipma');
  if (primary === undefined || container === undefined || associations === undefined) return undefined;
  const item = view.getUint8(primary.from) === 0 ? view.getUint16(primary.from + 4) : view.getUint32(primary.from + 4);
  const own = propertiesOf(view, associations, item);
  let extent: Box | undefined;
  let aperture: Box | undefined;
  let index = 1;
  for (const box of boxes(view, container)) {
    if (!own.has(index++)) continue;
    if (box.type === type('ispe')) extent ??= box;
    if (box.type === type('clap')) aperture ??= box;
  }
  if (extent === undefined) return undefined;
  if (aperture === undefined)
    return { width: view.getUint32(extent.from + 4), height: view.getUint32(extent.from + 8) };
  const ratio = (at: number): number => Math.round(view.getUint32(at) / view.getUint32(at + 4));
  return { width: ratio(aperture.from), height: ratio(aperture.from + 8) };
}

/** Numbers, from 1, of the properties of an item. */
function propertiesOf(view: DataView, { from, to }: Box, item: number): Set<number> {
  const wideItems = view.getUint8(from) !== 0;
  const wideIndexes = (view.getUint8(from + 3) & 1) !== 0;
  const step = wideIndexes ? 2 : 1;
  // Past version, flags and the number of entries.
  for (let at = from + 8; at < to;) {
    const id = wideItems ? view.getUint32(at) : view.getUint16(at);
    at += wideItems ? 4 : 2;
    const count = view.getUint8(at++);
    if (id === item)
      return new Set(
        Array.from({ length: count }, (_, i) =>
          wideIndexes ? view.getUint16(at + 2 * i) & 0x7fff : view.getUint8(at + i) & 0x7f,
        ),
      );
    at += step * count;
  }
  return new Set();
}

function find(view: DataView, parent: Box, name: string): Box | undefined {
  for (const box of boxes(view, parent)) if (box.type === type(name)) return box;
  return undefined;
}

/** The boxes of a box. Each has 8 bytes at least, so that it ends. */
function* boxes(view: DataView, { from, to }: Box): Generator<Box> {
  for (let at = from; at + 8 <= to;) {
    const size = view.getUint32(at);
    // 1: 64 bits of size follow; 0: up to the end.
    const head = size === 1 ? 16 : 8;
    const bytes = size === 1 ? Number(view.getBigUint64(at + 8)) : size === 0 ? to - at : size;
    if (bytes < head) return;
    yield { type: view.getInt32(at + 4), from: at + head, to: Math.min(at + bytes, to) };
    at += bytes;
  }
}
