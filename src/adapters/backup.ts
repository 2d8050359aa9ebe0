/**
 * A copy of a library, or of a store alone, while others read and write it: one state of the store, as a reader sees it, and the client's
 * half that fits it. No key is needed.
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { randomBytes } from 'node:crypto';
import { equalBytes } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { copyLmdbStore } from '../stores/lmdb-store.ts';
import { LibraryFiles, syncFolder, writeWhole } from './library-files.ts';

// A library whose key or index changes during each of so many copies is told of.
const ATTEMPTS = 5;
// What changes all the time: a copy of records, which may be missing, and the newest root that was seen, which may be an older one.
const FOLLOWS_STORE: ReadonlySet<string> = new Set(['cache', 'root']);

/** A finished copy. */
export interface Backup {
  /** Bytes of the store; 0 where it is on a server, and so not in the copy. */
  readonly storeBytes: number;
  readonly hasStore: boolean;
}

/**
 * Copies a library folder, or the folder of a store.
 * @param target - Must not exist. It appears when the copy is whole and on disk.
 * @throws `library-exists` where `target` is; `library-not-found`, `library-locked` when key or index keep changing, and what a
 *   damaged store gives. {@link RetrievalError}
 */
export async function backUp(folder: string, target: string): Promise<Backup> {
  if (existsSync(target)) throw new RetrievalError('library-exists', `${target} is there already`);
  const whole = resolve(target);
  await mkdir(dirname(whole), { recursive: true });
  const partial = join(dirname(whole), `.${basename(whole)}.${randomBytes(4).toString('hex')}.partial`);
  await mkdir(partial, { mode: 0o700 });
  try {
    const backup = existsSync(join(folder, 'data.mdb'))
      ? await copyStore(folder, partial)
      : await copyLibrary(new LibraryFiles(folder), partial);
    await rename(partial, whole);
    await syncFolder(dirname(whole));
    return backup;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function copyStore(folder: string, target: string): Promise<Backup> {
  await copyLmdbStore(folder, target);
  return { storeBytes: (await stat(join(target, 'data.mdb'))).size, hasStore: true };
}

async function copyLibrary(files: LibraryFiles, target: string): Promise<Backup> {
  await files.check();
  const hasStore = (await files.server()) === undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // Before the store: a root that is newer than the store would look as if the store had been put back.
    const client = await readClient(files.folder);
    const store = join(target, 'server');
    await rm(store, { recursive: true, force: true });
    const backup = hasStore ? await copyStore(files.store, store) : { storeBytes: 0, hasStore };
    // An index or a key that took over meanwhile would not fit.
    if (!sameFiles(client, await readClient(files.folder))) continue;
    await mkdir(join(target, 'client'), { mode: 0o700 });
    for (const [name, bytes] of client) await writeWhole(join(target, 'client', name), bytes);
    await writeWhole(join(target, 'library.json'), await readFile(join(files.folder, 'library.json')));
    return backup;
  }
  throw new RetrievalError('library-locked', 'key or index of the library changed during each try to copy it');
}

/** Files of the client's half, but for what is half written. */
async function readClient(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of (await readdir(join(folder, 'client'))).sort()) {
    if (name.startsWith('.') || name === 'cache') continue;
    const bytes = await readFile(join(folder, 'client', name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes !== undefined) files.set(name, bytes);
  }
  return files;
}

function sameFiles(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): boolean {
  const names = [...new Set([...a.keys(), ...b.keys()])].filter((name) => !FOLLOWS_STORE.has(name));
  return names.every((name) => a.has(name) && b.has(name) && equalBytes(a.get(name)!, b.get(name)!));
}
