/**
 * A look at an LMDB data file before it is mapped: what LMDB would trust, and crash on, is checked here.
 *
 * Each of the first two pages holds a meta record: magic 0xBEEFC0DE at byte 24, version at 28, page size at
 * 48, number of the last page at 144, transaction at 152 (layout of the `lmdb` package, data version 2, 64 bit).
 * @module
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { RetrievalError } from '../base/errors.ts';

const MAGIC = 0xbeefc0de;
const META_BYTES = 160;
const MIN_PAGE = 256;
const MAX_PAGE = 65536;

/**
 * Reads how long the file must be.
 * @returns Bytes expected and bytes there; undefined when the file does not exist or is empty: LMDB makes it.
 * @throws `corrupt-index` when it is no LMDB file, or neither meta record is whole. {@link RetrievalError}
 */
export function inspectFile(path: string): { expected: number; actual: number } | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const actual = fstatSync(file).size;
    if (actual === 0) return undefined;
    const first = readMeta(file, 0);
    if (first === undefined)
      throw new RetrievalError('corrupt-index', 'the data file of the library is damaged at its beginning');
    const second = readMeta(file, first.pageSize);
    if (second === undefined || second.pageSize !== first.pageSize)
      throw new RetrievalError('corrupt-index', 'the data file of the library is damaged at its beginning');
    const newest = second.transaction > first.transaction ? second : first;
    return { expected: (newest.lastPage + 1) * newest.pageSize, actual };
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, at: number): { pageSize: number; lastPage: number; transaction: bigint } | undefined {
  const bytes = new Uint8Array(META_BYTES);
  if (readSync(file, bytes, 0, META_BYTES, at) !== META_BYTES) return undefined;
  const view = new DataView(bytes.buffer);
  const pageSize = view.getUint32(48, true);
  const lastPage = view.getBigUint64(144, true);
  if (view.getUint32(24, true) !== MAGIC) return undefined;
  if (pageSize < MIN_PAGE || pageSize > MAX_PAGE || (pageSize & (pageSize - 1)) !== 0) return undefined;
  if (lastPage < 1n || lastPage > 1n << 40n) return undefined;
  return { pageSize, lastPage: Number(lastPage), transaction: view.getBigUint64(152, true) };
}
