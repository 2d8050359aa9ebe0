/** `blindsight serve`. @module */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { watchCredentials } from '../../adapters/credential-file.ts';
import { LibraryFiles } from '../../adapters/library-files.ts';
import { listen } from '../../adapters/node-listener.ts';
import { loadKernels, loadSharedKernels } from '../../adapters/package-files.ts';
import { pageFiles } from '../../adapters/page-files.ts';
import { ScanThreads } from '../../adapters/scan-threads.ts';
import { RetrievalError } from '../../base/errors.ts';
import type { Transport } from '../../client/transport.ts';
import { encodeFailure } from '../../protocol/messages.ts';
import { createCredential, type Credential } from '../../server/credentials.ts';
import { createHandler } from '../../server/http.ts';
import { createServer, type Server } from '../../server/server.ts';
import { openLmdbStore } from '../../stores/lmdb-store.ts';
import { LOOPBACK, connect } from '../connect.ts';
import { stopSignal } from '../open.ts';
import { answer, type Common } from '../output.ts';
import { readError } from '../walk.ts';
import { rankingThreadsOf } from '../workers.ts';

interface Options extends Common {
  readonly port: number;
  readonly host: string;
  readonly credentials?: string;
  readonly rate?: number;
  readonly maxMessage?: number;
  readonly ui?: boolean;
  readonly tokenFile?: string;
  readonly threads?: number;
}

/** Serves until a signal comes. Opens the server's half of a library alone: no passphrase is asked for. */
export async function serve(path: string, options: Options): Promise<void> {
  const signal = stopSignal();
  const library = options.ui === true && existsSync(join(path, 'library.json')) ? new LibraryFiles(path) : undefined;
  const { credentials, token } = await whoMayAsk(options, library);
  const files =
    options.ui === true
      ? await pageFiles(library === undefined ? {} : { client: join(library.folder, 'client') })
      : undefined;
  const { server, store } = await openServer(path, options, library);
  try {
    const { rate, maxMessage } = options;
    const handler = createHandler(server, {
      credentials,
      log: (entry) => process.stderr.write(`${JSON.stringify(entry)}\n`),
      limits: {
        ...(rate === undefined ? {} : { rate, burst: 5 * rate }),
        ...(maxMessage === undefined ? {} : { messageBytes: maxMessage * 1024 * 1024 }),
      },
      ...(files === undefined ? {} : { files }),
    });
    const { url, close } = await listen(handler, options);
    // What follows # is not sent to any server.
    const page = files === undefined ? undefined : `${url}/${token === undefined ? '' : `#${token}`}`;
    answer(
      options,
      { url, store, ...(page === undefined ? {} : { page }) },
      `Serving ${store} on ${url}${page === undefined ? '' : `\nOpen ${page}`}`,
    );
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await close();
  } finally {
    await server.close();
  }
}

/**
 * Who may ask: those of a file; or, for the page on one's own machine, one token that ends with the process.
 * @throws On a server for others that was given no credentials. {@link RangeError}
 */
async function whoMayAsk(
  { credentials: file, host, ui }: Options,
  library: LibraryFiles | undefined,
): Promise<{ readonly credentials: () => Promise<readonly Credential[]>; readonly token?: string }> {
  if (file !== undefined) {
    const credentials = watchCredentials(file);
    await credentials();
    return { credentials };
  }
  if (ui !== true || !LOOPBACK.test(host))
    throw new RangeError('"--credentials" expected a file: only --ui on this machine alone goes without');
  const { credential, token } = createCredential('local', (await library?.role()) ?? 'owner');
  return { credentials: () => Promise.resolve([credential]), token };
}

/** The server over a store that is here; or, for a library whose store is elsewhere, what passes messages on to there. */
async function openServer(
  path: string,
  options: Options,
  library: LibraryFiles | undefined,
): Promise<{ readonly server: Server; readonly store: string }> {
  const remote = await library?.server();
  if (remote !== undefined) return { server: passOn((await connect(remote, options)).transport), store: remote };
  await library?.check();
  const folder = await storeFolder(path);
  const threads = new ScanThreads(await loadSharedKernels(), rankingThreadsOf(options));
  const server = createServer({ store: openLmdbStore(folder), kernels: await loadKernels(), threads });
  const close = async (): Promise<void> => {
    await server.close();
    await threads.close();
  };
  return { server: { handle: (request) => server.handle(request), close }, store: folder };
}

/** A server that is somewhere else. */
function passOn(transport: Transport): Server {
  return {
    handle: (request) => transport(request).catch(encodeFailure),
    close: () => Promise.resolve(),
  };
}

/**
 * Where the store is: in a library's `server/`, or in the folder itself, which may be new.
 * @throws `library-not-found` for a folder with other things in it. {@link RetrievalError}
 */
export async function storeFolder(path: string): Promise<string> {
  for (const folder of [join(path, 'server'), path]) if (existsSync(join(folder, 'data.mdb'))) return folder;
  const names = await readdir(path).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw readError(path, error);
  });
  if (names.length === 0) return path;
  throw new RetrievalError('library-not-found', `there is no store in ${path}, and it is not empty`);
}
