/** `blindsight add`. @module */
import { readFile } from 'node:fs/promises';
import type { Library } from '../../adapters/library.ts';
import { RetrievalError } from '../../base/errors.ts';
import { MAX_FILE_BYTES, addImages, type Source } from '../../client/add-images.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer, describeError, remark, type Common } from '../output.ts';
import { startProgress } from '../progress.ts';
import { readError, walk, type Found } from '../walk.ts';

interface Options extends OpenOptions {
  readonly storeUndecodable?: boolean;
  readonly concurrency?: number;
  readonly thumbnails?: boolean;
}

/** What an `add` came to. */
export interface AddSummary {
  readonly added: number;
  readonly known: number;
  readonly failed: readonly { readonly path: string; readonly code: string; readonly message: string }[];
}

export async function add(folder: string, paths: readonly string[], options: Options): Promise<void> {
  const signal = stopSignal();
  const summary = await withLibrary(folder, options, (library) => addPaths(library, paths, options, signal));
  answer(options, summary, describeSummary(summary));
}

function describeSummary({ added, known, failed }: AddSummary): string {
  const lines = failed.map(({ path, code, message }) => `  ${path}: ${message} (${code})`);
  const tail = failed.length > 0 ? `\nNot added:\n${lines.join('\n')}` : '';
  return `${added} added, ${known} known, ${failed.length} failed${tail}`;
}

interface File extends Source {
  readonly file: string;
}

/** Adds what lies under `paths`. */
export async function addPaths(
  library: Library,
  paths: readonly string[],
  options: Common & Pick<Options, 'storeUndecodable' | 'concurrency' | 'thumbnails'>,
  signal?: AbortSignal,
): Promise<AddSummary> {
  const { found, unreadable } = await walk(paths);
  const failed = unreadable.map(({ path, error }) => ({ path, code: error.code as string, message: error.message }));
  let added = 0;
  let known = 0;
  const progress = startProgress('add', found.length, 'files', options.json === true);
  try {
    for await (const outcome of addImages(library.client, sources(found), {
      storeUndecodable: options.storeUndecodable === true,
      thumbnails: options.thumbnails !== false,
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
      ...(signal === undefined ? {} : { signal }),
    })) {
      if (outcome.status === 'added') added++;
      else if (outcome.status === 'known') known++;
      else if (outcome.status === 'failed') failed.push({ path: outcome.source.file, ...describeError(outcome.error) });
      progress.step(failed.length > 0 ? `${failed.length} failed` : '');
    }
  } catch (error) {
    progress.stop();
    // A stop or a full disk: what was done until then, before the error says why.
    remark(options, describeSummary({ added, known, failed }));
    throw error;
  } finally {
    progress.stop();
  }
  failed.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { added, known, failed };
}

function sources(found: readonly Found[]): File[] {
  return found.map(({ path, name, bytes, modifiedAt }) => ({
    file: path,
    name: name.split('/').at(-1)!,
    path: name,
    modifiedAt,
    async read() {
      // Before gigabytes are in memory.
      if (bytes > MAX_FILE_BYTES)
        throw new RetrievalError('file-too-large', `expected at most ${MAX_FILE_BYTES} bytes, got ${bytes}`);
      try {
        return await readFile(path);
      } catch (error) {
        throw readError(path, error);
      }
    },
  }));
}
