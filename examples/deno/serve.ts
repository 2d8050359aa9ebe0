/**
 * A server under Deno: a store of ciphertext in a folder, no key anywhere.
 *
 *     blindsight credential add users.json anna > anna.token
 *     deno run --allow-read --allow-write=STORE --allow-env --allow-sys --allow-ffi --allow-net=127.0.0.1 serve.ts STORE users.json
 *
 * Permissions: `net` for the port, `write` for the store alone, `ffi` for LMDB, which is native code; `read`, `env` and `sys` for
 * the packages, and for the store's lock. Once `--allow-ffi` is given, the others are no wall against that code.
 */
import process from 'node:process';
import { loadKernels, openLmdbStore, watchCredentials } from 'blindsight/node';
import { createHandler, createServer } from 'blindsight/server';

const [folder, users, port = '4870'] = process.argv.slice(2);
if (folder === undefined || users === undefined) throw new TypeError('usage: serve.ts STORE CREDENTIALS [PORT]');
const server = createServer({ store: openLmdbStore(folder), kernels: await loadKernels() });
const handler = createHandler(server, {
  credentials: watchCredentials(users),
  log: (entry) => console.error(JSON.stringify(entry)),
});
const listener = Deno.serve({ hostname: '127.0.0.1', port: Number(port) }, (request) => handler.fetch(request));
// What is in hand is finished, and what was acknowledged is on disk.
Deno.addSignalListener('SIGTERM', () => void handler.drain().then(() => listener.shutdown()));
await listener.finished;
await server.close();
