/**
 * What a store engine must offer: ordered tables of bytes, changed together in transactions.
 * `table-store.ts` builds a {@link Store} from it.
 * @module
 */

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

/** An engine. */
export interface Tables {
  readonly readOnly: boolean;
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
