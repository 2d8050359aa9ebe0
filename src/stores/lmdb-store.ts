/**
 * The embedded default: a store in one folder, on LMDB.
 *
 * LMDB never writes over a page that is in use, and changes its root last: after a crash it stands where the
 * last commit left it. A commit returns after its pages and its root have been flushed (`overlappingSync`,
 * which lets a commit return before, is off). Readers are never blocked, and see one state a call.
 * @module
 */
import { existsSync, mkdirSync, statSync, statfsSync, truncateSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Store } from '../index/store.ts';
import { TableStore } from '../index/table-store.ts';
import { TABLES, type Table, type TableName, type Tables } from '../index/tables.ts';
import { inspectFile } from './lmdb-file.ts';
import { SegmentFile } from './segment-file.ts';
import { WriterLock, isWriterAlive } from './writer-lock.ts';

const DATA_FILE = 'data.mdb';
// Free bytes below which a failed write is put down to a full disk; LMDB itself tells a short write as an input/output error.
const FULL_BYTES = 1024 * 1024;

// Native, and a third of the time that the whole package takes to load: only when a store is opened.
const require = /* @__PURE__ */ createRequire(import.meta.url);
type Lmdb = typeof import('lmdb');
const loadLmdb = (): Lmdb => require('lmdb') as Lmdb;

// Written to for the sake of a commit.
const TURN_KEY = /* @__PURE__ */ utf8('turn');

/** How to open a store. */
export interface LmdbOptions {
  /** Takes no lock, changes nothing; sees what a writer commits meanwhile. */
  readonly readOnly?: boolean;
}

/**
 * Opens the store in a folder; makes it when there is none, unless `readOnly`.
 * @throws `library-locked` while another process writes, `library-not-found`, `corrupt-index`,
 * `unsupported-version`, `storage-full`, `storage-failed`. {@link RetrievalError}
 */
export function openLmdbStore(folder: string, { readOnly = false }: LmdbOptions = {}): Store {
  const data = join(folder, DATA_FILE);
  if (readOnly && !existsSync(data)) throw new RetrievalError('library-not-found', 'there is no store in this folder');
  const { open } = loadLmdb();
  let lock: WriterLock | undefined;
  let tables: LmdbTables | undefined;
  try {
    if (!readOnly) mkdirSync(folder, { recursive: true });
    lock = readOnly ? undefined : WriterLock.acquire(folder);
    checkLength(folder, data, lock !== undefined);
    tables = new LmdbTables(open, folder, lock);
    if (!readOnly) tables.segments.clear();
    return new TableStore(tables);
  } catch (error) {
    if (tables === undefined) lock?.release();
    else void tables.close();
    throw translate(error, folder, 0);
  }
}

/**
 * Copies a store as it is at one moment, while others read and write it: one reading transaction, by LMDB itself. (Copying the file
 * from outside mixes pages of several moments.)
 * @param target - A folder; made if need be.
 * @throws As {@link openLmdbStore}. {@link RetrievalError}
 */
export async function copyLmdbStore(folder: string, target: string): Promise<void> {
  const data = join(folder, DATA_FILE);
  if (!existsSync(data)) throw new RetrievalError('library-not-found', 'there is no store in this folder');
  const { open } = loadLmdb();
  try {
    checkLength(folder, data, false);
    mkdirSync(target, { recursive: true });
    const root = open<Uint8Array, Uint8Array>({ path: folder, noSubdir: false, readOnly: true, maxDbs: TABLES.length });
    try {
      await root.backup(target, false);
    } finally {
      await root.close();
    }
    const copy = await openFile(join(target, DATA_FILE));
    await copy.sync().finally(() => copy.close());
  } catch (error) {
    throw translate(error, target, statSync(data).size);
  }
}

/**
 * A file that ends early would end the process when the missing part is touched. A writer fills it with
 * zeros, which no checksum accepts: what is left stays readable, and `verify` names the rest. (LMDB itself may
 * leave the last pages unwritten, so a missing part need not be damage.)
 */
function checkLength(folder: string, data: string, writes: boolean): void {
  const length = inspectFile(data);
  // LMDB makes it for a writer, and ends the process of a reader.
  if (length === undefined && !writes)
    throw new RetrievalError('corrupt-index', 'the data file of the library is empty');
  if (length === undefined || length.actual >= length.expected) return;
  if (writes) truncateSync(data, length.expected);
  else if (!isWriterAlive(folder))
    throw new RetrievalError('corrupt-index', 'the data file of the library is shorter than it says');
}

