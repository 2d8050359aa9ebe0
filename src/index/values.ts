/**
 * Bytes of the values in a store's tables, version 0. Little-endian; keys big-endian, so that they sort.
 *
 * Every value starts with a u32: CRC-32 over its key and the rest of the value. So a value that was damaged,
 * or that lies under another key, is refused with `corrupt-record`.
 *
 * | table     | key            | value after the checksum                                                    |
 * | --------- | -------------- | --------------------------------------------------------------------------- |
 * | meta      | `state`        | `BSST`, u16 version, then the fields of {@link State} in order              |
 * | meta      | `segment`      | head of the segment that is kept beside the store (`segment.ts`)            |
 * | images    | id             | u64 log, u64 blobBytes, u8 slots, then a wrapped key for each slot: u32, u8[] |
 * | blobs     | id, u32 chunk  | up to {@link CHUNK_BYTES} bytes                                             |
 * | records0  | id             | u32 tokens, u32 vector, u64[tokens], then f32[vector], or, where bit 31 of `vector` is set, i8[vector] and their f32 scale; sealed |
 * | records1  | id             | the same: one table a generation slot                                       |
 * | log       | u64 sequence   | id: the last put of a stored image                                          |
 * | removed   | u64 sequence   | id: a removal                                                               |
 * @module
 */
import { bytesOf, ByteReader, ByteWriter, concat, equalBytes, utf8 } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { RetrievalError } from '../base/errors.ts';
import { VECTOR_FORMATS, readVectorBody, vectorHead, type VectorFormat } from '../base/stored-vector.ts';
import type { GenerationState, Ranking, StoredRecord } from './store.ts';

const MAGIC = 0x54535342; // "BSST" read as a little-endian u32
const VERSION = 0;
/** Bytes of the checksum before every value. */
export const CHECK_BYTES = 4;
// Position = number in the stored state.
const RANKINGS: readonly Ranking[] = ['server', 'split', 'client'];

/** Bytes of an id. */
export const ID_BYTES = 16;
/** Bytes of the name of a generation. */
export const PARAMETERS_BYTES = 32;
/** With its checksum and a page header, a chunk fills 64 KiB. */
export const CHUNK_BYTES = 65408;

/** Generations lie in two slots: one that serves, one that is being built. */
export type Slot = 0 | 1;

/** A generation as it is stored. */
export interface StoredGeneration {
  readonly slot: Slot;
  readonly state: GenerationState;
  readonly ranking: Ranking;
  readonly vectorDims: number;
  readonly vectors: VectorFormat;
  readonly begun: number;
  readonly records: number;
  readonly parameters: Uint8Array;
}

/** What the store knows of itself. */
export interface State {
  readonly sequence: number;
  /** Removals up to this number have left the log. */
  readonly trimmed: number;
  /** Entries of table `removed`. */
  readonly removals: number;
  readonly images: number;
  readonly blobBytes: number;
  readonly generations: readonly StoredGeneration[];
  /** Library root, sealed by a client; empty where there is none. */
  readonly root: Uint8Array;
}

/** An image without its file and records. */
export interface ImageRow {
  /** Key of its entry in the log. */
  readonly log: number;
  readonly blobBytes: number;
  /** Bit `s`: it has a record in slot `s`. */
  readonly slots: number;
  /** By slot: the image key, wrapped under the key of that generation; empty where it has no record. */
  readonly wrapped: readonly [Uint8Array, Uint8Array];
}

/** Key of {@link State}. */
export const STATE_KEY: Uint8Array = /* @__PURE__ */ utf8('state');

/** Key of the head of the segment that is kept. */
export const SEGMENT_KEY: Uint8Array = /* @__PURE__ */ utf8('segment');

/** A u64 that sorts. */
export function sequenceKey(sequence: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(sequence));
  return key;
}

/** Inverse of {@link sequenceKey}. */
export function sequenceOf(key: Uint8Array): number {
  if (key.length !== 8) throw corrupt('a log entry has a damaged key');
  return Number(new DataView(key.buffer, key.byteOffset, 8).getBigUint64(0));
}

/** Key of a piece of a blob. */
export function chunkKey(id: Uint8Array, chunk: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(ID_BYTES + 4);
  key.set(id);
  new DataView(key.buffer).setUint32(ID_BYTES, chunk);
  return key;
}

/** Puts the checksum before a value. */
export function protect(key: Uint8Array, value: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(new ByteWriter().u32(crc32(value, crc32(key))).finish(), value);
}

/**
 * Checks a value against its checksum.
 * @returns The rest. A view.
 * @throws `corrupt-record`. {@link RetrievalError}
 */
