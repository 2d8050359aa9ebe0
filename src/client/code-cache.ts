/**
 * The records of a library on the client's disk, encrypted: a log of frames of one size, version 0. Little-endian.
 *
 * Each frame is {@link FRAME_BYTES} bytes: XChaCha20-Poly1305 under key `cache`, with context
 * `'cache' || u8(version) || parameters || u64(number of the frame)`, of these bytes:
 *
 * | type  | field    |                                                                             |
 * | ----- | -------- | --------------------------------------------------------------------------- |
 * | u64   | begun    | beginning of the generation                                                 |
 * | u64   | since    | where the frames before stopped: 0 in the first                             |
 * | u64   | until    | changes of the server up to here are in the frames up to this one           |
 * | u32   | count    | entries                                                                     |
 * | entry |          | id, then 0 for an image that is gone, 1 and its record as a block, or 2 for a record that cannot be opened |
 * | zeros |          | to the end                                                                  |
 *
 * Frames are read until one is torn, altered, out of place, or does not go on from the one before; the next frame is written there.
 * Whatever is lost is brought from the server again, so nothing here needs to be durable.
 * @module
 */
import { ByteReader, ByteWriter, concat, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { SEAL_BYTES, openBytes, sealBytes } from '../crypto/seal.ts';
import type { CodeRows, RecordBytes } from './code-rows.ts';

/** Bytes of a frame in the file. */
export const FRAME_BYTES = 65536;
const VERSION = 0;
const ID_BYTES = 16;
const HEAD_BYTES = 28;
const BODY_BYTES = FRAME_BYTES - SEAL_BYTES;
const MAX_RECORD_BYTES = BODY_BYTES - HEAD_BYTES - ID_BYTES - 5;
// What an entry says of its image.
const [GONE, PRESENT, DAMAGED] = [0, 1, 2];
// Frames above twice what is needed, from which on the file is written anew.
const SPARE_FRAMES = 16;

/** Where the bytes lie: a file, most often. */
export interface CacheFile {
  /** All of it; empty when there is none. */
  read(): Promise<Uint8Array>;
  /** Replaces all of it, at once. */
  replace(bytes: Uint8Array): Promise<void>;
  /** Writes at an offset; what lies behind the written bytes may stay or go. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
}

/** How far a copy has followed the server. */
export interface Position {
  readonly begun: number;
  /** 0: nothing is known. */
  readonly sequence: number;
}

/** An image that has this record from now on, or none. */
export interface CachedChange {
  readonly id: Uint8Array;
  readonly record?: RecordBytes | undefined;
}

/** Nothing is known. */
export const NOWHERE: Position = { begun: 0, sequence: 0 };

export class CodeCache {
  readonly #file: CacheFile;
  readonly #key: () => Uint8Array;
  readonly #parameters: Uint8Array;
  /** Good frames in the file. */
  #frames = 0;

  /**
   * @param key - Key `cache`; throws once it is wiped, so that nothing is ever sealed under zeros.
   * @param parameters - Name of the generation: the frames of another one are not read.
   */
  constructor(file: CacheFile, key: () => Uint8Array, parameters: Uint8Array) {
    this.#file = file;
    this.#key = key;
    this.#parameters = parameters;
  }

  /** Fills empty `rows` with what is there. */
  async load(rows: CodeRows): Promise<Position> {
    const bytes = await this.#file.read();
    let at = NOWHERE;
    this.#frames = 0;
    for (let start = 0; start + FRAME_BYTES <= bytes.length; start += FRAME_BYTES) {
      const next = this.#read(bytes.subarray(start, start + FRAME_BYTES), at, rows);
      if (next === undefined) break;
      at = next;
      this.#frames++;
    }
    if (at.sequence > 0) return at;
    // The first copy was not finished: what has been removed since might not be told any more.
    rows.clear();
    this.#frames = 0;
    return NOWHERE;
  }

  /** Writes what has changed after `at`, and, when the file has grown too far, all of `rows` anew. */
  async append(at: Position, until: number, changes: readonly CachedChange[], rows: CodeRows): Promise<void> {
    const frames = this.#encode(this.#frames, at, until, changes);
    // About: long names take more.
    const needed = Math.ceil((512 * rows.count) / BODY_BYTES);
    if (this.#frames + frames.length > 2 * needed + SPARE_FRAMES)
      return this.replace({ begun: at.begun, sequence: until }, rows);
    await this.#file.write(this.#frames * FRAME_BYTES, concat(...frames));
    this.#frames += frames.length;
  }

  /** Writes all of `rows`, in place of what was there. */
  async replace({ begun, sequence }: Position, rows: CodeRows): Promise<void> {
    const frames = this.#encode(0, { begun, sequence: 0 }, sequence, rows.entries());
    await this.#file.replace(concat(...frames));
    this.#frames = frames.length;
  }

  /** Frames from number `first` on; all but the last have `until` = `since`. */
  #encode(first: number, { begun, sequence }: Position, until: number, changes: Iterable<CachedChange>): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let body = new ByteWriter();
    let count = 0;
    const flush = (end: number): void => {
      const head = new ByteWriter().u64(begun).u64(sequence).u64(end).u32(count).finish();
      const zeros = new Uint8Array(BODY_BYTES - HEAD_BYTES - body.length);
      const plaintext = concat(head, body.finish(), zeros);
      frames.push(sealBytes(this.#key(), this.#context(first + frames.length), plaintext));
      plaintext.fill(0);
      body = new ByteWriter();
      count = 0;
    };
    for (const { id, record } of changes) {
      const bytes = record === 'damaged' ? undefined : record;
      if (HEAD_BYTES + body.length + ID_BYTES + 5 + (bytes?.length ?? 0) > BODY_BYTES) flush(sequence);
      body.raw(id).u8(record === undefined ? GONE : bytes === undefined ? DAMAGED : PRESENT);
      if (bytes !== undefined) body.block(bytes);
      count++;
    }
    flush(until);
    return frames;
  }

  /** Applies one frame. Undefined when it is none, or does not go on from `at`. */
  #read(frame: Uint8Array, at: Position, rows: CodeRows): Position | undefined {
    const plaintext = openBytes(this.#key(), this.#context(this.#frames), frame);
    if (plaintext === undefined) return undefined;
    try {
      const body = new ByteReader(plaintext, 'corrupt-record');
      const [begun, since, until, count] = [body.u64(), body.u64(), body.u64(), body.u32()];
      if (since !== at.sequence || (this.#frames > 0 && begun !== at.begun)) return undefined;
      for (let i = 0; i < count; i++) {
        const id = body.raw(ID_BYTES).slice();
        const state = body.u8();
        if (state === GONE) rows.remove(id);
        else if (state === DAMAGED) rows.put(id, 'damaged');
        else rows.put(id, body.block(MAX_RECORD_BYTES).slice());
      }
      return { begun, sequence: until };
    } catch (error) {
      // Authentic, but not of this release.
      if (error instanceof RetrievalError) return undefined;
      throw error;
    } finally {
      plaintext.fill(0);
    }
  }

  #context(number: number): Uint8Array {
    return concat(utf8('cache'), new ByteWriter().u8(VERSION).raw(this.#parameters).u64(number).finish());
  }
}
