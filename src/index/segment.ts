/**
 * Bytes of a segment, version 0: the index of one generation at one moment. Little-endian.
 *
 * | offset | type    | field       |                                                             |
 * | -----: | ------- | ----------- | ----------------------------------------------------------- |
 * |      0 | u8[4]   | magic       | `BSSG`                                                      |
 * |      4 | u16     | version     | 0                                                           |
 * |      6 | u16     | format      | of the vectors: 0 f32, 1 int8                               |
 * |      8 | u8[32]  | parameters  | name of the generation                                      |
 * |     40 | u64     | sequence    | last mutation it has seen                                   |
 * |     48 | u32     | count       | searchable images: rows                                     |
 * |     52 | u32     | vectorDims  |                                                             |
 * |     56 | u32     | tokenCount  |                                                             |
 * |     60 | u32     | postings    |                                                             |
 * |     64 | u32[5]  | checks      | CRC-32 of each part below, in order                         |
 * |     84 | u32     | headCheck   | CRC-32 of bytes 0 ..= 83                                    |
 * |     88 | u8[..]  | ids         | 16 bytes a row                                              |
 * |        | u64[..] | tokens      | ascending, distinct                                         |
 * |        | u8[..]  | vectors     | a row each, as `rowBytesOf` of `base/stored-vector.ts` has it: f32, or int8 with their scale |
 * |        | u32[..] | offsets     | `tokenCount + 1`: where a token's rows start                |
 * |        | u32[..] | rows        | `postings` row numbers                                      |
 *
 * Every array is aligned to its element and lies as the index in memory has it, so that it is used where it lies, or read into its place. The file
 * holds ciphertext only; its checksums find damage, not forgery, which a server could not notice either.
 * @module
 */
import { assertBytes } from '../base/assert.ts';
import { bytesOf, ByteReader, ByteWriter, concat, equalBytes } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { RetrievalError } from '../base/errors.ts';
import { VECTOR_FORMATS, rowBytesOf, type VectorFormat } from '../base/stored-vector.ts';
import { pause } from '../base/pause.ts';
import { assertPostings } from '../search/posting-table.ts';
import type { PostingsData } from './postings.ts';
import { ID_BYTES, PARAMETERS_BYTES } from './values.ts';

const MAGIC = 0x47535342; // "BSSG" read as a little-endian u32
const VERSION = 0;
/** Bytes before the parts. */
export const SEGMENT_HEAD_BYTES = 88;
const CHECKED_BYTES = 84;
// Read, and checked, at a time.
const READ_BYTES = 4 * 1024 * 1024;

/** The parts of a segment, in order. */
export const SEGMENT_PARTS = ['ids', 'tokens', 'vectors', 'offsets', 'rows'] as const;
export type SegmentPart = (typeof SEGMENT_PARTS)[number];

/** How much a segment holds. */
export interface SegmentShape {
  readonly format: VectorFormat;
  readonly vectorDims: number;
  /** Rows. */
  readonly count: number;
  readonly tokenCount: number;
  readonly postings: number;
}

/** What stands before the parts. */
export interface SegmentHead extends SegmentShape {
  readonly parameters: Uint8Array;
  readonly sequence: number;
  readonly checks: Readonly<Record<SegmentPart, number>>;
}

/** A segment in memory. */
export interface Segment extends Omit<SegmentHead, 'checks' | 'tokenCount' | 'postings'> {
  /** u8[16 * count] */
  readonly ids: Uint8Array;
  /** u8[rowBytes * count] */
  readonly vectors: Uint8Array;
  readonly postings: PostingsData;
}

/** CRC-32, as `base/crc32.ts` has it. */
export type Checksum = (bytes: Uint8Array, previous: number) => number;

/** Where a segment is read from. */
export interface SegmentSource {
  readonly bytes: number;
  /** The quickest there is. */
  readonly crc32: Checksum;
  /** Fills `target` with the bytes from `at` on. Rejects where they end before. */
  read(target: Uint8Array, at: number): Promise<void>;
  close(): Promise<void>;
}

/** Where a segment is written to. */
export interface SegmentSink {
  /** The quickest there is. */
  readonly crc32: Checksum;
  /** @param bytes - Not used any more once the promise resolves. */
  write(bytes: Uint8Array, at: number): Promise<void>;
}

/** Offset and length of every part, in bytes, and the length of the whole. */
export type SegmentLayout = Record<SegmentPart, readonly [at: number, length: number]> & { readonly bytes: number };

