/**
 * Opened records in memory, their codes in a table without gaps: what a client ranks by itself.
 * @module
 */
import { toHex } from '../base/bytes.ts';
import { decodeRecord, type ImageRecord } from '../crypto/record.ts';
import { AsymmetricTable } from '../search/asymmetric-table.ts';

interface Row {
  readonly id: Uint8Array;
  /** As `decodeRecord` reads it: a third of the room that the decoded record takes. */
  readonly record: Uint8Array;
  /** Index in the table; undefined for a file without a code. */
  place: number | undefined;
}

/** The best of the rows. */
export interface BestRows {
  readonly ids: readonly Uint8Array[];
  readonly scores: Float32Array;
  readonly opened: readonly ImageRecord[];
}

/** What is known of a record: its bytes, or that they cannot be opened. */
export type RecordBytes = Uint8Array | 'damaged';

export class CodeRows {
  readonly #kernels: WebAssembly.Module;
  readonly #codeBytes: number;
  readonly #rows = new Map<string, Row>();
  #table: AsymmetricTable;
  /** By index in the table. */
  #places: Row[] = [];
  readonly #damaged = new Map<string, Uint8Array>();

  /**
   * @param kernels - Compiled kernels.
   * @param codeBytes - Bytes of a code.
   */
  constructor(kernels: WebAssembly.Module, codeBytes: number) {
    this.#kernels = kernels;
    this.#codeBytes = codeBytes;
    this.#table = new AsymmetricTable(kernels, codeBytes);
  }

  /** Images, with and without a code, and those whose record is damaged. */
  get count(): number {
    return this.#rows.size + this.#damaged.size;
  }

  /** Images that are never found because their record cannot be opened. */
  get damagedCount(): number {
    return this.#damaged.size;
  }

  /** Images with a code. */
  get codeCount(): number {
    return this.#places.length;
  }

  /**
   * Adds an image, or replaces it.
   * @param record - From `openRecordBytes`. Kept.
   * @throws `corrupt-record`; `unsupported-version`. {@link RetrievalError}
   * @throws On a code of another length. {@link RangeError}
   */
  put(id: Uint8Array, record: RecordBytes): void {
    if (record === 'damaged') {
      this.remove(id);
      this.#damaged.set(toHex(id), id);
      return;
    }
    const { code } = decodeRecord(record);
    this.remove(id);
    const row: Row = { id, record, place: undefined };
    if (code.length > 0) {
      row.place = this.#table.add(code);
      this.#places.push(row);
    }
    this.#rows.set(toHex(id), row);
  }

  /** Whether it is one of the images counted by {@link count}. */
  has(id: Uint8Array): boolean {
    const key = toHex(id);
    return this.#rows.has(key) || this.#damaged.has(key);
  }

  remove(id: Uint8Array): void {
    const key = toHex(id);
    this.#damaged.delete(key);
    const row = this.#rows.get(key);
    if (row === undefined) return;
    this.#rows.delete(key);
    if (row.place === undefined) return;
    this.#table.remove(row.place);
    // The last row moves into the gap.
    const last = this.#places.pop()!;
    if (last === row) return;
    last.place = row.place;
    this.#places[row.place] = last;
  }

  clear(): void {
    for (const { record } of this.#rows.values()) record.fill(0);
    this.#rows.clear();
    this.#damaged.clear();
    this.#places = [];
    this.#table = new AsymmetricTable(this.#kernels, this.#codeBytes);
  }

  /** The images counted by {@link damagedCount}. */
  damagedIds(): Uint8Array[] {
    return [...this.#damaged.values()];
  }

  /** Every image and its record. */
  *entries(): Generator<{ readonly id: Uint8Array; readonly record: RecordBytes }, void, void> {
    yield* this.#rows.values();
    for (const id of this.#damaged.values()) yield { id, record: 'damaged' };
  }

  /**
   * The k images with the largest inner products.
   * @param query - f32[bits].
   */
  top(query: Float32Array, k: number): BestRows {
    const { indices, scores } = this.#table.top(query, k);
    const rows = Array.from(indices, (index) => this.#places[index]!);
    return { ids: rows.map(({ id }) => id), scores, opened: rows.map(({ record }) => decodeRecord(record)) };
  }
}