export function unprotect(key: Uint8Array, stored: Uint8Array, what: string): Uint8Array {
  const value = stored.subarray(Math.min(CHECK_BYTES, stored.length));
  if (stored.length < CHECK_BYTES || new ByteReader(stored, 'corrupt-record').u32() !== crc32(value, crc32(key)))
    throw corrupt(`the checksum of ${what} does not match`);
  return value;
}

function corrupt(message: string): RetrievalError {
  return new RetrievalError('corrupt-record', message);
}

export function encodeState(state: State): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter().u32(MAGIC).u16(VERSION);
  out.u64(state.sequence).u64(state.trimmed).u64(state.removals).u64(state.images).u64(state.blobBytes);
  out.u8(state.generations.length);
  for (const { slot, state: phase, ranking, vectorDims, vectors, begun, records, parameters } of state.generations)
    out
      .u8(slot)
      .u8((phase === 'pending' ? 1 : 0) + 2 * VECTOR_FORMATS.indexOf(vectors))
      .u8(RANKINGS.indexOf(ranking))
      .u32(vectorDims)
      .u64(begun)
      .u64(records)
      .raw(parameters);
  return protect(STATE_KEY, out.block(state.root).finish());
}

/** @throws `corrupt-index` or `unsupported-version`. {@link RetrievalError} */
export function decodeState(stored: Uint8Array): State {
  // Version before checksum: a newer version may check itself in another way.
  const head = new ByteReader(stored, 'corrupt-index');
  head.u32();
  if (head.u32() !== MAGIC) throw head.error('expected magic BSST');
  const version = head.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected store version ${VERSION}, got ${version}`);
  if (!equalBytes(stored, protect(STATE_KEY, stored.subarray(CHECK_BYTES))))
    throw head.error('the checksum of the store state does not match');
  const state = {
    sequence: head.u64(),
    trimmed: head.u64(),
    removals: head.u64(),
    images: head.u64(),
    blobBytes: head.u64(),
    generations: Array.from({ length: head.u8() }, (): StoredGeneration => {
      const slot = head.u8();
      if (slot > 1) throw head.error(`expected slot 0 or 1, got ${slot}`);
      const flags = head.u8();
      const [state, vectors] = [(flags & 1) === 1 ? 'pending' : 'active', VECTOR_FORMATS[flags >> 1]] as const;
      if (vectors === undefined) throw head.error('expected a known format of vectors');
      const ranking = RANKINGS[head.u8()];
      if (ranking === undefined) throw head.error('expected a known ranking');
      return {
        slot: slot as Slot,
        state,
        ranking,
        vectorDims: head.u32(),
        vectors,
        begun: head.u64(),
        records: head.u64(),
        parameters: head.raw(PARAMETERS_BYTES).slice(),
      };
    }),
    root: head.block(head.left).slice(),
  };
  head.end();
  return state;
}

export function encodeImage(id: Uint8Array, { log, blobBytes, slots, wrapped }: ImageRow): Uint8Array<ArrayBuffer> {
  return protect(id, new ByteWriter().u64(log).u64(blobBytes).u8(slots).block(wrapped[0]).block(wrapped[1]).finish());
}

/** @throws `corrupt-record`. {@link RetrievalError} */
export function decodeImage(id: Uint8Array, stored: Uint8Array): ImageRow {
  unprotect(id, stored, 'an image');
  return salvageImage(stored);
}

/**
 * {@link decodeImage} without a look at the checksum.
 * @throws `corrupt-record`. {@link RetrievalError}
 */
export function salvageImage(stored: Uint8Array): ImageRow {
  const body = new ByteReader(stored, 'corrupt-record');
  body.raw(CHECK_BYTES);
  const [log, blobBytes, slots] = [body.u64(), body.u64(), body.u8()];
  const wrapped = [body.block(body.left).slice(), body.block(body.left).slice()] as const;
  body.end();
  return { log, blobBytes, slots, wrapped };
}

export function encodeRecord(id: Uint8Array, { tokens, vector, sealed }: StoredRecord): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().u32(tokens.length).u32(vectorHead(vector));
  return protect(id, body.raw(bytesOf(tokens)).raw(bytesOf(vector)).raw(sealed).finish());
}

/** @throws `corrupt-record`. {@link RetrievalError} */
export function decodeRecord(id: Uint8Array, stored: Uint8Array): StoredRecord {
  unprotect(id, stored, 'a record');
  return salvageRecord(stored);
}

/**
 * {@link decodeRecord} without a look at the checksum.
 * @throws `corrupt-record`. {@link RetrievalError}
 */
export function salvageRecord(stored: Uint8Array): StoredRecord {
  const body = new ByteReader(stored, 'corrupt-record');
  body.raw(CHECK_BYTES);
  const tokens = body.u32();
  const vector = body.u32();
  return {
    tokens: body.u64s(tokens),
    vector: readVectorBody(body, vector, Infinity),
    sealed: body.raw(body.left).slice(),
  };
}