export function layOutSegment(shape: SegmentShape): SegmentLayout {
  const { format, vectorDims, count, tokenCount, postings } = shape;
  const lengths: Record<SegmentPart, number> = {
    ids: ID_BYTES * count,
    tokens: 8 * tokenCount,
    vectors: vectorDims === 0 ? 0 : rowBytesOf(format, vectorDims) * count,
    offsets: 4 * (tokenCount + 1),
    rows: 4 * postings,
  };
  let bytes = SEGMENT_HEAD_BYTES;
  const places = {} as Record<SegmentPart, readonly [number, number]>;
  for (const part of SEGMENT_PARTS) {
    places[part] = [bytes, lengths[part]];
    bytes += lengths[part];
  }
  return { ...places, bytes };
}

/** Inverse of {@link decodeHead}. */
export function encodeHead(head: SegmentHead): Uint8Array<ArrayBuffer> {
  const { format, parameters, sequence, count, vectorDims, tokenCount, postings, checks } = head;
  assertBytes(parameters, 'parameters', PARAMETERS_BYTES);
  const out = new ByteWriter()
    .u32(MAGIC)
    .u16(VERSION)
    .u16(VECTOR_FORMATS.indexOf(format))
    .raw(parameters)
    .u64(sequence);
  for (const number of [count, vectorDims, tokenCount, postings]) out.u32(number);
  for (const part of SEGMENT_PARTS) out.u32(checks[part]);
  const checked = out.finish();
  return concat(checked, new ByteWriter().u32(crc32(checked)).finish());
}

/**
 * Reads what stands before the parts.
 * @param bytes - At least its {@link SEGMENT_HEAD_BYTES}.
 * @param parameters - Generation this process works with.
 * @throws `corrupt-index`, `unsupported-version` or `parameter-mismatch`. {@link RetrievalError}
 */
