/** `blindsight add`. @module */
import { readFile } from 'node:fs/promises';
import type { Library } from '../../adapters/library.ts';
import { RetrievalError } from '../../base/errors.ts';
import { MAX_FILE_BYTES, addImages, type Source } from '../../client/add-images.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer, describeError, remark, type Common } from '../output.ts';
import { startProgress } from '../progress.ts';
import { readError, walk, type Found } from '../walk.ts';
import { sendWaiting } from './push.ts';
import { concurrencyOf, workersOf, type WorkerOptions } from '../workers.ts';

interface Options extends OpenOptions, WorkerOptions {
  readonly storeUndecodable?: boolean;
  readonly thumbnails?: boolean;
}

/** What an `add` came to. */
export interface AddSummary {
  readonly added: number;
  readonly known: number;
  /** Images in this machine's queue, since the server cannot be reached. Absent when there are none. */
  readonly waiting?: number;
  /** Images that had waited, and that the server has now. Absent when none had. */
  readonly sent?: number;
  readonly failed: readonly { readonly path: string; readonly code: string; readonly message: string }[];
}

export async function add(folder: string, paths: readonly string[], options: Options): Promise<void> {
  const signal = stopSignal();
  const [workers, concurrency] = [workersOf(options), concurrencyOf(options)];
  const summary = await withLibrary(folder, { ...options, workers, offline: true }, async (library) => {
    const { sent, failed } = library.away ? { sent: 0, failed: [] } : await sendWaiting(library);
    const summary = await addPaths(library, paths, { ...options, concurrency }, signal);
    return { ...summary, ...(sent > 0 ? { sent } : {}), failed: [...failed, ...summary.failed] };
  });
  answer(options, summary, describeSummary(summary));
}

function describeSummary({ added, known, failed, waiting = 0, sent = 0 }: AddSummary): string {
  const lines = failed.map(({ path, code, message }) => `  ${path}: ${message} (${code})`);
  const tail = failed.length > 0 ? `\nNot added:\n${lines.join('\n')}` : '';
  const before = sent > 0 ? `${sent} that had waited sent, ` : '';
  const after = waiting > 0 ? `, ${waiting} waiting for the server: blindsight push sends them` : '';
  return `${before}${added} added, ${known} known, ${failed.length} failed${after}${tail}`;
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
  let waiting = 0;
  const counts = () => ({ added, known, ...(waiting > 0 ? { waiting } : {}), failed });
  const progress = startProgress('add', found.length, 'files', options.json === true);
  try {
    for await (const outcome of addImages(library.client, sources(found), {
      storeUndecodable: options.storeUndecodable === true,
      thumbnails: options.thumbnails !== false,
      queue: library.queue,
      away: library.away,
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
      ...(signal === undefined ? {} : { signal }),
    })) {
      if (outcome.status === 'added') added++;
      else if (outcome.status === 'known') known++;
      else if (outcome.status === 'waiting') waiting++;
      else if (outcome.status === 'failed') failed.push({ path: outcome.source.file, ...describeError(outcome.error) });
      progress.step(failed.length > 0 ? `${failed.length} failed` : '');
    }
  } catch (error) {
    progress.stop();
    // A stop or a full disk: what was done until then, before the error says why.
    remark(options, describeSummary(counts()));
    throw error;
  } finally {
    progress.stop();
  }
  failed.sort((a, b) => (a.path < b.path ? -1 : 1));
  return counts();
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
