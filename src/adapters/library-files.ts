/**
 * The client's half of a library folder.
 *
 * | file                     |                                                                     |
 * | ------------------------ | ------------------------------------------------------------------- |
 * | `library.json`           | format and version: what makes a folder a library                   |
 * | `client/key`             | the library key, wrapped by a passphrase and by recovery words      |
 * | `client/vocabulary`      | a copy of the vocabulary, so that an upgrade never changes a library |
 * | `client/index.json`      | index parameters                                                    |
 * | `client/next-*`          | vocabulary and parameters of a reindex that is not finished; `next-key`, if it is a rotation |
 * | `client/server.json`     | where the store is, if it is not in this folder                     |
 * | `client/role.json`       | in a folder that was joined: what its holder was let in for          |
 * | `client/cache`           | ranking `client`: encrypted copy of the records; may be deleted      |
 * | `client/waiting/`        | images that were added while the server could not be reached: ciphertext, one file each |
 * | `client/root`            | the newest library root seen, sealed; where it is deleted, the next one is believed |
 * | `server/`                | the store: ciphertext only                                          |
 *
 * Every file is written under another name and then renamed, so that a crash leaves the old one or the new one.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RetrievalError } from '../base/errors.ts';
import type { GrantRole } from '../crypto/grant.ts';
import { decodeIndex, parseObject, type IndexFiles } from '../client/index-files.ts';
import type { IndexParameters } from '../client/index-parameters.ts';

const FORMAT = 'blindsight-library';
const VERSION = 0;

/** Which of the two index descriptions: the one in use, or the one being built. */
export type Slot = 'current' | 'next';

