/**
 * The sealed record of an image: what a client needs to know of it without opening it. Version 0. Little-endian.
 *
 * | type    | field          |                                                                        |
 * | ------- | -------------- | ---------------------------------------------------------------------- |
 * | u8[4]   | magic          | `BSRC`                                                                 |
 * | u8      | version        | 0                                                                      |
 * | u8      | flags          | bit 0 indexed, bit 1 has a path                                        |
 * | u8      | imageVersion   | version of the image's sealed form                                     |
 * | u8      | reserved       | 0                                                                      |
 * | u8[32]  | fingerprint    | of the vocabulary; zeros when not indexed                              |
 * | block   | code           | u32 length, at most 128 bytes; none when not indexed                   |
 * | text    | name           | u32 length, 1..=4096 bytes of UTF-8                                    |
 * | text    | path           | if it has one: u32 length, at most 16384 bytes                         |
 * | u64     | fileBytes      |                                                                        |
 * | text    | type           | u32 length, at most 255 bytes: the format, 'jpeg'                      |
 * | u32 x 2 | width, height  | upright; 0 where unknown                                               |
 * | u64 x 2 | added, modified| milliseconds since 1970                                                |
 *
 * These bytes are padded (`u64(length) || bytes || zeros`, to a whole multiple of 512 bytes, so that all but the longest names and
 * paths give one size) and sealed under key `record` with context `'record' || id`.
 * @module
 */
