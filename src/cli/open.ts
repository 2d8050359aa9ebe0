/**
 * Opening a library the way every command does: with what the user gave to open it, and closing it whatever happens.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { libraryServer, openLibrary, type Library } from '../adapters/library.ts';
import { fromHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { KeyFileOpener } from '../crypto/key-file.ts';
import { connect, type ServerOptions } from './connect.ts';
import { readPassphrase } from './passphrase.ts';
import { readError } from './walk.ts';

/** Options of every command that opens a library. */
export interface OpenOptions extends ServerOptions {
  readonly passphraseFile?: string;
  readonly wordsFile?: string;
}

/** The passphrase, or the recovery words. */
export async function readOpener({ passphraseFile, wordsFile }: OpenOptions): Promise<KeyFileOpener> {
  if (wordsFile === undefined) return { passphrase: await readPassphrase(passphraseFile) };
  const words = await readFile(wordsFile, 'utf8').catch((error: unknown) => {
    throw readError(wordsFile, error);
  });
  return { words: words.trim() };
}

/** Opens a library, runs `use`, and closes the library. */
export async function withLibrary<T>(
  folder: string,
  options: OpenOptions & {
    readonly readOnly?: boolean;
    readonly accept?: boolean;
    readonly offline?: boolean;
    readonly opener?: KeyFileOpener;
    readonly workers?: number;
  },
  use: (library: Library) => Promise<T>,
): Promise<T> {
  const url = options.server ?? (await libraryServer(folder));
  const remote = url === undefined ? undefined : await connect(url, options);
  const library = await openLibrary(folder, {
    opener: options.opener ?? (await readOpener(options)),
    readOnly: options.readOnly ?? false,
    accept: options.accept ?? false,
    offline: options.offline ?? false,
    workers: options.workers ?? 0,
    ...(remote === undefined ? {} : { remote }),
  });
  try {
    return await use(library);
  } finally {
    await library.close();
  }
}

/**
 * Reads an id as commands print it.
 * @throws `unknown-id` when it is no id. {@link RetrievalError}
 */
export function parseId(text: string): Uint8Array {
  const id = fromHex(text);
  if (id?.length !== 16) throw new RetrievalError('unknown-id', `expected an id of 32 hexadecimal digits, got ${text}`);
  return id;
}

/** Fires at the first Ctrl-C or SIGTERM, so that the work in hand is finished; the second one ends the process. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    process.stderr.write('\nfinishing the work in hand; once more stops at once\n');
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}
