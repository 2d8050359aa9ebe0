/**
 * Images of a store are damaged, in every table: searches go on without them and say so, adding a file mends its image, and a repair
 * mends what follows from the rest.
 */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openLibrary, type Library } from '../src/adapters/library.ts';
import { cacheFile } from '../src/adapters/cache-file.ts';
import { toHex } from '../src/base/bytes.ts';
import { addImages } from '../src/client/add-images.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { reindex } from '../src/client/reindex.ts';
import { repairLibrary } from '../src/client/repair-library.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { TableStore } from '../src/index/table-store.ts';
import type { TableName } from '../src/index/tables.ts';
import { STATE_KEY, chunkKey, decodeImage, decodeState, encodeState, sequenceKey } from '../src/index/values.ts';
import { RANKINGS, type Ranking } from '../src/protocol/messages.ts';
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

test('beginnings of images: a damaged one is told, and the others come', async () => {
  const tables = new MemoryTables();
  const { client, ids, close } = await makeLibrary(4, SEED, undefined, new TableStore(tables));
  const whole = await client.sealedHeads(ids, 60);
  flip(tables, 'blobs', chunkKey(ids[1]!, 0));
  flip(tables, 'images', ids[2]!);
  const heads = await client.sealedHeads(ids, 60);
  assert.equal(
    heads.map((head) => (head instanceof RetrievalError ? head.code : head.bytes.length)),
    [60, 'corrupt-record', 'corrupt-record', 60],
  );
  assert.equal([heads[0], heads[3]], [whole[0], whole[3]]);
  await close();
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
      assert.equal((await verifyLibrary(client)).faults, [], what);
      const after = await client.info();
      assert.equal([after.images, after.generations[0]!.records], [before.images, before.generations[0]!.records]);
      assert.equal(await client.open(id(ids)), files[2], what);
      await close();
    }
});

type Damage = (tables: MemoryTables, id: Uint8Array) => void;

/** Flips a bit of a value, from its beginning or, below 0, from its end. */
const flipAt =
  (name: TableName, at: number, key = (id: Uint8Array): Uint8Array => id): Damage =>
  (tables, id) => {
    const value = tables.table[name].get(key(id))!;
    value[at < 0 ? value.length + at : at]! ^= 1;
    tables.table[name].put(key(id), value);
  };
const removeFrom =
  (name: TableName): Damage =>
  (tables, id) =>
    tables.table[name].remove(id);
const firstPiece = (id: Uint8Array): Uint8Array => chunkKey(id, 0);
const logEntryOf =
  (change: (tables: MemoryTables, key: Uint8Array) => void): Damage =>
  (tables, id) =>
    change(tables, sequenceKey(decodeImage(id, tables.table.images.get(id)!).log));

// In a row, the wrapped key of the generation that serves lies before an empty one (u32) of the other.
const LAST_OF_KEY = -5;
const MENDED: readonly (readonly [string, Damage, readonly string[], { nameLost?: boolean }?])[] = [
  ['checksum of a record', flipAt('records0', 0), ['index']],
  ['a token', flipAt('records0', 14), ['index']],
  ['a sealed record', flipAt('records0', -1), ['record'], { nameLost: true }],
  ['a missing record', removeFrom('records0'), ['record'], { nameLost: true }],
  ['number in the log, of a row', flipAt('images', 4), ['index', 'image']],
  ['checksum of a piece', flipAt('blobs', 0, firstPiece), ['index', 'image']],
  ['a log entry', logEntryOf((tables, key) => flipAt('log', -1, () => key)(tables, key)), []],
  ['a missing log entry', logEntryOf((tables, key) => tables.table.log.remove(key)), []],
];
const LOST: readonly (readonly [string, Damage])[] = [
  ['a wrapped key', flipAt('images', LAST_OF_KEY)],
  ['a sealed piece', flipAt('blobs', -1, firstPiece)],
  ['a missing piece', (tables, id) => tables.table.blobs.remove(firstPiece(id))],
];

async function damaged(damage: Damage, ranking: Ranking = 'server', images: readonly number[] = [2]) {
  const tables = new MemoryTables();
  const index = { ranking, prefilter: LSH, noise: 0, split: 1 };
  const library = await makeLibrary(COUNT, SEED, index, new TableStore(tables));
  for (const i of images) damage(tables, library.ids[i]!);
  return { ...library, tables };
}

for (const ranking of RANKINGS)
  test(`${ranking}: what follows from the rest is mended`, async () => {
    for (const [what, damage, made, { nameLost = false } = {}] of MENDED) {
      if (what === 'a token' && ranking === 'client') continue;
      const { ids, files, reopen, close } = await damaged(damage, ranking);
      const client = reopen();
      assert.is((await verifyLibrary(client)).faults.length, 1, what);
      const { faults, found, repaired, removed } = await repairLibrary(client);
      const id = toHex(ids[2]!);
      assert.equal([faults, found, removed], [[], 1, 0], what);
      assert.equal(repaired, made.length === 0 ? [] : [{ id, made, nameLost }], what);
      for (const [i, file] of files.entries()) assert.equal(await client.open(ids[i]!), file, what);
      const fresh = reopen();
      const { matches, damaged: left } = await fresh.search(await fresh.query(files[2]!), { k: COUNT, scan: true });
      assert.equal([matches.length, left, matches[0]!.id], [COUNT, 0, id], what);
      assert.is((await fresh.record(ids[2]!)).name, nameLost ? id : '2.bin', what);
      assert.equal((await repairLibrary(client)).found, 0, what);
      await close();
    }
  });

