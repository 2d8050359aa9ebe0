/**
 * Labelled folders: which photos belong to one class.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RetrievalError } from '../base/errors.ts';

/** A photo and its class. */
export interface Labelled {
  readonly path: string;
  readonly label: string;
}

/**
 * Photos of a labels file: lines `path,class`, with paths relative to the folder; a first line
 * `path,class` is a heading.
 * @throws `not-found`, `unreadable-file`. {@link RetrievalError}
 */
export async function readLabels(folder: string, file: string): Promise<Labelled[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new RetrievalError(missing ? 'not-found' : 'unreadable-file', `cannot read ${file}`, { cause: error });
  });
  const rows: Labelled[] = [];
  for (const line of text.split(/\r?\n/)) {
    const comma = line.lastIndexOf(',');
    if (comma < 1 || line === 'path,class') continue;
    rows.push({ path: join(folder, line.slice(0, comma).replace(/^"|"$/g, '')), label: line.slice(comma + 1) });
  }
  return rows;
}

/** Photos labelled by the first folder of their path; photos that lie in no sub-folder are left out. */
export function labelByFolder(found: readonly { readonly path: string; readonly name: string }[]): Labelled[] {
  return found
    .filter(({ name }) => name.includes('/'))
    .map(({ path, name }) => ({ path, label: name.slice(0, name.indexOf('/')) }));
}
