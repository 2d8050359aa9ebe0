/**
 * What the table "Nonces, keys and additional data" of SECURITY.md says: no nonce comes twice over a life of a library, every sealing of a
 * file has an image key of its own, and nothing that is sealed opens in the place of something else.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat, toHex, utf8 } from '../src/base/bytes.ts';
import { reindex } from '../src/client/reindex.ts';
import { CodeCache, FRAME_BYTES } from '../src/client/code-cache.ts';
import { CodeRows } from '../src/client/code-rows.ts';
import { KEY_LABELS, LibraryKeys, rotateLibraryKey } from '../src/crypto/keys.ts';
import { openBytes, sealBytes, unwrapKey } from '../src/crypto/seal.ts';
import { Client } from '../src/client/client.ts';
import type { RootFile } from '../src/client/root-ledger.ts';
import { decodeRequest, type PutItem, type RootChange } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { describe } from './small-library.ts';
import { bytes, kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const SEED = 91;
const COUNT = 8;
const NONCE_BYTES = 24;
const LSH = { family: 'lsh', tables: 2, sampledBits: 4, probes: 4 } as const;
const INDEX = { ranking: 'client', prefilter: LSH, noise: 0, split: 1 } as const;

const test = suite(`sealed things (seed ${SEED})`);
const libraryKey = bytes(64, SEED);
const rotatedKey = rotateLibraryKey(libraryKey);
const server = createServer({ store: createMemoryStore(), kernels });
const files = Array.from({ length: COUNT }, (_, i) => bytes(300 + i, 1000 * SEED + i));
/** All that was put, in order. */
const items: PutItem[] = [];
const roots: RootChange[] = [];

function open(key: Uint8Array, root?: RootFile): Client {
  return new Client({
    ...{ kernels, libraryKey: key, vocabulary: smallVocabulary(), index: INDEX },
    async transport(message) {
      const request = decodeRequest(message);
      if (request.kind === 'put') items.push(...request.items);
      if ('root' in request && request.root !== undefined) roots.push(request.root);
      return server.handle(message);
    },
    extractor: () => Promise.resolve({ describe }),
    ...(root === undefined ? {} : { root }),
  });
}

const client = open(libraryKey);
test.before(async () => {
  await client.begin('active');
  const put = async (): Promise<void> =>
    client.put(await Promise.all(files.map((file, i) => client.prepare(file, { name: `${i}` }))));
  // Added, added once more, removed and added, and changed over to another key.
  await put();
  await put();
  await client.remove(await Promise.all(files.map((file) => client.identify(file))));
  await put();
  const next = open(rotatedKey);
  for await (const { status } of reindex(client, next)) assert.is(status, 'done');
  await next.remove([await next.identify(files[0]!)]);
  next.close();
});
test.after(async () => {
  client.close();
  await server.close();
});

test('no nonce comes twice: records, wrapped keys, library roots, cache frames', async () => {
  const sealed = items.flatMap((item) => [item.sealed, item.wrapped]).filter((one) => one.length > 0);
  assert.is(items.length, 4 * COUNT);
  assert.is(sealed.length, 8 * COUNT);
  sealed.push(...roots.map(({ next }) => next));
  let file = new Uint8Array(0);
  const keys = new LibraryKeys(libraryKey);
  const cache = new CodeCache(
    {
      read: async () => file,
      replace: async (next) => void (file = concat(file, next)),
      write: () => Promise.reject(new Error('replaced alone')),
    },
    () => keys.get('cache'),
    client.parameters,
  );
  // The same frames, written anew.
  const rows = new CodeRows(kernels, smallVocabulary().codeBytes);
  for (let i = 0; i < 3; i++) await cache.replace({ begun: 1, sequence: 1 }, rows);
  for (let at = 0; at < file.length; at += FRAME_BYTES) sealed.push(file.subarray(at, at + FRAME_BYTES));
  assert.is(sealed.length, 8 * COUNT + roots.length + 3);
  assert.is(new Set(sealed.map((one) => toHex(one.subarray(0, NONCE_BYTES)))).size, sealed.length);
});

test('every sealing of a file has a key of its own; a rotation wraps it anew, and keeps it', () => {
  const [keys, rotated] = [new LibraryKeys(libraryKey), new LibraryKeys(rotatedKey)];
  const sealed = items.filter(({ blob }) => blob !== undefined);
  assert.is(sealed.length, 3 * COUNT);
  const imageKey = ({ id, wrapped }: PutItem, by = keys): string => toHex(unwrapKey(by.get('wrap'), id, wrapped));
  const drawn = sealed.map((item) => imageKey(item));
  assert.is(new Set(drawn).size, sealed.length);
  // So chunk 0 of the same file under the same nonce never repeats.
  const chunks = sealed.map(({ blob }) => toHex(blob!.subarray(8, 40)));
  assert.is(new Set(chunks).size, sealed.length);
  for (const item of items.filter(({ blob }) => blob === undefined)) {
    assert.throws(() => imageKey(item));
    assert.ok(drawn.slice(2 * COUNT).includes(imageKey(item, rotated)));
  }
});

test('nothing that is sealed opens in the place of something else', () => {
  const keys = new LibraryKeys(libraryKey);
  const id = bytes(16, 1);
  const contexts = ['record', 'wrap', 'root', 'cache', 'recovery', 'passphrase'].flatMap((label) => [
    utf8(label),
    concat(utf8(label), id),
  ]);
  const plaintext = bytes(32, 2);
  for (const label of KEY_LABELS)
    for (const context of contexts) {
      const sealed = sealBytes(keys.get(label), context, plaintext);
      for (const other of KEY_LABELS)
        for (const place of contexts) {
          const opened = openBytes(keys.get(other), place, sealed) !== undefined;
          assert.is(opened, label === other && context === place, `${label} in the place of ${other}`);
        }
    }
});

test.run();
