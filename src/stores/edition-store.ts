/**
 * A store that is read from an edition, for workers at the edge: the edition is held in memory, encrypted images stay where they are.
 * @module
 */
import { compareBytes, equalBytes } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { rowBytesOf, unpackRow } from '../base/stored-vector.ts';
import { decodeEdition, type Edition } from '../index/edition.ts';
import { decodeSegment, sourceOf, type Segment, type SegmentSource } from '../index/segment.ts';
import type {
  BlobRange,
  GenerationInfo,
  ImageEntry,
  Leftovers,
  RecordEntry,
  Store,
  StoredRecord,
  StoreStats,
  VerifyPage,
} from '../index/store.ts';
import { ID_BYTES } from '../index/values.ts';

/** What an edition store is made of. */
export interface EditionStoreOptions {
  /** As `blindsight publish` writes it. Kept, not copied. */
  readonly edition: Uint8Array;
  /** Bytes of an encrypted image, `length` from `offset` on; undefined when it is not there. */
  readonly blob: (id: Uint8Array, offset: number, length: number) => Promise<Uint8Array | undefined>;
}

/**
 * Opens an edition for reading.
 * @throws `corrupt-index`, `unsupported-version`. {@link RetrievalError}
 */
export function createEditionStore({ edition, blob }: EditionStoreOptions): Store {
  return new EditionStore(decodeEdition(edition), blob);
}

class EditionStore implements Store {
  readonly readOnly = true;
  readonly #edition: Edition;
  readonly #segment: Segment | undefined;
  readonly #blob: EditionStoreOptions['blob'];

  constructor(edition: Edition, blob: EditionStoreOptions['blob']) {
    this.#edition = edition;
    this.#segment = edition.segment.length === 0 ? undefined : decodeSegment(edition.segment, edition.parameters);
    this.#blob = blob;
  }

