/** `blindsight serve`. @module */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { watchCredentials } from '../../adapters/credential-file.ts';
import { listen } from '../../adapters/node-listener.ts';
import { loadKernels } from '../../adapters/package-files.ts';
import { RetrievalError } from '../../base/errors.ts';
import { createHandler } from '../../server/http.ts';
import { createServer } from '../../server/server.ts';
import { openLmdbStore } from '../../stores/lmdb-store.ts';
import { stopSignal } from '../open.ts';
import { answer, type Common } from '../output.ts';
import { readError } from '../walk.ts';

interface Options extends Common {
  readonly port: number;
  readonly host: string;
  readonly credentials: string;
  readonly rate?: number;
  readonly maxMessage?: number;
}

/** Serves until a signal comes. Opens the server's half of a library alone: no key is read, no passphrase asked for. */
export async function serve(path: string, options: Options): Promise<void> {
  const signal = stopSignal();
  const credentials = watchCredentials(options.credentials);
  await credentials();
  const folder = await storeFolder(path);
  const server = createServer({ store: openLmdbStore(folder), kernels: await loadKernels() });
  try {
    const { rate, maxMessage } = options;
    const handler = createHandler(server, {
      credentials,
      log: (entry) => process.stderr.write(`${JSON.stringify(entry)}\n`),
      limits: {
        ...(rate === undefined ? {} : { rate, burst: 5 * rate }),
        ...(maxMessage === undefined ? {} : { messageBytes: maxMessage * 1024 * 1024 }),
      },
    });
    const { url, close } = await listen(handler, options);
    answer(options, { url, store: folder }, `Serving ${folder} on ${url}`);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await close();
  } finally {
    await server.close();
  }
}

/**
 * Where the store is: in a library's `server/`, or in the folder itself, which may be new.
 * @throws `library-not-found` for a folder with other things in it. {@link RetrievalError}
 */
async function storeFolder(path: string): Promise<string> {
  for (const folder of [join(path, 'server'), path]) if (existsSync(join(folder, 'data.mdb'))) return folder;
  const names = await readdir(path).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw readError(path, error);
  });
  if (names.length === 0) return path;
  throw new RetrievalError('library-not-found', `there is no store in ${path}, and it is not empty`);
}
