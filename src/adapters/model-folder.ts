/**
 * The user's own models and vocabularies: a folder with a `manifest.json` of the same form as the package's.
 *
 * `BLINDSIGHT_MODELS`, else `$XDG_DATA_HOME/blindsight/models`, else `~/.local/share/blindsight/models`.
 * @module
 */
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { RetrievalError } from '../base/errors.ts';
import { WriterLock } from '../stores/writer-lock.ts';
import { writeWhole } from './library-files.ts';
import type { Manifest } from './package-files.ts';

/** A manifest, with the model that is the default. */
export interface UserManifest extends Manifest {
  /** Id of a model, here or in the package. */
  readonly use?: string;
}

/** Where the user's models lie; nothing says that it exists. */
export function modelFolder(): string {
  const { BLINDSIGHT_MODELS, XDG_DATA_HOME } = process.env;
  if (BLINDSIGHT_MODELS !== undefined && BLINDSIGHT_MODELS !== '') return BLINDSIGHT_MODELS;
  const data =
    XDG_DATA_HOME !== undefined && isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : join(homedir(), '.local', 'share');
  return join(data, 'blindsight', 'models');
}

/**
 * The user's manifest; an empty one where there is none.
 * @throws `model-unavailable` when it cannot be read. {@link RetrievalError}
 */
export async function readUserManifest(folder: string = modelFolder()): Promise<UserManifest> {
  const path = join(folder, 'manifest.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { models: [], vocabularies: [] };
    throw new RetrievalError('model-unavailable', `cannot read ${path}`, { cause: error });
  }
  try {
    const { models = [], downloads = [], vocabularies = [], use } = JSON.parse(text) as Partial<UserManifest>;
    for (const { id, file } of [...models, ...vocabularies])
      if (typeof id !== 'string' || typeof file !== 'string' || basename(file) !== file) throw new Error(`entry ${id}`);
    return { models, downloads, vocabularies, ...(use === undefined ? {} : { use }) };
  } catch (error) {
    throw new RetrievalError('model-unavailable', `${path} is damaged`, { cause: error });
  }
}

/**
 * Makes the folder if need be, and runs `work` while no other process changes it.
 * @throws `library-locked`, and what `work` throws. {@link RetrievalError}
 */
export async function whileLocked<T>(
  work: (folder: string, write: (change: (manifest: UserManifest) => UserManifest) => Promise<void>) => Promise<T>,
): Promise<T> {
  const folder = modelFolder();
  await mkdir(folder, { recursive: true });
  let lock: WriterLock;
  try {
    lock = WriterLock.acquire(folder);
  } catch (error) {
    if (error instanceof RetrievalError && error.code === 'library-locked')
      throw new RetrievalError('library-locked', `another process is changing ${folder}`, { cause: error });
    throw error;
  }
  try {
    return await work(folder, async (change) => {
      const next = change(await readUserManifest(folder));
      await writeWhole(join(folder, 'manifest.json'), `${JSON.stringify(next, undefined, 2)}\n`);
    });
  } finally {
    lock.release();
  }
}
