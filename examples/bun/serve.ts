/**
 * A server under Bun: a store of ciphertext in a folder, no key anywhere.
 *
 *     blindsight credential add users.json anna > anna.token
 *     bun serve.ts STORE users.json
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
const listener = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  maxRequestBodySize: 288 * 1024 * 1024, // as createHandler's own limit
  idleTimeout: 120, // seconds
  fetch: (request) => handler.fetch(request),
});
console.log(`Listening on ${listener.url}`);
// What is in hand is finished, and what was acknowledged is on disk.
process.once('SIGTERM', async () => {
  await handler.drain();
  await listener.stop();
  await server.close();
});
