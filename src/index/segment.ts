/**
 * Bytes of a segment, version 0: the snapshot of one index generation. Little-endian.
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
 * |     64 | u32     | bodyCheck   | CRC-32 of everything from byte 80                           |
 * |     68 | u32     | headerCheck | CRC-32 of bytes 0 ..= 67                                    |
 * |     72 | u64     | reserved    | 0                                                           |
 * |     80 | u8[...] | ids         | 16 bytes a row                                              |
 * |        | u64[..] | tokens      | ascending, distinct                                         |
 * |        | f32[..] | vectors     | `vectorDims` a row; int8: i8[vectorDims] and their f32 scale a row, then zeros up to a multiple of 4 |
 * |        | u32[..] | offsets     | `tokenCount + 1`: where a token's rows start                |
 * |        | u32[..] | rows        | `postings` row numbers                                      |
 *
 * Every array is aligned to its element, so that it is used where it lies. The file holds ciphertext only; its
 * checksums find damage, not forgery, which a server could not notice either.
 * @module
 */
import { assertBytes } from '../base/assert.ts';
import { bytesOf, ByteReader, ByteWriter, equalBytes } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { RetrievalError } from '../base/errors.ts';
import { VECTOR_FORMATS, entriesOf, formatOf, type StoredVector } from '../base/stored-vector.ts';
import type { PostingsData } from './postings.ts';
import { ID_BYTES, PARAMETERS_BYTES } from './values.ts';

const MAGIC = 0x47535342; // "BSSG" read as a little-endian u32
const VERSION = 0;
const HEADER_BYTES = 80;
const CHECKED_BYTES = 68;

/** A generation, as it lies in a file. */
export interface Segment {
  readonly parameters: Uint8Array;
  readonly sequence: number;
  readonly vectorDims: number;
  /** u8[16 * count] */
  readonly ids: Uint8Array;
  /** One after another. */
  readonly vectors: StoredVector;
  readonly postings: PostingsData;
}

/**
 * Inverse of {@link decodeSegment}.
 * @throws On lengths that do not fit together. {@link RangeError}
 */
export function encodeSegment({
  parameters,
  sequence,
  vectorDims,
  ids,
  vectors,
  postings,
}: Segment): Uint8Array<ArrayBuffer> {
  assertBytes(parameters, 'parameters', PARAMETERS_BYTES);
  const count = ids.length / ID_BYTES;
  const { tokens, offsets, rows } = postings;
  const format = formatOf(vectors);
  const entries = entriesOf(format, vectorDims, count);
  if (vectors.length !== entries) throw new RangeError(`"vectors" expected ${entries} numbers, got ${vectors.length}`);
  if (offsets.length !== tokens.length + 1)
    throw new RangeError(`"offsets" expected ${tokens.length + 1} numbers, got ${offsets.length}`);
  const padding = new Uint8Array(-vectors.byteLength & 3);
  const parts = [ids, bytesOf(tokens), bytesOf(vectors), padding, bytesOf(offsets), bytesOf(rows)];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, HEADER_BYTES));
  let at = HEADER_BYTES;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  const head = new ByteWriter()
    .u32(MAGIC)
    .u16(VERSION)
    .u16(VECTOR_FORMATS.indexOf(format))
    .raw(parameters)
    .u64(sequence);
  head
    .u32(count)
    .u32(vectorDims)
    .u32(tokens.length)
    .u32(rows.length)
    .u32(crc32(out.subarray(HEADER_BYTES)));
  const checked = head.finish();
  out.set(checked);
  out.set(new ByteWriter().u32(crc32(checked)).finish(), CHECKED_BYTES);
  return out;
}

/**
 * Reads a segment. Trusts nothing: checksums, lengths, order of tokens, row numbers.
 * @param bytes - The whole file.
 * @param parameters - Generation this process works with.
 * @returns Views into `bytes` (into one copy, where `bytes` is not aligned to 8).
 * @throws `corrupt-index`, `unsupported-version` or `parameter-mismatch`. {@link RetrievalError}
 */
export function decodeSegment(bytes: Uint8Array, parameters: Uint8Array): Segment {
  assertBytes(bytes, 'bytes');
  assertBytes(parameters, 'parameters', PARAMETERS_BYTES);
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const head = new ByteReader(aligned, 'corrupt-index');
  if (head.u32() !== MAGIC) throw head.error('expected magic BSSG');
  const version = head.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected segment version ${VERSION}, got ${version}`);
  const format = VECTOR_FORMATS[head.u16()];
  const stored = head.raw(PARAMETERS_BYTES).slice();
  const sequence = head.u64();
  const [count, vectorDims, tokenCount, postings, bodyCheck] = [
    head.u32(),
    head.u32(),
    head.u32(),
    head.u32(),
    head.u32(),
  ];
  if (head.u32() !== crc32(aligned.subarray(0, CHECKED_BYTES))) throw head.error('the header is damaged');
  if (format === undefined || head.u64() !== 0)
    throw head.error('expected a known format of vectors, and reserved fields 0');
  if (!equalBytes(stored, parameters))
    throw new RetrievalError('parameter-mismatch', 'the segment was made with another vocabulary or other parameters');
  const entries = entriesOf(format, vectorDims, count);
  const vectorBytes = format === 'int8' ? entries : 4 * entries;
  const paddingBytes = -vectorBytes & 3;
  const expected = count * ID_BYTES + vectorBytes + paddingBytes + 12 * tokenCount + 4 + 4 * postings;
  if (head.left !== expected) throw head.error(`expected ${expected} bytes after the header, got ${head.left}`);
  if (crc32(aligned.subarray(HEADER_BYTES)) !== bodyCheck) throw head.error('the checksum does not match');

  const at = (length: number): [ArrayBuffer, number] => {
    const { buffer, byteOffset } = head.raw(length);
    return [buffer as ArrayBuffer, byteOffset];
  };
  const ids = head.raw(ID_BYTES * count);
  const tokens = new BigUint64Array(...at(8 * tokenCount), tokenCount);
  const vectors = new (format === 'int8' ? Int8Array : Float32Array)(...at(vectorBytes), entries);
  if (head.raw(paddingBytes).some((byte) => byte !== 0)) throw head.error('expected zeros as padding');
  const offsets = new Uint32Array(...at(4 * (tokenCount + 1)), tokenCount + 1);
  const rows = new Uint32Array(...at(4 * postings), postings);
  for (let t = 1; t < tokenCount; t++) if (tokens[t]! <= tokens[t - 1]!) throw head.error('expected ascending tokens');
  for (let t = 0; t < tokenCount; t++)
    if (offsets[t]! > offsets[t + 1]!) throw head.error('expected ascending offsets');
  if (offsets[0] !== 0 || offsets[tokenCount] !== postings) throw head.error(`expected offsets 0..${postings}`);
  if (rows.some((row) => row >= count)) throw head.error(`expected row numbers below ${count}`);
  return { parameters: stored, sequence, vectorDims, ids, vectors, postings: { tokens, offsets, rows } };
}
