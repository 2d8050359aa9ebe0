/**
 * An edition of a store, and its encrypted images, as files: what a worker at the edge reads from a bucket. No key is needed.
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { decodeEdition, makeEdition } from '../index/edition.ts';
import type { Store } from '../index/store.ts';
import { ID_BYTES } from '../index/values.ts';
import { openLmdbStore } from '../stores/lmdb-store.ts';
import { writeWhole } from './library-files.ts';

/** Bytes of an image in memory at a time. */
const PART_BYTES = 4 * 1024 * 1024;

/** What was written. */
export interface Published {
  readonly images: number;
  readonly editionBytes: number;
}

/**
 * Writes `edition` and `blobs/ID` into a folder. The edition comes last: with it, all its images are there.
 * @param folder - Of a store.
 * @param target - Must not exist: an image that was added anew has another key, and no part of an older edition fits.
 * @throws `library-not-found`, `library-exists` where `target` is, `corrupt-record`. {@link RetrievalError}
 */
export async function publishStore(folder: string, target: string): Promise<Published> {
  const store = openLmdbStore(folder, { readOnly: true });
  try {
    const blobs = join(target, 'blobs');
    if (existsSync(target)) throw new RetrievalError('library-exists', `${target} is there already`);
    await mkdir(blobs, { recursive: true });
    const edition = await makeEdition(store);
    const { ids, count, blobBytes } = decodeEdition(edition);
    for (let row = 0; row < count; row++) {
      const id = ids.subarray(ID_BYTES * row, ID_BYTES * (row + 1));
      await writeBlob(store, id, blobBytes[row]!, join(blobs, toHex(id)));
    }
    await writeWhole(join(target, 'edition'), edition);
    return { images: count, editionBytes: edition.length };
  } finally {
    await store.close();
  }
}

async function writeBlob(store: Store, id: Uint8Array, total: number, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for (let at = 0; at < total;) {
      const part = await store.blob(id, at, Math.min(PART_BYTES, total - at));
      if (part === undefined) throw new RetrievalError('unknown-id', 'an image was removed meanwhile: publish again');
      await file.write(part.bytes);
      at += part.bytes.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