  commit(): Promise<number> {
    return Promise.reject(this.#refusal());
  }

  repair(): Promise<number> {
    return Promise.reject(this.#refusal());
  }

  #refusal(): RetrievalError {
    return new RetrievalError('forbidden', 'an edition is for reading only');
  }

  async stats(): Promise<StoreStats> {
    const { sequence, count, root, blobBytes } = this.#edition;
    return {
      ...{ sequence, root, images: count },
      blobBytes: blobBytes.reduce((sum, bytes) => sum + bytes, 0),
      generations: [this.#info()],
    };
  }

  #info(): GenerationInfo {
    const { parameters, ranking, vectorDims, vectors, begun, count } = this.#edition;
    return { parameters, state: 'active', ranking, vectorDims, vectors, begun, records: count };
  }

  /** The first row of an id that is not before it. */
  #from(ids: Uint8Array, id: Uint8Array): number {
    let low = 0;
    for (let high = ids.length / ID_BYTES; low < high;) {
      const middle = (low + high) >>> 1;
      if (compareBytes(ids.subarray(ID_BYTES * middle, ID_BYTES * (middle + 1)), id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #row(ids: Uint8Array, id: Uint8Array): number | undefined {
    const row = this.#from(ids, id);
    const found = ids.subarray(ID_BYTES * row, ID_BYTES * (row + 1));
    return found.length > 0 && equalBytes(found, id) ? row : undefined;
  }

  /** Rows from after an id on, at most `limit`. */
  #page(after: Uint8Array | undefined, limit: number): number[] {
    const { ids, count } = this.#edition;
    let start = after === undefined ? 0 : this.#from(ids, after);
    if (after !== undefined && this.#row(ids, after) !== undefined) start++;
    return Array.from({ length: Math.max(0, Math.min(limit, count - start)) }, (_, i) => start + i);
  }

  #id(row: number): Uint8Array {
    return this.#edition.ids.slice(ID_BYTES * row, ID_BYTES * (row + 1));
  }

  #wrapped(row: number): Uint8Array {
    const { wrapped, offsets } = this.#edition;
    return wrapped.slice(offsets.wrapped[row], offsets.wrapped[row + 1]);
  }

  #entry(row: number): ImageEntry {
    return { id: this.#id(row), blobBytes: this.#edition.blobBytes[row]!, active: true, pending: false };
  }

  #stored(row: number): StoredRecord {
    const { tokens, sealed, offsets } = this.#edition;
    const at = this.#segment === undefined ? undefined : this.#row(this.#segment.ids, this.#id(row));
    const { vectorDims, vectors } = this.#edition;
    const rowBytes = rowBytesOf(vectors, vectorDims);
    return {
      tokens: tokens.slice(offsets.tokens[row], offsets.tokens[row + 1]),
      vector:
        vectorDims === 0 || at === undefined
          ? new Float32Array(0)
          : unpackRow(this.#segment!.vectors.subarray(rowBytes * at, rowBytes * (at + 1)), vectors, vectorDims),
      sealed: sealed.slice(offsets.sealed[row], offsets.sealed[row + 1]),
    };
  }

  /** @throws `parameter-mismatch`. {@link RetrievalError} */
  #check(parameters: Uint8Array): void {
    if (!equalBytes(parameters, this.#edition.parameters))
      throw new RetrievalError('parameter-mismatch', 'the edition has no such generation');
  }

  async images(ids: readonly Uint8Array[]): Promise<(ImageEntry | undefined)[]> {
    const rows = ids.map((id) => this.#row(this.#edition.ids, id));
    return rows.map((row) => (row === undefined ? undefined : this.#entry(row)));
  }

  async wrappedKeys(ids: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const rows = ids.map((id) => this.#row(this.#edition.ids, id));
    return rows.map((row) => (row === undefined ? undefined : this.#wrapped(row)));
  }

  async list(after: Uint8Array | undefined, limit: number): Promise<ImageEntry[]> {
    return this.#page(after, limit).map((row) => this.#entry(row));
  }

  async record(parameters: Uint8Array, id: Uint8Array): Promise<StoredRecord | undefined> {
    this.#check(parameters);
    const row = this.#row(this.#edition.ids, id);
    return row === undefined ? undefined : this.#stored(row);
  }

  async records(parameters: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<RecordEntry[]> {
    this.#check(parameters);
    return this.#page(after, limit).map((row) => ({ id: this.#id(row), record: this.#stored(row) }));
  }

  async segment(parameters: Uint8Array): Promise<SegmentSource | undefined> {
    this.#check(parameters);
    return this.#segment && sourceOf(this.#edition.segment);
  }

  async blob(id: Uint8Array, offset: number, length: number): Promise<BlobRange | undefined> {
    const row = this.#row(this.#edition.ids, id);
    if (row === undefined) return undefined;
    const total = this.#edition.blobBytes[row]!;
    const wanted = Math.max(0, Math.min(length, total - offset));
    const bytes = wanted === 0 ? new Uint8Array(0) : await this.#blob(id, offset, wanted);
    if (bytes?.length !== wanted) throw new RetrievalError('corrupt-record', 'the encrypted image is not all there');
    return { total, wrapped: this.#wrapped(row), bytes };
  }

  /** Nothing changes after the edition; what was before it is not known: read everything. */
  async changes(since: number): Promise<[] | undefined> {
    return since === this.#edition.sequence ? [] : undefined;
  }

  /** The edition's checksum was checked when it was opened; whether encrypted images are there, by their last byte. */
  async verify(after: Uint8Array | undefined, limit: number): Promise<VerifyPage> {
    const rows = this.#page(after, limit);
    const damaged: Uint8Array[] = [];
    for (const row of rows) {
      const [id, total] = [this.#id(row), this.#edition.blobBytes[row]!];
      if (total > 0 && (await this.#blob(id, total - 1, 1))?.length !== 1) damaged.push(id);
    }
    return {
      ...{ images: rows.length, records: rows.length, damaged, orphanBlobs: [], orphanRecords: [] },
      next: rows.length === limit ? this.#id(rows.at(-1)!) : undefined,
    };
  }

  async salvage(parameters: Uint8Array, id: Uint8Array): Promise<Leftovers> {
    this.#check(parameters);
    const row = this.#row(this.#edition.ids, id);
    if (row === undefined) return { blob: new Uint8Array(0) };
    const blob = (await this.#blob(id, 0, this.#edition.blobBytes[row]!)) ?? new Uint8Array(0);
    return { sealed: this.#stored(row).sealed, wrapped: this.#wrapped(row), blob };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
