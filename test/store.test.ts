/** One suite over every store. */
import { mkdtempSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../src/base/random.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { toHex } from '../src/base/bytes.ts';
import type { Mutation, PutMutation, Store } from '../src/index/store.ts';
import { CHUNK_BYTES } from '../src/index/values.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { bytes, floats } from './support.ts';

const PARAMETERS = bytes(32, 1);
const OTHER = bytes(32, 2);
const DIMS = 6;
const BEGIN: Mutation = { kind: 'begin', parameters: PARAMETERS, ranking: 'server', vectorDims: DIMS, state: 'active' };
const BEGIN_RANKED = { kind: 'begin', parameters: PARAMETERS, vectorDims: 0, state: 'active' } as const;
const BEGIN_OTHER: Mutation = { kind: 'begin', parameters: OTHER, ranking: 'server', vectorDims: 4, state: 'pending' };

function put(seed: number, blobBytes: number | null = 100, parameters: Uint8Array = PARAMETERS): PutMutation {
  return {
    kind: 'put',
    parameters,
    id: bytes(16, seed),
    tokens: new BigUint64Array(bytes(24, seed).buffer),
    vector: floats(parameters === PARAMETERS ? DIMS : 4, seed),
    sealed: bytes(50, seed + 1),
    wrapped: blobBytes === null ? new Uint8Array(0) : bytes(72, seed + 2),
    blob: blobBytes === null ? undefined : bytes(blobBytes, seed + 3),
  };
}

function remove(seed: number): Mutation {
  return { kind: 'remove', id: bytes(16, seed) };
}

async function refused(run: () => Promise<unknown>, code: string): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof RetrievalError)) throw error;
    assert.is(error.code, code, error.message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

const engines: Record<string, { open(path: string): Store; durable: boolean }> = {
  memory: { open: () => createMemoryStore(), durable: false },
  lmdb: { open: (path) => openLmdbStore(path), durable: true },
};

for (const [name, { open, durable }] of Object.entries(engines)) {
  const test = suite(`Store: ${name}`);
  const folder = mkdtempSync(join(tmpdir(), 'store-'));
  let folders = 0;
  const fresh = (): { path: string; store: Store } => {
    const path = join(folder, String(folders++));
    return { path, store: open(path) };
  };
  const reopen = async (path: string, store: Store): Promise<Store> => {
    if (!durable) return store;
    await store.close();
    return open(path);
  };

  test('gives back what was put, after opening it again', async () => {
    const { path, store: first } = fresh();
    assert.is(await first.commit([BEGIN, put(10), put(11, 3 * CHUNK_BYTES + 5), put(12, 0)]), 4);
    const store = await reopen(path, first);
    const { id, tokens, vector, sealed, wrapped, blob } = put(11, 3 * CHUNK_BYTES + 5);
    assert.equal(await store.record(PARAMETERS, id), { tokens, vector, sealed });
    assert.equal(await store.blob(id, 0, 1e9), { total: blob!.length, wrapped, bytes: blob! });
    for (const [offset, length] of [
      [0, 0],
      [CHUNK_BYTES - 1, 2],
      [CHUNK_BYTES, CHUNK_BYTES],
      [blob!.length - 1, 10],
      [blob!.length + 1, 10],
    ] as const)
      assert.equal((await store.blob(id, offset, length))!.bytes, blob!.slice(offset, offset + length));
    assert.is((await store.blob(bytes(16, 12), 0, 10))!.total, 0);
    const stats = await store.stats();
    assert.is(stats.sequence, 4);
    assert.is(stats.images, 3);
    assert.is(stats.blobBytes, 100 + blob!.length);
    assert.equal(stats.generations, [
      {
        parameters: PARAMETERS,
        state: 'active',
        ranking: 'server',
        vectorDims: DIMS,
        vectors: 'f32',
        begun: 1,
        records: 3,
      },
    ]);
    await store.close();
  });

  test('lists in order of id, by pages', async () => {
    const { store } = fresh();
    const seeds = Array.from({ length: 25 }, (_, i) => 100 + i);
    await store.commit([BEGIN, ...seeds.map((seed) => put(seed))]);
    const expected = seeds.map((seed) => toHex(bytes(16, seed))).sort();
    const listed: string[] = [];
    const recorded: string[] = [];
    for (let after: Uint8Array | undefined; ;) {
      const page = await store.list(after, 7);
      if (page.length === 0) break;
      listed.push(...page.map(({ id }) => toHex(id)));
      after = page.at(-1)!.id;
    }
    for (let after: Uint8Array | undefined; ;) {
      const page = await store.records(PARAMETERS, after, 7);
      if (page.length === 0) break;
      recorded.push(...page.map(({ id }) => toHex(id)));
      after = page.at(-1)!.id;
    }
    assert.equal(listed, expected);
    assert.equal(recorded, expected);
    await store.close();
  });

  test('putting again replaces, and counts once', async () => {
    const { path, store: first } = fresh();
    await first.commit([BEGIN, put(20, 2 * CHUNK_BYTES)]);
    await first.commit([put(20, 2 * CHUNK_BYTES)]);
    await first.commit([{ ...put(20, 10), sealed: bytes(7, 9) }, put(21), put(21)]);
    const store = await reopen(path, first);
    const stats = await store.stats();
    assert.is(stats.images, 2);
    assert.is(stats.blobBytes, 110);
    assert.is(stats.generations[0]!.records, 2);
    assert.equal((await store.record(PARAMETERS, bytes(16, 20)))!.sealed, bytes(7, 9));
    assert.equal((await store.blob(bytes(16, 20), 0, 1e6))!.bytes, put(20, 10).blob);
    // The pieces of the longer file are gone.
    const page = await store.verify(undefined, 100);
    assert.equal(page, { images: 2, records: 2, damaged: [], orphanBlobs: [], orphanRecords: [], next: undefined });
    await store.close();
  });

  test('a record alone keeps the file and its key', async () => {
    const { store } = fresh();
    await store.commit([BEGIN, put(30)]);
    await store.commit([{ ...put(30, null), sealed: bytes(5, 5) }]);
    assert.equal((await store.blob(bytes(16, 30), 0, 1000))!.wrapped, put(30).wrapped);
    assert.equal((await store.blob(bytes(16, 30), 0, 1000))!.bytes, put(30).blob);
    await store.commit([{ ...put(30, null), wrapped: bytes(72, 77) }]);
    assert.equal((await store.blob(bytes(16, 30), 0, 1000))!.wrapped, bytes(72, 77));
    await refused(() => store.commit([put(31, null)]), 'unknown-id');
    await store.close();
  });

  test('each generation has a wrapped key of its own; another file ends the other record', async () => {
    const { path, store: first } = fresh();
    await first.commit([BEGIN, put(32), put(33), BEGIN_OTHER]);
    const [old, id] = [put(32).wrapped, bytes(16, 32)];
    await first.commit([{ ...put(32, null, OTHER), wrapped: bytes(72, 78) }, put(33, null, OTHER)]);
    const store = await reopen(path, first);
    assert.equal((await store.blob(id, 0, 9))!.wrapped, old, 'the active one serves');
    assert.equal(await store.wrappedKeys([id, bytes(16, 34)]), [old, undefined]);
    await store.commit([put(33, 50)]);
    assert.equal(
      (await store.stats()).generations.map(({ records }) => records),
      [2, 1],
    );
    assert.is(await store.record(OTHER, bytes(16, 33)), undefined);
    await refused(() => store.commit([{ kind: 'activate', parameters: OTHER }]), 'index-incomplete');
    await store.commit([put(33, null, OTHER), { kind: 'activate', parameters: OTHER }]);
    assert.equal(await store.wrappedKeys([id, bytes(16, 33)]), [bytes(72, 78), put(33).wrapped]);
    await store.close();
  });

  test('removes all of an image', async () => {
    const { path, store: first } = fresh();
    await first.commit([BEGIN, put(40, CHUNK_BYTES + 1), put(41)]);
    await first.commit([remove(40), remove(40), remove(99)]);
    const store = await reopen(path, first);
    assert.is(await store.record(PARAMETERS, bytes(16, 40)), undefined);
    assert.is(await store.blob(bytes(16, 40), 0, 1), undefined);
    assert.equal(await store.images([bytes(16, 40), bytes(16, 41)]), [
      undefined,
      { id: bytes(16, 41), blobBytes: 100, active: true, pending: false },
    ]);
    const stats = await store.stats();
    assert.is(stats.images, 1);
    assert.is(stats.blobBytes, 100);
    assert.is(stats.generations[0]!.records, 1);
    await store.close();
  });

  test('a commit is whole or has not happened', async () => {
    const { store } = fresh();
    await store.commit([BEGIN, put(50)]);
    const before = await store.stats();
    await refused(() => store.commit([put(51), remove(50), put(52, null)]), 'unknown-id');
    await refused(() => store.commit([put(51), put(52, 10, OTHER)]), 'parameter-mismatch');
    await refused(() => store.commit([put(51), { ...put(52), vector: floats(DIMS + 1, 1) }]), 'parameter-mismatch');
    assert.equal(await store.stats(), before);
    assert.equal((await store.list(undefined, 10)).length, 1);
    assert.equal((await store.verify(undefined, 10)).orphanRecords, []);
    await store.close();
  });

  test('keeps int8 vectors as they come, in a generation made for them', async () => {
    const { path, store: first } = fresh();
    await first.commit([{ ...BEGIN, vectors: 'int8' }]);
    await refused(() => first.commit([put(55)]), 'parameter-mismatch');
    const vector = new Int8Array(bytes(DIMS + 4, 55).buffer);
    await refused(() => first.commit([{ ...put(55), vector: vector.subarray(1) }]), 'parameter-mismatch');
    await first.commit([
      { ...put(55), vector },
      { ...put(56), vector: new Float32Array(0) },
    ]);
    const store = await reopen(path, first);
    assert.is((await store.stats()).generations[0]!.vectors, 'int8');
    assert.equal((await store.record(PARAMETERS, bytes(16, 55)))!.vector, vector);
    assert.is((await store.record(PARAMETERS, bytes(16, 56)))!.vector.length, 0);
    assert.equal((await store.verify(undefined, 10)).damaged, []);
    await store.close();
  });

  test('removes every piece of a file, few or many', async () => {
    const { store } = fresh();
    const pieces = [0, 1, 3, 4, 5, 9];
    await store.commit([BEGIN, ...pieces.map((count, i) => put(80 + i, count * CHUNK_BYTES))]);
    for (const [i] of pieces.entries()) {
      await store.commit([remove(80 + i)]);
      const { images, orphanRecords } = await store.verify(undefined, 10);
      assert.equal([images, orphanRecords], [pieces.length - 1 - i, []]);
    }
    await store.close();
  });

  test('tells what changed since', async () => {
    const { store } = fresh();
    await store.commit([BEGIN, put(60), put(61), put(62)]);
    await store.commit([put(60)]);
    await store.commit([remove(61)]);
    const changes = await store.changes(1, 100);
    assert.equal(
      changes!.map(({ sequence, id, kind }) => [sequence, toHex(id), kind]),
      [
        [4, toHex(bytes(16, 62)), 'put'],
        [5, toHex(bytes(16, 60)), 'put'],
        [6, toHex(bytes(16, 61)), 'remove'],
      ],
    );
    assert.equal((await store.changes(1, 2))!.length, 2);
    assert.equal(await store.changes(6, 2), []);
    await store.close();
  });

  test('builds a generation beside the one that serves', async () => {
    const { path, store: first } = fresh();
    await refused(() => first.commit([BEGIN_OTHER]), 'parameter-mismatch');
    await first.commit([BEGIN, put(70), put(71)]);
    await first.commit([BEGIN]);
    await refused(() => first.commit([{ ...BEGIN, vectorDims: 7 }]), 'parameter-mismatch');
    await refused(() => first.commit([{ ...BEGIN, vectors: 'int8' }]), 'parameter-mismatch');
    await refused(() => first.commit([{ ...BEGIN, parameters: OTHER }]), 'parameter-mismatch');
    await first.commit([BEGIN_OTHER]);
    await first.commit([put(70, null, OTHER)]);
    await refused(() => first.commit([{ kind: 'activate', parameters: OTHER }]), 'index-incomplete');
    const store = await reopen(path, first);
    assert.equal(
      (await store.list(undefined, 10)).map(({ active, pending }) => Number(active) + 2 * Number(pending)).sort(),
      [1, 3],
    );
    await store.commit([put(71, null, OTHER)]);
    await store.commit([{ kind: 'activate', parameters: OTHER }]);
    const stats = await store.stats();
    assert.equal(
      stats.generations.map(({ parameters, state, records }) => [toHex(parameters), state, records]),
      [[toHex(OTHER), 'active', 2]],
    );
    await refused(() => store.record(PARAMETERS, bytes(16, 70)), 'parameter-mismatch');
    assert.equal((await store.record(OTHER, bytes(16, 70)))!.vector, floats(4, 70));
    assert.equal(
      (await store.list(undefined, 10)).every(({ active, pending }) => active && !pending),
      true,
    );
    // The freed slot can be used again, and dropped.
    await store.commit([{ ...BEGIN, state: 'pending' }, put(70, null), { kind: 'discard', parameters: PARAMETERS }]);
    await refused(() => store.commit([{ kind: 'discard', parameters: OTHER }]), 'parameter-mismatch');
    assert.equal((await store.stats()).generations.length, 1);
    assert.equal(await store.verify(undefined, 10), {
      images: 2,
      records: 2,
      damaged: [],
      orphanBlobs: [],
      orphanRecords: [],
      next: undefined,
    });
    await store.close();
  });

  test('keeps of a record what the ranking of its generation has', async () => {
    const none = { tokens: new BigUint64Array(0), vector: new Float32Array(0) };
    for (const ranking of ['split', 'client'] as const) {
      const { path, store: first } = fresh();
      const begin: Mutation = { ...BEGIN_RANKED, ranking };
      await first.commit([begin, begin, { ...put(90), ...none }]);
      const store = await reopen(path, first);
      await refused(() => store.commit([put(91)]), 'parameter-mismatch');
      const tokens: PutMutation = { ...put(91), vector: none.vector };
      if (ranking === 'client') await refused(() => store.commit([tokens]), 'parameter-mismatch');
      else await store.commit([tokens]);
      await refused(() => store.commit([BEGIN]), 'parameter-mismatch');
      assert.is((await store.stats()).generations[0]!.ranking, ranking);
      await store.close();
    }
  });

  test('names images without a record in the active generation', async () => {
    const { store } = fresh();
    await store.commit([BEGIN, put(80), BEGIN_OTHER, put(81, 10, OTHER)]);
    assert.equal((await store.verify(undefined, 10)).orphanBlobs, [bytes(16, 81)]);
    const first = await store.verify(undefined, 1);
    assert.is(first.images, 1);
    const second = await store.verify(first.next, 2);
    assert.equal([second.images, second.next], [1, undefined]);
    await store.close();
  });

  test('equals a plain map under random mutations', async () => {
    const random = seededRandom(7);
    const { path, store: first } = fresh();
    let store = first;
    await store.commit([BEGIN]);
    const model = new Map<string, Uint8Array>();
    for (let step = 0; step < 60; step++) {
      const mutations: Mutation[] = [];
      for (let i = 0; i < 4; i++) {
        const seed = Math.floor(random() * 20);
        const size = Math.floor(random() ** 4 * 3 * CHUNK_BYTES);
        if (random() < 0.6) {
          mutations.push({ ...put(seed, 0), blob: new Uint8Array(size).fill(step) });
          model.set(toHex(bytes(16, seed)), new Uint8Array(size).fill(step));
        } else {
          mutations.push(remove(seed));
          model.delete(toHex(bytes(16, seed)));
        }
      }
      await store.commit(mutations);
      if (step % 20 === 19) store = await reopen(path, store);
    }
    const listed = await store.list(undefined, 100);
    assert.equal(
      listed.map(({ id }) => toHex(id)),
      [...model.keys()].sort(),
    );
    for (const { id } of listed) assert.equal((await store.blob(id, 0, 1e9))!.bytes, model.get(toHex(id)));
    const stats = await store.stats();
    assert.is(stats.images, model.size);
    assert.is(
      stats.blobBytes,
      [...model.values()].reduce((sum, blob) => sum + blob.length, 0),
    );
    const page = await store.verify(undefined, 100);
    assert.equal([page.images, page.damaged, page.orphanBlobs, page.orphanRecords], [model.size, [], [], []]);
    await store.close();
  });

  test('refuses everything once closed', async () => {
    const { store } = fresh();
    await store.close();
    await store.close();
    await refused(() => store.stats(), 'storage-failed');
    await refused(() => store.commit([BEGIN]), 'storage-failed');
  });

  if (durable)
    test('removed images give their space back', async () => {
      const { path, store } = fresh();
      await store.commit([BEGIN]);
      const sizes: number[] = [];
      for (let round = 0; round < 12; round++) {
        await store.commit(
          Array.from({ length: 8 }, (_, i) => ({ ...put(round * 8 + i, 0), blob: new Uint8Array(200_000) })),
        );
        await store.commit(Array.from({ length: 8 }, (_, i) => remove(round * 8 + i)));
        sizes.push((await stat(join(path, 'data.mdb'))).size);
      }
      assert.ok(sizes.at(-1)! <= 3 * 8 * 200_000, `grew to ${sizes.at(-1)} bytes`);
      assert.is(sizes.at(-1), sizes[5], 'still growing');
      await store.close();
    });

  test.after(() => rm(folder, { recursive: true }));

  test.run();
}
