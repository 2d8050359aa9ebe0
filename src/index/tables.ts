/**
 * What a store engine must offer: ordered tables of bytes, changed together in transactions.
 * `table-store.ts` builds a {@link Store} from it.
 * @module
 */
import type { SegmentSink, SegmentSource } from './segment.ts';

/** Every table there is. */
export const TABLES = ['meta', 'images', 'blobs', 'records0', 'records1', 'log', 'removed'] as const;
export type TableName = (typeof TABLES)[number];

/** Keys and values are bytes; keys are ordered byte by byte. */
export interface Table {
  /** A copy of the value. */
  get(key: Uint8Array): Uint8Array | undefined;
  put(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
  /** Keys not below `from`, in order, at most `limit`. Copies. */
  keys(from: Uint8Array, limit: number): Uint8Array[];
  clear(): void;
}

/** A segment as a file beside the tables. It is a cache: what makes sure that it is of these tables is in them. */
export interface SegmentKeeper {
  /** Undefined where there is none. */
  open(): Promise<SegmentSource | undefined>;
  /**
   * Puts another in its place: the old one is there until the new one is whole, and on disk.
   * @param bytes - It will have, about.
   * @returns What `write` returned.
   */
  replace<T>(bytes: number, write: (sink: SegmentSink) => Promise<T>): Promise<T>;
  /** Also where there is none, or only part of one. */
  remove(): void;
}

/** An engine. */
export interface Tables {
  readonly readOnly: boolean;
  /** None: segments are not kept. */
  readonly segments?: SegmentKeeper;
  readonly table: Readonly<Record<TableName, Table>>;
  /**
   * Runs `change`, then makes it durable; when it throws, nothing has happened.
   * @param bytes - How many it will write, about.
   */
  transaction(change: () => void, bytes: number): void;
  /** Runs `look` on one consistent, recent state. */
  read<T>(look: () => T): T;
  close(): Promise<void>;
}