class LmdbTables implements Tables {
  readonly readOnly: boolean;
  readonly table: Record<TableName, LmdbTable>;
  readonly segments: SegmentFile;
  readonly #folder: string;
  readonly #lock: WriterLock | undefined;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;

  constructor(open: Lmdb['open'], folder: string, lock: WriterLock | undefined) {
    this.#folder = folder;
    this.#lock = lock;
    this.readOnly = lock === undefined;
    this.segments = new SegmentFile(folder, join(folder, DATA_FILE));
    this.#root = open<Uint8Array, Uint8Array>({
      path: folder,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      maxDbs: TABLES.length,
      readOnly: this.readOnly,
    });
    this.table = Object.fromEntries(
      TABLES.map((name) => {
        const database = this.#root.openDB<Uint8Array, Uint8Array>(name, { encoding: 'binary', keyEncoding: 'binary' });
        // The library's types leave out that a database may be missing.
        if ((database as unknown) === undefined)
          throw new RetrievalError('corrupt-index', 'the data file is not one of this library');
        return [name, new LmdbTable(database)];
      }),
    ) as Record<TableName, LmdbTable>;
  }

  transaction(change: () => void, bytes: number): void {
    try {
      this.#commit(change, bytes);
    } catch (error) {
      if (!(error instanceof RetrievalError) || error.code !== 'storage-full') throw error;
      // LMDB hands out again what a commit has freed from the next commit but one on: bring that one about.
      this.#commit(() => this.table.meta.put(TURN_KEY, new Uint8Array(0)), 0);
      this.#commit(change, bytes);
    }
  }

  #commit(change: () => void, bytes: number): void {
    try {
      this.#root.transactionSync(() => {
        if (this.#lock?.held() !== true)
          throw new RetrievalError('library-locked', 'another process has taken over writing to the library');
        change();
      });
    } catch (error) {
      throw translate(error, this.#folder, bytes);
    }
  }

  read<T>(look: () => T): T {
    try {
      // A reader sees what another process has committed since the last look.
      if (this.readOnly) this.#root.resetReadTxn();
      return look();
    } catch (error) {
      throw translate(error, this.#folder, 0);
    }
  }

  async close(): Promise<void> {
    try {
      await this.#root.close();
    } finally {
      this.#lock?.release();
    }
  }
}

class LmdbTable implements Table {
  readonly #database: Database<Uint8Array, Uint8Array>;

  constructor(database: Database<Uint8Array, Uint8Array>) {
    this.#database = database;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#database.getBinary(key);
    return value && new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#database.putSync(key, bufferOf(value));
  }

  remove(key: Uint8Array): void {
    this.#database.removeSync(key);
  }

  keys(from: Uint8Array, limit: number): Uint8Array[] {
    const range = from.length === 0 ? { limit } : { start: from, limit };
    return Array.from(this.#database.getKeys(range), (key) => new Uint8Array(key));
  }

  clear(): void {
    this.#database.clearSync();
  }
}

/** LMDB takes Buffers alone for bytes. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** LMDB's and the system's failures, by code: lmdb.h, errno.h. */
function translate(error: unknown, folder: string, bytes: number): unknown {
  if (error instanceof RetrievalError) return error;
  const { code } = error as { code?: unknown };
  const full = (): RetrievalError =>
    new RetrievalError('storage-full', 'no space is left for the library: nothing was written', { cause: error });
  switch (code) {
    case -30796: // MDB_CORRUPTED
    case -30797: // MDB_PAGE_NOTFOUND
    case -30793: // MDB_INVALID
    case -30786: // MDB_BAD_TXN
    case -30781: // MDB_BAD_VALSIZE
      return new RetrievalError('corrupt-index', 'the data file of the library is damaged', { cause: error });
    case -30794: // MDB_VERSION_MISMATCH
      return new RetrievalError('unsupported-version', 'the data file was written by another version of LMDB', {
        cause: error,
      });
    case -30792: // MDB_MAP_FULL
    case 28: // ENOSPC
    case 'ENOSPC':
    case 122: // EDQUOT
    case 'EDQUOT':
      return full();
    case 5: // EIO
      if (freeBytes(folder) < bytes + FULL_BYTES) return full();
  }
  return new RetrievalError('storage-failed', 'the storage of the library could not be read or written', {
    cause: error,
  });
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
