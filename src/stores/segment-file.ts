/**
 * The index of a store as a file beside it. Only saves time: it may be deleted, and a backup goes without.
 *
 * A new one is written under another name, brought to disk, and then takes the place of the old one.
 * @module
 */
import { rmSync } from 'node:fs';
import { open, rename, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { RetrievalError } from '../base/errors.ts';
import type { SegmentSink, SegmentSource } from '../index/segment.ts';
import type { SegmentKeeper } from '../index/tables.ts';

const NAME = 'segment';
const PARTIAL = 'segment.partial';
const PERMISSIONS = 0o777;

export class SegmentFile implements SegmentKeeper {
  readonly #folder: string;
  /** Whose permissions the segment has. */
  readonly #model: string;

  /** @param model - Path of the store's own file. */
  constructor(folder: string, model: string) {
    this.#folder = folder;
    this.#model = model;
  }

  async open(): Promise<SegmentSource | undefined> {
    const file = await open(join(this.#folder, NAME)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (file === undefined) return undefined;
    const { size } = await file.stat();
    return {
      bytes: size,
      crc32,
      async read(target, at) {
        for (let done = 0; done < target.length;) {
          const { bytesRead } = await file.read(target, done, target.length - done, at + done);
          if (bytesRead === 0) throw new RetrievalError('corrupt-index', 'the segment ends early');
          done += bytesRead;
        }
      },
      close: () => file.close(),
    };
  }

  /** @throws `storage-full` where less than twice its bytes are free: the store needs room more. {@link RetrievalError} */
  async replace<T>(bytes: number, write: (sink: SegmentSink) => Promise<T>): Promise<T> {
    const { bavail, bsize } = await statfs(this.#folder);
    if (bavail * bsize < 2 * bytes) throw new RetrievalError('storage-full', 'no space is left to keep the index');
    const partial = join(this.#folder, PARTIAL);
    const { mode } = await stat(this.#model);
    try {
      const file = await open(partial, 'w', mode & PERMISSIONS);
      let written: T;
      try {
        written = await write({
          crc32,
          async write(part, at) {
            for (let done = 0; done < part.length;)
              done += (await file.write(part, done, part.length - done, at + done)).bytesWritten;
          },
        });
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, join(this.#folder, NAME));
      return written;
    } catch (error) {
      this.clear();
      throw error;
    }
  }

  remove(): void {
    this.clear();
    removeFile(join(this.#folder, NAME));
  }

  /** Takes away what a writer that was ended has left behind. */
  clear(): void {
    removeFile(join(this.#folder, PARTIAL));
  }
}

/** What cannot be removed is in nobody's way: it is not taken. */
function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    return;
  }
}
