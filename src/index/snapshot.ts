/**
 * An index at one moment, written as a segment while it goes on changing.
 *
 * Rows only grow in number, so what was there stays where it is. A row that goes meanwhile may lose its vector; its id comes up in the store's log
 * after this moment, so whoever reads the segment takes it out. Rows that are gone already are left out, and the others numbered anew.
 * @module
 */
import { bytesOf } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { pause } from '../base/pause.ts';
import { rowBytesOf, type VectorFormat } from '../base/stored-vector.ts';
import type { PostingsMerge } from './postings-merge.ts';
import { encodeHead, layOutSegment, type SegmentPart, type SegmentShape, type SegmentSink } from './segment.ts';
import { ID_BYTES } from './values.ts';

// Copied, checked and written at a time.
const WRITE_BYTES = 1024 * 1024;

/** What a snapshot is taken of. */
export interface SnapshotOf {
  readonly format: VectorFormat;
  readonly vectorDims: number;
  readonly sequence: number;
  /** u8[rows]: 1, or 0 for a row that is gone. */
  readonly alive: Uint8Array;
  readonly postings: PostingsMerge;
  /** Bytes of `count` rows from `first` on. Views. */
  ids(first: number, count: number): readonly Uint8Array[];
  vectors(first: number, count: number): readonly Uint8Array[];
  /** Whether the index was let go of. */
  isGone(): boolean;
}

export class Snapshot {
  readonly #of: SnapshotOf;
  /** Row in the segment, or -1. */
  readonly #places: Int32Array;
  readonly #count: number;
  #shape: SegmentShape | undefined;

  constructor(of: SnapshotOf) {
    this.#of = of;
    this.#places = new Int32Array(of.alive.length);
    let count = 0;
    for (let row = 0; row < of.alive.length; row++) this.#places[row] = of.alive[row] === 1 ? count++ : -1;
    this.#count = count;
  }

  /** Counts what there is to write. Comes before {@link write}. @returns Bytes of the segment. */
  async measure(): Promise<number> {
    const { format, vectorDims, postings } = this.#of;
    for (const _ of postings.prepare()) await this.#pause();
    let [tokenCount, postingCount] = [0, 0];
    for (const { tokens, rows } of postings.parts(this.#place)) {
      tokenCount += tokens.length;
      postingCount += rows.length;
      await this.#pause();
    }
    this.#shape = { format, vectorDims, count: this.#count, tokenCount, postings: postingCount };
    return layOutSegment(this.#shape).bytes;
  }

  /**
   * Writes all of it, by parts of a megabyte.
   * @returns The head of the segment, which is written last.
   * @throws What `sink` throws, and `storage-failed` when the index is let go of meanwhile. {@link RetrievalError}
   */
  async write(parameters: Uint8Array, sink: SegmentSink): Promise<Uint8Array> {
    const shape = this.#shape!;
    const { format, vectorDims, sequence, ids, vectors, postings } = this.#of;
    const layout = layOutSegment(shape);
    const checks: Record<SegmentPart, number> = { ids: 0, tokens: 0, vectors: 0, offsets: 0, rows: 0 };
    const ends = Object.fromEntries(Object.keys(checks).map((part) => [part, layout[part as SegmentPart][0]]));
    const append = async (part: SegmentPart, bytes: Uint8Array): Promise<void> => {
      checks[part] = sink.crc32(bytes, checks[part]);
      await sink.write(bytes, ends[part]!);
      ends[part]! += bytes.length;
      await this.#pause();
    };
    for (const rows of this.#rows(ID_BYTES, ids)) await append('ids', rows);
    if (vectorDims > 0)
      for (const rows of this.#rows(rowBytesOf(format, vectorDims), vectors)) await append('vectors', rows);
    await append('offsets', new Uint8Array(4));
    for (const part of postings.parts(this.#place)) {
      await append('tokens', bytesOf(part.tokens));
      await append('offsets', bytesOf(part.ends));
      await append('rows', bytesOf(part.rows));
    }
    const head = encodeHead({ ...shape, parameters, sequence, checks });
    await sink.write(head, 0);
    return head;
  }

  readonly #place = (row: number): number => this.#places[row] ?? -1;

  /** Rows that are not gone, some at a time, in one array that is used again. */
  *#rows(rowBytes: number, rowsOf: (first: number, count: number) => readonly Uint8Array[]): Generator<Uint8Array> {
    const { alive } = this.#of;
    const most = Math.ceil(WRITE_BYTES / rowBytes);
    const out = new Uint8Array(most * rowBytes);
    for (let row = 0; row < alive.length;) {
      let length = 0;
      for (const bytes of rowsOf(row, Math.min(most, alive.length - row)))
        for (let at = 0; at < bytes.length; at += rowBytes)
          if (alive[row++] === 1) {
            out.set(bytes.subarray(at, at + rowBytes), length);
            length += rowBytes;
          }
      if (length > 0) yield out.subarray(0, length);
    }
  }

  async #pause(): Promise<void> {
    await pause();
    if (this.#of.isGone()) throw new RetrievalError('storage-failed', 'the index was let go of');
  }
}
