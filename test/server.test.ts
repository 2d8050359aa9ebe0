/** The server over both stores, held against plain loops. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../src/base/bytes.ts';
import type { RetrievalError } from '../src/base/errors.ts';
import { seededRandom } from '../src/base/random.ts';
import type { Store } from '../src/index/store.ts';
import {
  decodeAnswer,
  decodeResponse,
  encodeRequest,
  type PutItem,
  type Request,
  type Response,
} from '../src/protocol/messages.ts';
import { createServer, type Server } from '../src/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { rank } from './reference/rank.ts';
import { bytes, floats, kernels } from './support.ts';

const DIMS = 37;
const PARAMETERS = bytes(32, 1);
const OTHER = bytes(32, 2);

async function ask<Kind extends Response['kind']>(
  server: Server,
  request: Request,
  kind: Kind,
): Promise<Extract<Response, { kind: Kind }>> {
  return decodeAnswer(await server.handle(encodeRequest(request)), kind);
}

async function refused(server: Server, request: Request, code: string): Promise<void> {
  const response = decodeResponse(await server.handle(encodeRequest(request)));
  assert.is(response.kind, 'error', `expected ${code}, got ${response.kind}`);
  if (response.kind === 'error') assert.is(response.code, code, response.message);
}

function begin(server: Server, parameters = PARAMETERS, state: 'active' | 'pending' = 'active', vectorDims = DIMS) {
  return ask(server, { kind: 'begin', parameters, ranking: 'server', vectorDims, state }, 'done');
}

type Image = PutItem & { readonly vector: Float32Array; readonly blob: Uint8Array };

function image(seed: number, dims = DIMS): Image {
  const random = seededRandom(seed);
  return {
    id: bytes(16, seed),
    tokens: BigUint64Array.from({ length: 4 }, () => BigInt(Math.floor(random() * 30)) << 40n),
    vector: floats(dims, seed),
    sealed: bytes(20, seed),
    wrapped: bytes(72, seed),
    blob: bytes(200, seed),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'server-'));
let folders = 0;
const stores: Record<string, () => Store> = {
  memory: () => createMemoryStore(),
  lmdb: () => openLmdbStore(join(folder, String(folders++))),
};

for (const [name, makeStore] of Object.entries(stores)) {
  const test = suite(`Server: ${name}`);
  const fresh = (): Server => createServer({ store: makeStore(), kernels });

  test('ranks as a plain loop does, through puts, replacements and removals', async () => {
    const server = fresh();
    await begin(server);
    const held = new Map<string, Image>();
    const random = seededRandom(3);
    for (let round = 0; round < 6; round++) {
      const items = Array.from({ length: 40 }, () => image(Math.floor(random() * 150)));
      // Some cannot be searched.
      if (round === 2) items[0] = { ...items[0]!, vector: new Float32Array(0) };
      await ask(server, { kind: 'put', parameters: PARAMETERS, items }, 'put');
      for (const item of items) held.set(toHex(item.id), item);
      const gone = [...held.values()].slice(0, 10).map(({ id }) => id);
      const answer = await ask(server, { kind: 'remove', ids: [...gone, gone[0]!, bytes(16, 9999)] }, 'remove');
      assert.is(answer.removed, gone.length);
      for (const id of gone) held.delete(toHex(id));

      const { tokens, vector } = image(1000 + round);
      for (const scan of [true, false])
        for (const k of [1, 10, 1000]) {
          const found = await ask(
            server,
            { kind: 'search', parameters: PARAMETERS, tokens, vector, k, scan },
            'search',
          );
          const expected = rank([...held.values()], scan ? undefined : tokens, vector, k);
          assert.is(found.candidates, expected.candidates);
          assert.is(found.records, held.size);
          assert.equal(found.ids.map(toHex), expected.ids, `k ${k}, scan ${scan}`);
          found.scores.forEach((score, i) => assert.ok(Math.abs(score - expected.scores[i]!) < 1e-4));
        }
    }
    await server.close();
  });

  test('an empty library, no candidate, and an image that cannot be searched', async () => {
    const server = fresh();
    const search = {
      kind: 'search',
      parameters: PARAMETERS,
      tokens: new BigUint64Array(1),
      vector: floats(DIMS, 1),
      k: 5,
    };
    await refused(server, { ...search, scan: true } as Request, 'parameter-mismatch');
    await begin(server);
    for (const scan of [true, false])
      assert.equal(await ask(server, { ...search, scan } as Request, 'search'), {
        kind: 'search',
        ids: [],
        scores: new Float32Array(0),
        candidates: 0,
        records: 0,
      });
    const items = [{ ...image(1), vector: new Float32Array(0) }];
    await ask(server, { kind: 'put', parameters: PARAMETERS, items }, 'put');
    const found = await ask(server, { ...search, tokens: items[0]!.tokens, scan: true } as Request, 'search');
    assert.equal([found.ids, found.candidates, found.records], [[], 0, 1]);
    await server.close();
  });

  test('gives records and files back', async () => {
    const server = fresh();
    await begin(server);
    const items = [image(1), image(2)];
    await ask(server, { kind: 'put', parameters: PARAMETERS, items }, 'put');
    const ids = [items[1]!.id, bytes(16, 77), items[0]!.id];
    assert.equal([...(await ask(server, { kind: 'has', parameters: PARAMETERS, ids }, 'has')).flags], [3, 0, 3]);
    const { records } = await ask(server, { kind: 'records', parameters: PARAMETERS, ids }, 'records');
    assert.equal(records, [
      { sealed: items[1]!.sealed, tokenCount: 4, vectorDims: DIMS },
      undefined,
      { sealed: items[0]!.sealed, tokenCount: 4, vectorDims: DIMS },
    ]);
    const blob = await ask(server, { kind: 'blob', id: ids[0]!, offset: 10, length: 20 }, 'blob');
    assert.equal([blob.total, blob.wrapped, blob.bytes], [200, items[1]!.wrapped, items[1]!.blob.slice(10, 30)]);
    const { heads } = await ask(server, { kind: 'heads', ids, length: 20 }, 'heads');
    assert.equal(heads, [
      { wrapped: items[1]!.wrapped, bytes: items[1]!.blob.slice(0, 20) },
      undefined,
      { wrapped: items[0]!.wrapped, bytes: items[0]!.blob.slice(0, 20) },
    ]);
    const whole = await ask(server, { kind: 'heads', ids: [ids[0]!, ids[0]!], length: 65536 }, 'heads');
    assert.equal(
      whole.heads.map((head) => head!.bytes),
      [items[1]!.blob, items[1]!.blob],
    );
    const { entries } = await ask(server, { kind: 'list', limit: 1 }, 'list');
    const rest = await ask(server, { kind: 'list', after: entries[0]!.id, limit: 10 }, 'list');
    assert.equal(
      [...entries, ...rest.entries].map(({ id }) => toHex(id)),
      items.map(({ id }) => toHex(id)).sort(),
    );
    const page = await ask(server, { kind: 'verify', limit: 10 }, 'verify');
    assert.equal([page.images, page.records, page.damaged.length, page.orphanBlobs.length], [2, 2, 0, 0]);
    const info = await ask(server, { kind: 'info' }, 'info');
    assert.equal([info.images, info.blobBytes, info.generations[0]!.records], [2, 400, 2]);
    await refused(server, { kind: 'blob', id: bytes(16, 77), offset: 0, length: 1 }, 'unknown-id');
    await server.close();
  });

  test('another vocabulary: the old index serves until the new one is whole', async () => {
    const server = fresh();
    await begin(server);
    await begin(server);
    const items = [1, 2, 3].map((seed) => image(seed));
    await ask(server, { kind: 'put', parameters: PARAMETERS, items }, 'put');
    const old = {
      kind: 'search',
      parameters: PARAMETERS,
      tokens: items[0]!.tokens,
      vector: items[0]!.vector,
      k: 3,
      scan: true,
    };
    const renewed = items.map((item, i) => ({ ...item, vector: floats(5, i), blob: undefined }));
    const other = { ...old, parameters: OTHER, vector: renewed[0]!.vector };
    await refused(server, { ...other } as Request, 'parameter-mismatch');
    await begin(server, OTHER, 'pending', 5);
    await ask(server, { kind: 'put', parameters: OTHER, items: renewed.slice(0, 2) }, 'put');
    assert.is((await ask(server, old as Request, 'search')).ids.length, 3);
    assert.equal(
      [...(await ask(server, { kind: 'has', parameters: OTHER, ids: items.map(({ id }) => id) }, 'has')).flags],
      [3, 3, 1],
    );
    await refused(server, { kind: 'activate', parameters: OTHER }, 'index-incomplete');
    await ask(server, { kind: 'put', parameters: OTHER, items: renewed.slice(2) }, 'put');
    await ask(server, { kind: 'activate', parameters: OTHER }, 'done');
    await refused(server, old as Request, 'parameter-mismatch');
    const found = await ask(server, other as Request, 'search');
    assert.equal(found.ids.map(toHex), rank(renewed, undefined, renewed[0]!.vector, 3).ids);
    await server.close();
  });

  test('a generation begun again starts empty', async () => {
    const server = fresh();
    await begin(server);
    const items = [image(1)];
    await ask(server, { kind: 'put', parameters: PARAMETERS, items }, 'put');
    await begin(server, OTHER, 'pending');
    await ask(server, { kind: 'put', parameters: OTHER, items }, 'put');
    const search = {
      kind: 'search',
      parameters: OTHER,
      tokens: items[0]!.tokens,
      vector: items[0]!.vector,
      k: 3,
      scan: true,
    } as const;
    assert.is((await ask(server, search, 'search')).ids.length, 1);
    await ask(server, { kind: 'discard', parameters: OTHER }, 'done');
    await begin(server, OTHER, 'pending');
    assert.is((await ask(server, search, 'search')).ids.length, 0);
    await server.close();
  });

  test('answers at the same time are those of one after another', async () => {
    const server = fresh();
    await begin(server);
    const batches = Array.from({ length: 10 }, (_, b) => Array.from({ length: 10 }, (_, i) => image(10 * b + i)));
    const { tokens, vector } = image(5000);
    const sizes = await Promise.all(
      batches.flatMap((items) => [
        server.handle(encodeRequest({ kind: 'put', parameters: PARAMETERS, items })).then(() => 0),
        ask(server, { kind: 'search', parameters: PARAMETERS, tokens, vector, k: 1000, scan: true }, 'search').then(
          ({ ids }) => ids.length,
        ),
      ]),
    );
    assert.equal(
      sizes.filter((_, i) => i % 2 === 1),
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    );
    await server.close();
  });

  test('refuses what it cannot do, and goes on', async () => {
    const server = fresh();
    await begin(server);
    const item = image(1);
    await refused(server, { kind: 'put', parameters: OTHER, items: [item] }, 'parameter-mismatch');
    await refused(server, { kind: 'put', parameters: PARAMETERS, items: [{ ...item, blob: undefined }] }, 'unknown-id');
    await refused(
      server,
      { kind: 'put', parameters: PARAMETERS, items: [{ ...item, vector: floats(3, 1) }] },
      'parameter-mismatch',
    );
    const { tokens } = item;
    await refused(
      server,
      { kind: 'search', parameters: PARAMETERS, tokens, vector: floats(3, 1), k: 1, scan: true },
      'parameter-mismatch',
    );
    await refused(server, { kind: 'has', parameters: OTHER, ids: [] }, 'parameter-mismatch');
    await refused(server, { kind: 'discard', parameters: PARAMETERS }, 'parameter-mismatch');
    assert.is((await ask(server, { kind: 'info' }, 'info')).images, 0);
    await server.close();
    await server.close();
    await refused(server, { kind: 'info' }, 'storage-failed');
  });

  test.run();
}

const junk = suite('Server: junk');

junk('is answered by an error', async () => {
  const server = createServer({ store: createMemoryStore(), kernels });
  const message = encodeRequest({ kind: 'put', parameters: PARAMETERS, items: [image(1)] });
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: message.length - 1 }), fc.uint8Array({ maxLength: 64 }), async (keep, tail) => {
      const response = decodeResponse(await server.handle(Uint8Array.from([...message.subarray(0, keep), ...tail])));
      assert.is(response.kind, 'error');
    }),
    { seed: 42, numRuns: 300 },
  );
  for (const bad of [undefined, null, 'info', 7, {}])
    assert.is(decodeResponse(await server.handle(bad as unknown as Uint8Array)).kind, 'error');
  await server.close();
});

junk('a failure inside is not described', async () => {
  const store = createMemoryStore();
  store.stats = async () => {
    throw new Error('/secret/path');
  };
  const server = createServer({ store, kernels });
  const answer = await server.handle(encodeRequest({ kind: 'info' }));
  assert.throws(
    () => decodeAnswer(answer, 'info'),
    (error: RetrievalError) => error.code === 'server-failed' && !error.message.includes('secret'),
  );
});

junk.after(() => rm(folder, { recursive: true }));
junk.run();