test('what is lost is named with its path, and stays; its record keeps the name', async () => {
  for (const [what, damage] of LOST) {
    const { client, ids, files, tables, close } = await damaged(damage);
    // Both halves of one image.
    flipAt('records0', 14)(tables, ids[2]!);
    const { faults, removed } = await repairLibrary(client);
    const [fault, ...others] = faults;
    assert.equal([fault!.id, fault!.code, others, removed], [toHex(ids[2]!), 'corrupt-record', [], 0], what);
    if (what !== 'a wrapped key') assert.is(fault!.path, '2.bin', what);
    assert.is((await client.info()).images, COUNT);
    for (const [i, file] of files.entries()) if (i !== 2) assert.equal(await client.open(ids[i]!), file, what);
    // Adding its file brings it back.
    await client.put([await client.prepare(files[2]!, { name: '2.bin' })]);
    assert.equal((await verifyLibrary(client)).faults, [], what);
    await close();
  }
});

test('pieces without an image are removed, counts are made to fit, and readers are told', async () => {
  const { client, ids, files, tables, reopen, close } = await damaged(removeFrom('images'));
  const query = await client.query(files[2]!);
  await client.search(query, { k: COUNT, scan: true });
  const { faults, repaired, removed, images } = await repairLibrary(client);
  assert.equal([repaired, removed, images], [[], 1, COUNT - 1]);
  // The library root knows of it: that it is lost has to be accepted.
  assert.equal(
    faults.map(({ id, code }) => [id, code]),
    [[toHex(ids[2]!), 'omitted']],
  );
  await client.acceptRoot();
  for (const reader of [client, reopen()])
    assert.is((await reader.search(query, { k: COUNT, scan: true })).matches.length, COUNT - 1);
  const state = decodeState(tables.table.meta.get(STATE_KEY)!);
  tables.table.meta.put(STATE_KEY, encodeState({ ...state, images: 70, blobBytes: 1 }));
  assert.is((await verifyLibrary(client)).faults[0]!.code, 'corrupt-index');
  assert.equal((await repairLibrary(client)).faults, []);
  // A removal that cannot be read: readers read everything anew, before and after it is forgotten.
  await client.remove([ids[3]!]);
  for (const key of tables.table.removed.keys(new Uint8Array(0), 9)) flipAt('removed', -1, () => key)(tables, key);
  assert.is((await client.search(query, { k: COUNT, scan: true })).matches.length, COUNT - 2);
  assert.is(await client.repairServer(), 0);
  assert.is(tables.table.removed.keys(new Uint8Array(0), 9).length, 0);
  assert.is((await client.search(query, { k: COUNT, scan: true })).matches.length, COUNT - 2);
  await close();
});

test('an image whose pieces were removed, and that is added again, is counted twice by the root, and after a repair once', async () => {
  const { client, ids, files, tables, reopen, close } = await damaged(removeFrom('images'));
  await repairLibrary(client);
  const lost = toHex(ids[2]!);
  await client.put([await client.prepare(files[2]!, { name: '2.bin' })]);
  const codes = async (other = client): Promise<string[][]> =>
    (await verifyLibrary(other)).faults.map(({ id, code }) => [id, code]);
  assert.equal(await codes(), [[lost, 'counted-twice']]);
  // Another damage beside it hides neither.
  flipAt('records0', 14)(tables, ids[5]!);
  const { found, faults, rootMended, repaired } = await repairLibrary(client);
  assert.equal([found, faults, rootMended, repaired.map(({ id }) => id)], [2, [], true, [toHex(ids[5]!)]]);
  assert.equal(await codes(reopen()), []);
  assert.is(await client.mendRoot(), false);
  assert.is(await client.remove([ids[2]!]), 1);
  assert.equal(await codes(), []);
  await close();
});

test('a repair that is stopped at any message loses nothing, and the next one finishes it', async () => {
  const damageAll: Damage = (tables, id) => MENDED[id[0]! % 2 === 0 ? 1 : 5]![1](tables, id);
  for (let stop = 0, done = false; !done; stop++) {
    const { client, ids, files, setMangle, close } = await damaged(damageAll, 'server', [1, 2, 3]);
    let messages = 0;
    setMangle((_, response) => {
      // The server has done it; the client is dead before it hears of it.
      if (messages++ === stop) throw new RetrievalError('server-unreachable', 'stopped');
      return response;
    });
    done = await repairLibrary(client).then(
      () => true,
      () => false,
    );
    setMangle(undefined);
    assert.equal((await repairLibrary(client)).faults, [], `message ${stop}`);
    for (const [i, file] of files.entries()) {
      assert.equal(await client.open(ids[i]!), file, `message ${stop}`);
      assert.is((await client.record(ids[i]!)).name, `${i}.bin`, `message ${stop}`);
    }
    await close();
  }
});

test('while an index is being built, a repair drops what is damaged of it, to be made again', async () => {
  const { client, ids, other, tables, close } = await damaged(() => undefined);
  const next = other({ ranking: 'client', prefilter: LSH, noise: 0, split: 1 });
  await next.begin('pending');
  await next.put([next.prepareRecord(ids[4]!, await client.record(ids[4]!))]);
  flipAt('records1', -1)(tables, ids[4]!);
  assert.equal((await repairLibrary(client)).faults, []);
  const counts = { done: 0, kept: 0, unindexed: 0, failed: 0 };
  for await (const { status } of reindex(client, next)) counts[status]++;
  assert.equal(counts, { done: COUNT, kept: 0, unindexed: 0, failed: 0 });
  assert.equal((await verifyLibrary(next)).faults, []);
  await close();
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
