/** An edition answers as its store does, and nothing damaged is read. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { decodeEdition, makeEdition } from '../src/index/edition.ts';
import { RANKINGS, decodeResponse, encodeRequest, type Request } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { createEditionStore } from '../src/stores/edition-store.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { makeLibrary } from './small-library.ts';
import { bytes, kernels } from './support.ts';

const PREFILTER = { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 } as const;
const COUNT = 20;
const INT8 = { ranking: 'server', vectors: 'int8' } as const;

const test = suite('edition');

for (const { ranking, vectors } of [...RANKINGS.map((ranking) => ({ ranking, vectors: 'f32' as const })), INT8])
  test(`ranking ${ranking}, ${vectors}: every answer is the store's`, async () => {
    const store = createMemoryStore();
    const library = await makeLibrary(COUNT, 3, { ranking, prefilter: PREFILTER, noise: 1, split: 1, vectors }, store);
    const blobs = new Map<string, Uint8Array>();
    for (const { id, blobBytes } of await store.list(undefined, 100))
      blobs.set(toHex(id), (await store.blob(id, 0, blobBytes))!.bytes);
    const edition = createEditionStore({
      edition: await makeEdition(store),
      blob: async (id, offset, length) => blobs.get(toHex(id))?.subarray(offset, offset + length),
    });
    assert.equal(await edition.stats(), await store.stats());
    assert.equal(
      await edition.records(library.client.parameters, undefined, COUNT),
      await store.records(library.client.parameters, undefined, COUNT),
    );
    const [here, there] = [createServer({ store: edition, kernels }), createServer({ store, kernels })];
    const { parameters } = library.client;
    const ids = [...library.ids.slice(0, 5), bytes(16, 99)];
    const requests: Request[] = [
      { kind: 'info' },
      { kind: 'has', parameters, ids },
      { kind: 'records', parameters, ids },
      { kind: 'keys', ids },
      { kind: 'list', after: undefined, limit: 7 },
      { kind: 'list', after: library.ids[3]!, limit: 100 },
      { kind: 'list', after: bytes(16, 99), limit: 100 },
      { kind: 'blob', id: ids[0]!, offset: 10, length: 50 },
      { kind: 'blob', id: ids[0]!, offset: 10, length: 1e6 },
      { kind: 'blob', id: ids[5]!, offset: 0, length: 1 },
      { kind: 'heads', ids, length: 50 },
      { kind: 'verify', after: undefined, limit: 50 },
      { kind: 'sync', parameters, since: (await store.stats()).sequence, limit: 100 },
      { kind: 'candidates', parameters, tokens: undefined, after: library.ids[1]!, limit: 5 },
    ];
    for (const request of requests) {
      const [answer, wanted] = await Promise.all([here, there].map((server) => server.handle(encodeRequest(request))));
      assert.equal(decodeResponse(answer!), decodeResponse(wanted!), request.kind);
    }
    // The same client, over the edition: what it asks for is answered from the segment.
    const client = library.reopen();
    library.setMangle((request) => here.handle(request));
    for (const i of [0, 7, 19]) {
      const { matches } = await client.search(await client.query(library.files[i]!), { k: 3, scan: false });
      assert.is(matches[0]!.id, toHex(library.ids[i]!));
      assert.equal(await client.open(library.ids[i]!), library.files[i]!);
    }
    const error = await client.put([await client.prepare(bytes(90, 7), { name: 'new' })]).catch((e: unknown) => e);
    assert.is((error as RetrievalError).code, 'forbidden');
    client.close();
    await library.close();
  });

test('a missing or short image is told, and found by verify', async () => {
  const store = createMemoryStore();
  const library = await makeLibrary(3, 5, undefined, store);
  const edition = createEditionStore({ edition: await makeEdition(store), blob: () => Promise.resolve(undefined) });
  const error = await edition.blob(library.ids[0]!, 0, 10).catch((e: unknown) => e);
  assert.is((error as RetrievalError).code, 'corrupt-record');
  assert.is((await edition.verify(undefined, 10)).damaged.length, 3);
  await library.close();
});

test('truncations, flipped bits and junk are refused', async () => {
  const store = createMemoryStore();
  const library = await makeLibrary(4, 6, undefined, store);
  const whole = await makeEdition(store);
  const refused = (input: Uint8Array, what: string): void => {
    assert.throws(
      () => createEditionStore({ edition: input, blob: () => Promise.resolve(undefined) }),
      (error: unknown) => error instanceof RetrievalError,
      what,
    );
  };
  for (let end = 0; end < whole.length; end += end < 400 ? 1 : 97) refused(whole.subarray(0, end), `cut at ${end}`);
  fc.assert(
    fc.property(fc.nat(8 * whole.length - 1), (bit) => {
      const damaged = whole.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      refused(damaged, `bit ${bit}`);
    }),
  );
  for (let bit = 0; bit < 8 * 352; bit++) {
    const damaged = whole.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    refused(damaged, `head bit ${bit}`);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (junk) => refused(junk, 'junk')));
  // Where the bytes do not lie on a multiple of 8.
  const shifted = new Uint8Array(whole.length + 3);
  shifted.set(whole, 3);
  assert.is(decodeEdition(shifted.subarray(3)).count, 4);
  await library.close();
});

test.run();
