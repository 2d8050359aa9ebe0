/**
 * The files under the paths a user names.
 * @module
 */
import type { Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import { RetrievalError } from '../base/errors.ts';

/** A file to be added: where it is, and the name it will be stored under. */
export interface Found {
  readonly path: string;
  /** Relative to the folder the user named, with `/` between parts; the file's own name for a single file. */
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** A path that cannot be read, with a reason. */
export interface Unreadable {
  readonly path: string;
  readonly error: RetrievalError;
}

/** What cameras and phones write, and what people keep: by ending, so that a folder's other files are no failures. */
const IMAGE_ENDINGS = new Set(
  'jpg jpeg jpe jfif png gif bmp dib tif tiff webp heic heif avif jxl jp2 dng cr2 cr3 nef arw orf rw2 svg psd ico'.split(
    ' ',
  ),
);

/**
 * Finds image files. Folders are walked in order of name, links are followed, and a folder that was
 * already seen (a loop of links) is not entered again. Hidden files are left out.
 * A file that is named by itself is taken whatever its ending.
 */
export async function walk(paths: readonly string[]): Promise<{ found: Found[]; unreadable: Unreadable[] }> {
  const found: Found[] = [];
  const unreadable: Unreadable[] = [];
  const seen = new Set<string>();

  const visit = async (folder: string, root: string): Promise<void> => {
    const real = await realpath(folder);
    if (seen.has(real)) return;
    seen.add(real);
    for (const name of (await readdir(folder)).sort()) {
      if (name.startsWith('.')) continue;
      const path = join(folder, name);
      try {
        const info = await stat(path);
        if (info.isDirectory()) await visit(path, root);
        else if (info.isFile() && IMAGE_ENDINGS.has(extname(name).slice(1).toLowerCase()))
          found.push(fileOf(path, relative(root, path).split(sep).join('/'), info));
      } catch (error) {
        unreadable.push({ path, error: readError(path, error) });
      }
    }
  };

  for (const path of paths) {
    try {
      const info = await stat(path);
      if (info.isDirectory()) await visit(path, resolve(path));
      else if (info.isFile()) found.push(fileOf(path, basename(path), info));
      // Reading a pipe or a device may never end.
      else
        unreadable.push({
          path,
          error: new RetrievalError('unreadable-file', `cannot read ${path}: it is no ordinary file`),
        });
    } catch (error) {
      unreadable.push({ path, error: readError(path, error) });
    }
  }
  return { found, unreadable };
}

function fileOf(path: string, name: string, { size, mtimeMs }: Stats): Found {
  return { path, name, bytes: size, modifiedAt: mtimeMs };
}

/** What the operating system said, as a coded error. */
export function readError(path: string, error: unknown): RetrievalError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new RetrievalError('not-found', `no such file: ${path}`);
  return new RetrievalError('unreadable-file', `cannot read ${path} (${code ?? 'unknown reason'})`, { cause: error });
}