import { MAX_CODE_BYTES, assertBytes, assertInteger, assertString } from '../base/assert.ts';
import { ByteReader, ByteWriter, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { pad, unpad } from './padme.ts';
import { open, seal } from './seal.ts';
import { wipe } from './wipe.ts';

const MAGIC = 0x43525342; // "BSRC" read as a little-endian u32
const VERSION = 0;
const FINGERPRINT_BYTES = 32;
const MAX_NAME_BYTES = 4096;
const MAX_PATH_BYTES = 16384;
const MAX_TYPE_BYTES = 255;
const PADDING_BYTES = 512;
const INDEXED = 1;
const HAS_PATH = 2;

/** What is known of one image. */
export interface ImageRecord {
  /** False for a file that is kept but could not be decoded: it has no code and is never found by picture. */
  readonly indexed: boolean;
  /** 32 bytes: of the vocabulary the code belongs to; zeros when not indexed. */
  readonly fingerprint: Uint8Array;
  /** The fused code, at most 128 bytes; empty when not indexed. */
  readonly code: Uint8Array;
  /** File name, without folders. */
  readonly name: string;
  /** Where the file lay, as the user named it. */
  readonly path?: string;
  readonly fileBytes: number;
  /** Format of the file, 'jpeg'. */
  readonly type: string;
  /** Upright, in pixels; 0 where unknown. */
  readonly width: number;
  readonly height: number;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
  readonly modifiedAt: number;
  /** Version of the image's sealed form: 1 where it has a thumbnail. */
  readonly imageVersion: number;
}

/**
 * The bytes of a record. Inverse of {@link decodeRecord}.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On lengths or numbers out of range. {@link RangeError}
 */
export function encodeRecord(record: ImageRecord): Uint8Array<ArrayBuffer> {
  assertBytes(record.fingerprint, 'fingerprint', FINGERPRINT_BYTES);
  assertBytes(record.code, 'code');
  assertInteger(record.code.length, 'code.length', 0, MAX_CODE_BYTES);
  if (record.indexed !== record.code.length > 0)
    throw new RangeError(`"code" expected ${record.indexed ? 'a code' : 'no code'}, got ${record.code.length} bytes`);
  const name = checkedText(record.name, 'name', 1, MAX_NAME_BYTES);
  const type = checkedText(record.type, 'type', 0, MAX_TYPE_BYTES);
  const path = record.path === undefined ? undefined : checkedText(record.path, 'path', 0, MAX_PATH_BYTES);
  for (const field of ['fileBytes', 'addedAt', 'modifiedAt'] as const)
    assertInteger(record[field], field, 0, Number.MAX_SAFE_INTEGER);
  for (const field of ['width', 'height'] as const) assertInteger(record[field], field, 0, 2 ** 32 - 1);
  assertInteger(record.imageVersion, 'imageVersion', 0, 255);

  const flags = (record.indexed ? INDEXED : 0) | (path === undefined ? 0 : HAS_PATH);
  const writer = new ByteWriter().u32(MAGIC).u8(VERSION).u8(flags).u8(record.imageVersion).u8(0);
  writer.raw(record.fingerprint).block(record.code).block(name);
  if (path !== undefined) writer.block(path);
  writer.u64(record.fileBytes).block(type).u32(record.width).u32(record.height);
  writer.u64(record.addedAt).u64(record.modifiedAt);
  return writer.finish();
}

/**
 * Reads a record. Trusts nothing.
 * @throws `corrupt-record`; `unsupported-version`. {@link RetrievalError}
 */
export function decodeRecord(bytes: Uint8Array): ImageRecord {
  const reader = new ByteReader(bytes, 'corrupt-record');
  if (reader.u32() !== MAGIC) throw reader.error('expected magic BSRC');
  const version = reader.u8();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected record version ${VERSION}, got ${version}`);
  const flags = reader.u8();
  if (flags > (INDEXED | HAS_PATH)) throw reader.error(`expected known flags, got ${flags}`);
  const imageVersion = reader.u8();
  if (reader.u8() !== 0) throw reader.error('expected reserved byte 0');
  const fingerprint = reader.raw(FINGERPRINT_BYTES).slice();
  const code = reader.block(MAX_CODE_BYTES).slice();
  const indexed = (flags & INDEXED) !== 0;
  if (indexed !== code.length > 0) throw reader.error('expected a code if and only if the image is indexed');
  const name = reader.text(MAX_NAME_BYTES);
  if (name === '') throw reader.error('expected a name');
  const path = (flags & HAS_PATH) !== 0 ? reader.text(MAX_PATH_BYTES) : undefined;
  const fileBytes = reader.u64();
  const type = reader.text(MAX_TYPE_BYTES);
  const [width, height, addedAt, modifiedAt] = [reader.u32(), reader.u32(), reader.u64(), reader.u64()];
  reader.end();
  return {
    indexed,
    fingerprint,
    code,
    name,
    ...(path === undefined ? {} : { path }),
    fileBytes,
    type,
    width,
    height,
    addedAt,
    modifiedAt,
    imageVersion,
  };
}

/**
 * Encodes, pads and seals a record.
 * @param key - Key `record`, 32 bytes.
 * @param id - 16 bytes.
 * @throws As {@link encodeRecord}.
 */
export function sealRecord(key: Uint8Array, id: Uint8Array, record: ImageRecord): Uint8Array<ArrayBuffer> {
  const bytes = encodeRecord(record);
  const padded = pad(bytes, paddedLength);
  const sealed = seal(key, 'record', id, padded);
  wipe(bytes, padded);
  return sealed;
}

/**
 * Inverse of {@link sealRecord}.
 * @throws `decrypt-failed`: another key or id, or altered bytes; `corrupt-record`; `unsupported-version`. {@link RetrievalError}
 */
export function openRecord(key: Uint8Array, id: Uint8Array, sealed: Uint8Array): ImageRecord {
  return decodeRecord(openRecordBytes(key, id, sealed));
}

/**
 * What was sealed, as {@link decodeRecord} reads it: for keeping.
 * @throws `decrypt-failed`: another key or id, or altered bytes; `corrupt-record`. {@link RetrievalError}
 */
export function openRecordBytes(key: Uint8Array, id: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = unpad(open(key, 'record', id, sealed), paddedLength);
  if (bytes === undefined) throw new RetrievalError('corrupt-record', 'expected a padded record');
  return bytes.slice();
}

function paddedLength(length: number): number {
  return Math.ceil(length / PADDING_BYTES) * PADDING_BYTES;
}

function checkedText(text: string, name: string, min: number, max: number): Uint8Array {
  assertString(text, name);
  const bytes = utf8(text);
  assertInteger(bytes.length, `${name}.length`, min, max);
  return bytes;
}
