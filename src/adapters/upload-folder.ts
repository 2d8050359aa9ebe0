/**
 * A folder of what waits for the server: one file an image, named by its id.
 * @module
 */
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { UploadQueue } from '../client/upload-queue.ts';
import { syncFolder, writeWhole } from './library-files.ts';

const NAME = /^[0-9a-f]{32}$/;

/** The folder is made when something has to wait. Methods throw `unreadable-file` when the system refuses. {@link RetrievalError} */
export function uploadFolder(folder: string): UploadQueue {
  const pathOf = (id: Uint8Array): string => join(folder, toHex(id));
  const absent = <T>(error: NodeJS.ErrnoException, value: T): T => {
    if (error.code === 'ENOENT') return value;
    throw new RetrievalError('unreadable-file', `cannot read ${folder}`, { cause: error });
  };
  return {
    async ids() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => absent<string[]>(error, []));
      return names
        .filter((name) => NAME.test(name))
        .sort()
        .map((name) => fromHex(name)!);
    },
    read: (id) => readFile(pathOf(id)).catch((error: NodeJS.ErrnoException) => absent(error, undefined)),
    async keep(id, message) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeWhole(pathOf(id), message);
    },
    async drop(id) {
      await rm(pathOf(id), { force: true });
      await syncFolder(folder);
    },
  };
}