/** Writes a file so that it is there whole, on disk, or not at all. A file of that name is replaced. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  // A name of its own, and a short one: another process may write the same file, and `path` may be as long as names can be.
  const partial = join(dirname(path), `.${randomBytes(8).toString('hex')}.partial`);
  try {
    const file = await open(partial, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** A rename or a removal is durable once the folder is; not every platform lets a folder be synced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RetrievalError('unreadable-file', `cannot read ${path}`, { cause: error });
  }
}

/** Paths of a library folder. */
export class LibraryFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Where the server keeps its store. */
  get store(): string {
    return join(this.folder, 'server');
  }

  /** Whether the store is in the folder. */
  hasStore(): Promise<boolean> {
    return exists(this.store);
  }

  /** Where ranking `client` keeps its copy. */
  get cache(): string {
    return this.#path('cache');
  }

  /** Where the newest library root seen is kept. */
  get root(): string {
    return this.#path('root');
  }

  /** Where images wait for a server that cannot be reached. */
  get waiting(): string {
    return this.#path('waiting');
  }

  #path(name: string): string {
    return join(this.folder, 'client', name);
  }

  #slot(slot: Slot, name: string): string {
    return this.#path(slot === 'next' ? `next-${name}` : name);
  }

  /**
   * Checks that nothing of a library is here: a key that is written over is every picture lost.
   * @throws `library-exists`, also where a library lost `library.json`, or was not made to its end. {@link RetrievalError}
   */
  async checkNew(): Promise<void> {
    if ((await read(join(this.folder, 'library.json'))) !== undefined)
      throw new RetrievalError('library-exists', `there is a library in ${this.folder} already`);
    if ((await exists(this.store)) || (await exists(join(this.folder, 'client')))) throw this.#unfinished();
  }

  /**
   * Makes the folder of a new library.
   * @throws `library-exists`. {@link RetrievalError}
   */
  async create(): Promise<void> {
    await this.checkNew();
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    // Of two processes, one makes the folder.
    await mkdir(join(this.folder, 'client'), { mode: 0o700 }).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? this.#unfinished() : error;
    });
  }

  #unfinished(): RetrievalError {
    return new RetrievalError(
      'library-exists',
      `${this.folder} holds an unfinished or damaged library: delete it first if nothing in it is needed`,
    );
  }

  /** Takes back {@link create} and what was written after it. */
  async destroy(): Promise<void> {
    await rm(join(this.folder, 'client'), { recursive: true, force: true });
    await rm(this.store, { recursive: true, force: true });
  }

  /** Says that the library is whole: the last step of making one. */
  async seal(): Promise<void> {
    await writeWhole(join(this.folder, 'library.json'), `${JSON.stringify({ format: FORMAT, version: VERSION })}\n`);
  }

  /**
   * Checks that this is a library this release reads.
   * @param remote - Its store is somewhere else, whatever the folder says.
   * @throws `library-not-found`, `corrupt-index` or `unsupported-version`. {@link RetrievalError}
   */
  async check(remote = false): Promise<void> {
    const bytes = await read(join(this.folder, 'library.json'));
    if (bytes === undefined)
      throw new RetrievalError('library-not-found', `no library in ${this.folder}; blindsight init makes one`);
    const { format, version } = parseObject(bytes, 'library.json') as { format?: unknown; version?: unknown };
    if (format !== FORMAT) throw new RetrievalError('corrupt-index', 'library.json does not describe a library');
    if (version !== VERSION)
      throw new RetrievalError('unsupported-version', `expected library version ${VERSION}, got ${String(version)}`);
    // Opening makes a store where there is none: an empty one must not stand in for one that was moved away.
    if (!remote && (await this.server()) === undefined && !(await this.hasStore()))
      throw new RetrievalError('corrupt-index', `the folder ${this.store} of the library is missing`);
  }

  /** @throws `corrupt-key-file` when it is missing. {@link RetrievalError} */
  async key(): Promise<Uint8Array> {
    const bytes = await read(this.#path('key'));
    if (bytes === undefined) throw new RetrievalError('corrupt-key-file', 'the key file is missing');
    return bytes;
  }

  async writeKey(bytes: Uint8Array): Promise<void> {
    await writeWhole(this.#path('key'), bytes);
  }

  /** The key file of a rotation that is not finished; undefined where none is. */
  async nextKey(): Promise<Uint8Array | undefined> {
    // The parameters are written last: without them, the key is left over.
    return (await exists(this.#slot('next', 'index.json'))) ? read(this.#slot('next', 'key')) : undefined;
  }

  /**
   * @returns Undefined when there is none: no reindex is going on.
   * @throws `corrupt-vocabulary`, `corrupt-index`. {@link RetrievalError}
   */
  async readIndex(slot: Slot): Promise<IndexFiles | undefined> {
    const [vocabulary, index] = await Promise.all([
      read(this.#slot(slot, 'vocabulary')),
      read(this.#slot(slot, 'index.json')),
    ]);
    if (index === undefined) return undefined;
    if (vocabulary === undefined) throw new RetrievalError('corrupt-vocabulary', 'the vocabulary is missing');
    return decodeIndex(vocabulary, index);
  }

  /**
   * The address of the library's server; undefined where the store is in the folder.
   * @throws `corrupt-index`. {@link RetrievalError}
   */
  async server(): Promise<string | undefined> {
    const bytes = await read(this.#path('server.json'));
    if (bytes === undefined) return undefined;
    const { url } = parseObject(bytes, 'server.json') as { url?: unknown };
    if (typeof url !== 'string') throw new RetrievalError('corrupt-index', 'server.json is damaged');
    return url;
  }

  async writeServer(url: string): Promise<void> {
    await writeWhole(this.#path('server.json'), `${JSON.stringify({ url })}\n`);
  }

  /**
   * What the holder of this folder may do: everything, unless it was joined as a viewer.
   * @throws `corrupt-index`. {@link RetrievalError}
   */
  async role(): Promise<GrantRole> {
    const bytes = await read(this.#path('role.json'));
    if (bytes === undefined) return 'owner';
    const { role } = parseObject(bytes, 'role.json') as { role?: unknown };
    if (role !== 'owner' && role !== 'viewer') throw new RetrievalError('corrupt-index', 'role.json is damaged');
    return role;
  }

  async writeRole(role: GrantRole): Promise<void> {
    await writeWhole(this.#path('role.json'), `${JSON.stringify({ role })}\n`);
  }

  /**
   * The parameters are written last: where they are, the vocabulary is.
   * @param key - Key file of the next index, when it has another key.
   */
  async writeIndex(slot: Slot, vocabulary: Uint8Array, index: IndexParameters, key?: Uint8Array): Promise<void> {
    if (key !== undefined) await writeWhole(this.#slot(slot, 'key'), key);
    // One that is left over would make a reindex look like a rotation.
    else if (slot === 'next') await rm(this.#slot(slot, 'key'), { force: true });
    await writeWhole(this.#slot(slot, 'vocabulary'), vocabulary);
    await writeWhole(this.#slot(slot, 'index.json'), `${JSON.stringify(index)}\n`);
  }

  /** The next index becomes the current one. Safe to repeat after a crash between its steps. */
  async promoteNext(): Promise<void> {
    const vocabulary = await read(this.#slot('next', 'vocabulary'));
    const index = await read(this.#slot('next', 'index.json'));
    if (index === undefined || vocabulary === undefined) return;
    const key = await read(this.#slot('next', 'key'));
    if (key !== undefined) await this.writeKey(key);
    await writeWhole(this.#slot('current', 'vocabulary'), vocabulary);
    await writeWhole(this.#slot('current', 'index.json'), index);
    // A copy of the old index.
    await rm(this.cache, { force: true });
    await this.dropNext();
  }

  /** @returns Whether there was a description of the next index. */
  async dropNext(): Promise<boolean> {
    const there = await exists(this.#slot('next', 'index.json'));
    await rm(this.#slot('next', 'index.json'), { force: true });
    await syncFolder(join(this.folder, 'client'));
    await rm(this.#slot('next', 'vocabulary'), { force: true });
    await rm(this.#slot('next', 'key'), { force: true });
    return there;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
