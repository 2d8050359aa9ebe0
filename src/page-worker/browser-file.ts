/**
 * Small files that outlast the page, in the browser's private file system: the newest library root that was seen, and the encrypted copy of the
 * records under ranking `client`. Where the browser has no such place, or another tab is writing, nothing is kept.
 * @module
 */
import type { CacheFile } from '../client/code-cache.ts';

/** The part of `FileSystemSyncAccessHandle` that is used: only workers have it. */
interface Handle {
  getSize(): number;
  read(to: Uint8Array, options: { at: number }): number;
  write(from: Uint8Array, options: { at: number }): number;
  truncate(bytes: number): void;
  flush(): void;
  close(): void;
}

/** A file of this name. */
export function browserFile(name: string): CacheFile {
  const use = async <T>(work: (handle: Handle) => T, otherwise: T): Promise<T> => {
    let handle: Handle | undefined;
    try {
      const folder = await navigator.storage.getDirectory();
      const file = await folder.getFileHandle(name, { create: true });
      handle = await (file as unknown as { createSyncAccessHandle(): Promise<Handle> }).createSyncAccessHandle();
      return work(handle);
    } catch {
      return otherwise;
    } finally {
      handle?.close();
    }
  };
  const put = (handle: Handle, offset: number, bytes: Uint8Array): void => {
    handle.write(bytes, { at: offset });
    handle.truncate(offset + bytes.length);
    handle.flush();
  };
  return {
    read: () =>
      use((handle) => {
        const bytes = new Uint8Array(handle.getSize());
        handle.read(bytes, { at: 0 });
        return bytes;
      }, new Uint8Array(0)),
    replace: (bytes) => use((handle) => put(handle, 0, bytes), undefined),
    write: (offset, bytes) => use((handle) => put(handle, offset, bytes), undefined),
  };
}
