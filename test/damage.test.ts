/** One image of a store is damaged, in every table: searches go on without it and say so, and adding its file mends it. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openLibrary, type Library } from '../src/adapters/library.ts';
import { cacheFile } from '../src/adapters/cache-file.ts';
import { toHex } from '../src/base/bytes.ts';
import { addImages } from '../src/client/add-images.ts';
import { reindex } from '../src/client/reindex.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { TableStore } from '../src/index/table-store.ts';
import type { TableName } from '../src/index/tables.ts';
import { chunkKey } from '../src/index/values.ts';
import { RANKINGS } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { MemoryTables } from '../src/stores/memory-store.ts';
import { temporaryFolder } from './command.ts';
import { makeLibrary } from './small-library.ts';
import { kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const SEED = 31;
const COUNT = 9;
const LSH = { family: 'lsh', tables: 4, sampledBits: 6, probes: 64 } as const;

const test = suite(`damage (seed ${SEED})`);
const folder = await temporaryFolder();
test.after(() => folder.remove());

/** Flips a bit in the middle of a value. */
function flip(tables: MemoryTables, name: TableName, key: Uint8Array): void {
  const value = tables.table[name].get(key)!;
  value[value.length >> 1]! ^= 1;
  tables.table[name].put(key, value);
}

for (const ranking of RANKINGS)
  test(`${ranking}: a damaged record is left out of searches, which go on`, async () => {
    const tables = new MemoryTables();
    const store = new TableStore(tables);
    const library = await makeLibrary(COUNT, SEED, { ranking, prefilter: LSH, noise: 0, split: 1 }, store);
    const { client, ids, files } = library;
    const query = await client.query(files[1]!);
    assert.is((await client.search(query, { k: COUNT })).damaged, 0);
    flip(tables, 'records0', ids[0]!);
    const names = async (other = client): Promise<[string[], number]> => {
      const { matches, damaged } = await other.search(query, { k: COUNT });
      return [matches.map(({ name }) => name).sort(), damaged];
    };
    const rest = files.map((_, i) => `${i}.bin`).slice(1);
    // A copy that was brought before is better than what is stored now.
    assert.equal(await names(), ranking === 'client' ? [['0.bin', ...rest], 0] : [rest, 1], 'after the first search');
    // A server that starts now does not know the vector of a damaged record, and cannot name it.
    const fresh = library.reopen();
    assert.equal(await names(fresh), [rest, ranking === 'server' ? 0 : 1], 'a fresh server and client');
    assert.equal(
      (await verifyLibrary(client)).faults.map(({ id, code }) => [id, code]),
      [[toHex(ids[0]!), 'corrupt-record']],
    );
    await library.close();
  });

test('client: what is damaged is remembered in the copy on disk, and brought once it is mended', async () => {
  const tables = new MemoryTables();
  const library = await makeLibrary(
    COUNT,
    SEED,
    { ranking: 'client', prefilter: LSH, noise: 0, split: 1 },
    new TableStore(tables),
  );
  const { ids, files } = library;
  flip(tables, 'records0', ids[0]!);
  const asked: string[] = [];
  const cache = cacheFile(join(folder.path, 'cache'));
  for (const expected of [
    ['candidates', 'sync', 'records'],
    ['sync', 'records'],
  ]) {
    const client = library.reopen({ cache, asked });
    const { damaged, matches } = await client.search(await client.query(files[1]!), { k: COUNT - 1 });
    assert.equal([damaged, matches.length, asked.splice(0)], [1, COUNT - 1, expected]);
  }
  await library.client.put([await library.client.prepare(files[0]!, { name: '0.bin' })]);
  const client = library.reopen({ cache, asked });
  const { damaged, matches } = await client.search(await client.query(files[1]!), { k: COUNT });
  assert.equal([damaged, matches.length, asked], [0, COUNT, ['sync']]);
  await library.close();
});

test('adding the file of a damaged image stores it anew', async () => {
  const id = (ids: readonly Uint8Array[]): Uint8Array => ids[2]!;
  for (const [name, key] of [
    ['blobs', (ids: readonly Uint8Array[]) => chunkKey(id(ids), 0)],
    ['images', id],
    ['records0', id],
  ] as const)
    for (const how of ['flipped', 'missing'] as const) {
      const what = `${name} ${how}`;
      const tables = new MemoryTables();
      const { client, ids, files, close } = await makeLibrary(COUNT, SEED, undefined, new TableStore(tables));
      const before = await client.info();
      if (how === 'flipped') flip(tables, name, key(ids));
      else tables.table[name].remove(key(ids));
      assert.ok((await verifyLibrary(client)).faults.length > 0, what);
      const outcomes: string[] = [];
      const sources = files.map((file, i) => ({ name: `${i}.bin`, read: () => Promise.resolve(file) }));
      for await (const { source, status } of addImages(client, sources))
        if (status !== 'known') outcomes.push(`${source.name} ${status}`);
      assert.equal(outcomes, ['2.bin added'], what);
      if (name !== 'images' || how !== 'missing') {
        assert.equal((await verifyLibrary(client)).faults, [], what);
        const after = await client.info();
        assert.equal([after.images, after.generations[0]!.records], [before.images, before.generations[0]!.records]);
      }
      assert.equal(await client.open(id(ids)), files[2], what);
      await close();
    }
});

test('a reader that opens while a new index takes over reads its files once more', async () => {
  const path = join(folder.path, 'library');
  const opener = { passphrase: 'correct horse' };
  const vocabulary = encodeVocabulary(smallVocabulary());
  await createLibrary(path, opener.passphrase, { vocabulary, key: { cost: { memoryKib: 8, passes: 1, lanes: 1 } } });
  const server = createServer({ store: openLmdbStore(join(path, 'server')), kernels });
  const url = 'http://localhost';
  const openWriter = (): Promise<Library> =>
    openLibrary(path, { opener, remote: { url, transport: (request) => server.handle(request) } });
  for (const change of ['index', 'key'] as const) {
    const writer = await openWriter();
    let changed = false;
    const reader = await openLibrary(path, {
      opener,
      readOnly: true,
      remote: {
        url,
        async transport(request) {
          if (!changed) {
            changed = true;
            const next =
              change === 'index'
                ? await writer.next(writer.vocabulary, { ...writer.index, noise: 3 })
                : await writer.rotation(opener.passphrase);
            for await (const outcome of reindex(writer.client, next.client)) assert.is(outcome.status, 'done');
            await next.finish();
            await next.close();
          }
          return server.handle(request);
        },
      },
    });
    assert.is((await reader.client.info()).images, 0, change);
    await reader.close();
    await writer.close();
  }
  await server.close();
});

test.run();