export function decodeHead(bytes: Uint8Array, parameters: Uint8Array): SegmentHead {
  assertBytes(bytes, 'bytes');
  assertBytes(parameters, 'parameters', PARAMETERS_BYTES);
  const head = new ByteReader(bytes, 'corrupt-index');
  if (head.u32() !== MAGIC) throw head.error('expected magic BSSG');
  const version = head.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected segment version ${VERSION}, got ${version}`);
  const format = VECTOR_FORMATS[head.u16()];
  const stored = head.raw(PARAMETERS_BYTES).slice();
  const sequence = head.u64();
  const [count, vectorDims, tokenCount, postings] = [head.u32(), head.u32(), head.u32(), head.u32()];
  const checks = {} as Record<SegmentPart, number>;
  for (const part of SEGMENT_PARTS) checks[part] = head.u32();
  if (head.u32() !== crc32(bytes.subarray(0, CHECKED_BYTES))) throw head.error('the head of the segment is damaged');
  if (format === undefined) throw head.error('expected a known format of vectors');
  if (!equalBytes(stored, parameters))
    throw new RetrievalError('parameter-mismatch', 'the segment was made with another vocabulary or other parameters');
  return { parameters: stored, sequence, format, count, vectorDims, tokenCount, postings, checks };
}

/** Where the parts of a segment are to lie: of each, arrays to fill one after another. */
export type SegmentPlaces = Readonly<Record<SegmentPart, readonly Uint8Array[]>>;

/**
 * Reads the head, then each part into its place by pieces, while other work goes on, and checks it.
 * @param makeRoom - For the parts of a segment with this head.
 * @returns What `makeRoom` returned.
 * @throws As {@link decodeHead}, and what `source` and `makeRoom` throw. {@link RetrievalError}
 */
export async function readSegment<Room extends { readonly places: SegmentPlaces }>(
  source: SegmentSource,
  parameters: Uint8Array,
  makeRoom: (head: SegmentHead) => Room,
): Promise<Room> {
  if (source.bytes < SEGMENT_HEAD_BYTES) throw damaged(`expected a head, got ${source.bytes} bytes`);
  const first = new Uint8Array(SEGMENT_HEAD_BYTES);
  await source.read(first, 0);
  const head = decodeHead(first, parameters);
  const layout = layOutSegment(head);
  // Before any room is made for what a damaged head, or a shortened file, does not hold.
  if (source.bytes !== layout.bytes) throw damaged(`expected ${layout.bytes} bytes, got ${source.bytes}`);
  const room = makeRoom(head);
  const checks: Record<SegmentPart, number> = { ids: 0, tokens: 0, vectors: 0, offsets: 0, rows: 0 };
  // One piece is checked while the next is read.
  let last: Piece | undefined;
  const check = ({ part, bytes }: Piece): void => void (checks[part] = source.crc32(bytes, checks[part]));
  for (const piece of piecesOf(room.places, layout)) {
    const reading = source.read(piece.bytes, piece.at);
    if (last !== undefined) check(last);
    await reading;
    last = piece;
    await pause();
  }
  if (last !== undefined) check(last);
  for (const part of SEGMENT_PARTS)
    if (checks[part] !== head.checks[part]) throw damaged(`the checksum of ${part} does not match`);
  return room;
}

/** What is read at a time, and where it lies in the segment. */
interface Piece {
  readonly part: SegmentPart;
  readonly bytes: Uint8Array;
  readonly at: number;
}

function* piecesOf(places: SegmentPlaces, layout: SegmentLayout): Generator<Piece, void, void> {
  for (const part of SEGMENT_PARTS) {
    let [at] = layout[part];
    for (const target of places[part])
      for (let from = 0; from < target.length; from += READ_BYTES) {
        const bytes = target.subarray(from, from + READ_BYTES);
        yield { part, bytes, at };
        at += bytes.length;
      }
  }
}

/** A segment whose bytes are in memory, to be read from there. */
export function sourceOf(bytes: Uint8Array): SegmentSource {
  return {
    bytes: bytes.length,
    crc32,
    async read(target, at) {
      target.set(bytes.subarray(at, at + target.length));
    },
    close: () => Promise.resolve(),
  };
}

/**
 * Inverse of {@link decodeSegment}.
 * @throws On lengths that do not fit together. {@link RangeError}
 */
export function encodeSegment(segment: Segment): Uint8Array<ArrayBuffer> {
  const { postings, ids, vectors } = segment;
  const parts: Record<SegmentPart, Uint8Array> = {
    ids,
    tokens: bytesOf(postings.tokens),
    vectors,
    offsets: bytesOf(postings.offsets),
    rows: bytesOf(postings.rows),
  };
  const shape = { ...segment, tokenCount: postings.tokens.length, postings: postings.rows.length };
  const layout = layOutSegment(shape);
  const checks = {} as Record<SegmentPart, number>;
  for (const part of SEGMENT_PARTS) {
    if (parts[part].length !== layout[part][1])
      throw new RangeError(`"${part}" expected ${layout[part][1]} bytes, got ${parts[part].length}`);
    checks[part] = crc32(parts[part]);
  }
  return concat(encodeHead({ ...shape, checks }), ...SEGMENT_PARTS.map((part) => parts[part]));
}

/**
 * Reads a segment. Trusts nothing: checksums, lengths, order of tokens, row numbers.
 * @param bytes - The whole file.
 * @param parameters - Generation this process works with.
 * @returns Views into `bytes` (into one copy, where `bytes` is not aligned to 8).
 * @throws `corrupt-index`, `unsupported-version` or `parameter-mismatch`. {@link RetrievalError}
 */
export function decodeSegment(bytes: Uint8Array, parameters: Uint8Array): Segment {
  const { checks, tokenCount, postings: postingCount, ...head } = decodeHead(bytes, parameters);
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const layout = layOutSegment({ ...head, tokenCount, postings: postingCount });
  if (aligned.length !== layout.bytes) throw damaged(`expected ${layout.bytes} bytes, got ${aligned.length}`);
  const viewOf = (part: SegmentPart): Uint8Array => {
    const [at, length] = layout[part];
    const view = aligned.subarray(at, at + length);
    if (crc32(view) !== checks[part]) throw damaged(`the checksum of ${part} does not match`);
    return view;
  };
  const at = (part: SegmentPart): [ArrayBuffer, number] => {
    const { buffer, byteOffset } = viewOf(part);
    return [buffer as ArrayBuffer, byteOffset];
  };
  const postings = {
    tokens: new BigUint64Array(...at('tokens'), tokenCount),
    offsets: new Uint32Array(...at('offsets'), tokenCount + 1),
    rows: new Uint32Array(...at('rows'), postingCount),
  };
  checkPostings(postings, head.count);
  return { ...head, ids: viewOf('ids'), vectors: viewOf('vectors'), postings };
}

/** @throws `corrupt-index` on postings that are not well formed. {@link RetrievalError} */
export function checkPostings({ tokens, offsets, rows }: PostingsData, count: number): void {
  try {
    assertPostings({ tokens, offsets, records: rows, recordCount: count });
  } catch (error) {
    throw new RetrievalError('corrupt-index', 'the postings of the segment are damaged', { cause: error });
  }
}

function damaged(message: string): RetrievalError {
  return new RetrievalError('corrupt-index', message);
}
