/**
 * The client's encrypted copy of the records, in a file.
 * @module
 */
import { open, readFile } from 'node:fs/promises';
import type { CacheFile } from '../client/code-cache.ts';
import { writeWhole } from './library-files.ts';

/** A file that need not be there, and may be deleted at any time. */
export function cacheFile(path: string): CacheFile {
  return {
    read: () => readFile(path).catch(() => new Uint8Array(0)),
    replace: (bytes) => writeWhole(path, bytes),
    async write(offset, bytes) {
      const file = await open(path, 'r+');
      try {
        await file.write(bytes, 0, bytes.length, offset);
        await file.truncate(offset + bytes.length);
      } finally {
        await file.close();
      }
    },
  };
}
