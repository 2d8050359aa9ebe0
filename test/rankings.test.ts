/** One suite over the three rankings: the same queries, the same answers; what the server sees; the client's copy on disk. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheFile } from '../src/adapters/cache-file.ts';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { seededRandom } from '../src/base/random.ts';
import { Client, type Match } from '../src/client/client.ts';
import { FRAME_BYTES, type CacheFile } from '../src/client/code-cache.ts';
import type { Extractor } from '../src/client/extractor.ts';
import { FEATURES, type Feature } from '../src/codes/block.ts';
import { makeReferences } from '../src/codes/curves.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import type { Vocabulary } from '../src/codes/vocabulary.ts';
import { createVocabulary } from '../src/codes/vocabulary-format.ts';
import type { IndexParameters, Prefilter } from '../src/client/index-parameters.ts';
import { reindex } from '../src/client/reindex.ts';
import { KEY_LABELS, LibraryKeys } from '../src/crypto/keys.ts';
import type { Store } from '../src/index/store.ts';
import {
  RANKINGS,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type Ranking,
  type Request,
  type Response,
} from '../src/protocol/messages.ts';
import { createServer, type Server } from '../src/server/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { temporaryFolder } from './command.ts';
import { describe } from './small-library.ts';
import { bytes, floats, kernels } from './support.ts';
import { smallContent, smallVocabulary } from './vocabulary-support.ts';

const SAMPLED_BITS = 6;
/** With as many probes as a table has buckets, or the vocabulary centroids, every image is a candidate. */
const ALL_PROBES = 2 ** SAMPLED_BITS;
const LSH: Prefilter = { family: 'lsh', tables: 4, sampledBits: SAMPLED_BITS, probes: 32 };
const CENTROIDS: Prefilter = { family: 'centroids', assigned: 2, probes: 3 };
const WITHOUT_NOISE = { prefilter: LSH, noise: 0, split: 1 };
const NO_EXTRACTOR = (): Promise<Extractor> => Promise.reject(new Error('an image was to be described'));

type Message = [request: Uint8Array, response: Uint8Array];

interface Peer {
  readonly client: Client;
  /** Every message so far. */
  readonly seen: Message[];
  /** May replace a response. */
  mangle?: ((response: Response, request: Request) => Response) | undefined;
}

interface PeerOptions {
  readonly seed?: number;
  readonly index?: Partial<IndexParameters>;
  readonly cache?: CacheFile;
  readonly vocabulary?: Vocabulary;
  readonly extractor?: () => Promise<Extractor>;
}

function connect(server: Server, ranking: Ranking, options: PeerOptions = {}): Peer {
  const seen: Message[] = [];
  const peer: Peer = {
    seen,
    client: new Client({
      kernels,
      libraryKey: bytes(64, options.seed ?? 1),
      vocabulary: options.vocabulary ?? smallVocabulary(),
      index: { ...WITHOUT_NOISE, ...options.index, ranking },
      async transport(request) {
        const response = await server.handle(request);
        const sent =
          peer.mangle === undefined
            ? response
            : encodeResponse(peer.mangle(decodeResponse(response), decodeRequest(request)));
        seen.push([request, sent]);
        return sent;
      },
      extractor: options.extractor ?? (() => Promise.resolve({ describe })),
      ...(options.cache === undefined ? {} : { cache: options.cache }),
    }),
  };
  return peer;
}

function file(i: number): Uint8Array {
  return bytes(100 + 7 * i, 5000 + i);
}

async function add(client: Client, numbers: readonly number[]): Promise<Uint8Array[]> {
  const items = await Promise.all(
    numbers.map((i) => client.prepare(file(i), { name: `photo ${i}.jpg`, path: `album/photo ${i}.jpg` })),
  );
  await client.put(items);
  return items.map(({ id }) => id);
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

async function fill(
  ranking: Ranking,
  count: number,
  prefilter = LSH,
): Promise<{ server: Server; store: Store; peer: Peer }> {
  const store = createMemoryStore();
  const server = createServer({ store, kernels });
  const peer = connect(server, ranking, { index: { prefilter } });
  await peer.client.begin('active');
  await add(peer.client, numbers(0, count));
  return { server, store, peer };
}

function short(matches: readonly Match[]): string[] {
  return matches.map(({ id, score, path }) => `${id} ${score.toFixed(6)} ${path}`);
}

/** What each of some queries is answered. */
async function answers(client: Client, queries: readonly number[], k: number): Promise<string[][]> {
  const found: string[][] = [];
  for (const i of queries)
    for (const options of [{ scan: true }, { probes: ALL_PROBES }])
      found.push(short((await client.search(await client.query(file(i)), { k, ...options })).matches));
  return found;
}

async function refused(work: () => Promise<unknown>, code: string): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RetrievalError)) throw error;
    assert.is(error.code, code, error.message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

function kinds(seen: readonly Message[]): string[] {
  return seen.map(([request]) => decodeRequest(request).kind);
}

function down(seen: readonly Message[]): number {
  return seen.reduce((sum, [, response]) => sum + response.length, 0);
}

/** Fits every library here. */
const queryOf = await (await fill('client', 0)).peer.client.query(file(1));

const test = suite('rankings');
const folder = await temporaryFolder();
let files = 0;
const newPath = (): string => join(folder.path, `file-${files++}`);
test.after(() => folder.remove());

/** A vocabulary of so many bits and references that evidence can be had. */
const LONG_BITS: Record<Feature, number> = { ehd: 64, bow: 128, deep: 128 };

/** Signs of the projections, each of the features with a share of its bits turned over: every so many, from the first on. */
function disturbed(of: Record<Feature, Float32Array>, every: Record<Feature, number>): Uint8Array {
  const parts = FEATURES.map((feature) => of[feature].map((value, j) => (j % every[feature] === 0 ? -value : value)));
  return packSigns(Float32Array.from(parts.flatMap((part) => [...part])));
}

test('a copy of the query comes before what scores higher, under every ranking alike', async () => {
  const content = smallContent(LONG_BITS);
  const references = makeReferences(packSigns(floats(64 * 320, 31)), content.blocks);
  const vocabulary = createVocabulary({ ...content, references });
  const orders: string[][] = [];
  for (const ranking of RANKINGS) {
    const server = createServer({ store: createMemoryStore(), kernels });
    const { client } = connect(server, ranking, { vocabulary });
    await client.begin('active');
    const ids = await add(client, numbers(0, 90));
    // Deep alone counts for the score: the copy agrees on two bits of three there, and wholly in all else.
    const query = { ...(await client.query(file(500))), weights: { ehd: 0, bow: 0, deep: 1 } };
    const codes = [
      disturbed(query.projections, { ehd: 99, bow: 200, deep: 3 }),
      disturbed(query.projections, { ehd: 2, bow: 2, deep: 6 }),
      // Far down the order, and so not opened by a search for few.
      ...numbers(2, 90).map((i) => packSigns(floats(320, 7000 + i))),
    ];
    const records = await client.records(ids);
    await client.put(records.map(([id, record], i) => client.prepareRecord(id, { ...record, code: codes[i]! })));
    const { matches, near } = await client.search(query, { k: 20, scan: true });
    const [first, second, ...rest] = matches;
    assert.equal([first!.id, second!.id], [toHex(ids[0]!), toHex(ids[1]!)]);
    assert.ok(first!.copy > 0 && second!.copy === 0);
    assert.ok(first!.score < second!.score, 'by score alone it would be the second');
    assert.ok(rest.every(({ copy }) => copy === 0));
    assert.ok(near);
    orders.push(short(matches));
    client.close();
    await server.close();
  }
  assert.is(orders[0]!.length, 20);
  for (const order of orders) assert.equal(order, orders[0]);
});

for (const prefilter of [LSH, CENTROIDS]) {
  test(`${prefilter.family}: the same queries give the same answers, through additions, replacements and removals`, async () => {
    const libraries = await Promise.all(RANKINGS.map((ranking) => fill(ranking, 60, prefilter)));
    const queries = [0, 17, 59, 300, 301];
    const compare = async (hint: string): Promise<string[][]> => {
      const [first, ...others] = await Promise.all(
        libraries.map(({ peer }) => Promise.all([1, 10, 500].map((k) => answers(peer.client, queries, k)))),
      );
      for (const [i, other] of others.entries()) assert.equal(other, first, `${hint}: ${RANKINGS[i + 1]}`);
      return first!.flat();
    };
    const before = await compare('at first');
    assert.is(before.at(-1)!.length, 60);
    const random = seededRandom(9);
    for (let round = 0; round < 4; round++) {
      const gone = numbers(0, 8).map(() => Math.floor(random() * 60));
      for (const { peer } of libraries) {
        await peer.client.remove(await Promise.all(gone.map((i) => peer.client.identify(file(i)))));
        await add(peer.client, [...numbers(60 + 3 * round, 63 + 3 * round), gone[0]!, 59]);
        // Kept without a code: never found.
        await peer.client.put([
          await peer.client.prepare(bytes(50, 9000 + round), { name: 'raw.heic' }, { undecodable: true }),
        ]);
      }
      const all = await compare(`round ${round}`);
      assert.ok(!all.flat().some((match) => match.includes('raw.heic')));
    }
    for (const { peer, server } of libraries) {
      peer.client.close();
      await server.close();
    }
  });

  test(`${prefilter.family}: with few probes, split ranks the candidates that the server would`, async () => {
    const [server, split] = [await fill('server', 50, prefilter), await fill('split', 50, prefilter)];
    for (const i of [3, 30, 400]) {
      // Asked for one match, a search does not fall back on ranking the whole library.
      const [one, other] = await Promise.all(
        [server, split].map(async ({ peer: { client } }) => {
          const query = await client.query(file(i));
          const { ids, candidates, records } = await client.rank(query, { k: 50, probes: 2 });
          const found = i === 400 ? [] : (await client.search(query, { k: 1, probes: 2 })).matches;
          return { found: short(found), ids: ids.map(toHex).sort(), candidates, records };
        }),
      );
      assert.equal(other, one);
      assert.ok(one!.candidates < 50);
      assert.is(one!.records, 50);
    }
  });
}

for (const ranking of RANKINGS)
  test(`${ranking}: an empty library, and one that holds nothing to be found`, async () => {
    const { peer } = await fill(ranking, 0);
    const query = await peer.client.query(file(1));
    assert.equal((await peer.client.search(query)).matches, []);
    await peer.client.put([await peer.client.prepare(file(2), { name: 'raw' }, { undecodable: true })]);
    for (const scan of [true, false]) {
      const { matches, candidates, records } = await peer.client.search(query, { scan });
      assert.equal([matches.length, candidates, records], [0, 0, 1]);
    }
  });

test('migration: from each ranking and family to each, without opening an image, and the answers stay', async () => {
  const { server, peer, store } = await fill('server', 40);
  const tokensOf = async (client: Client): Promise<bigint[]> => [
    ...(await store.record(client.parameters, await client.identify(file(5))))!.tokens,
  ];
  const raw = bytes(40, 77);
  await peer.client.put([await peer.client.prepare(raw, { name: 'raw.heic' }, { undecodable: true })]);
  const queries = [0, 20, 200];
  const expected = await answers(peer.client, queries, 10);
  let current = peer.client;
  for (const [ranking, prefilter, vectors] of [
    ['split', LSH],
    ['client', CENTROIDS],
    ['server', CENTROIDS],
    ['server', CENTROIDS, 'int8'],
    ['server', LSH],
    ['client', LSH, 'int8'],
    ['server', LSH, 'int8'],
    ['split', CENTROIDS, 'int8'],
    ['server', CENTROIDS],
  ] as const) {
    const next = connect(server, ranking, { extractor: NO_EXTRACTOR, index: { prefilter, vectors } });
    const before = await current.record(await current.identify(file(5)));
    for await (const { status } of reindex(current, next.client)) assert.is(status, 'done');
    await refused(() => current.search(queryOf), 'parameter-mismatch');
    assert.ok(!kinds(next.seen).includes('blob'));
    const { generations } = await next.client.info();
    assert.equal(
      generations.map((generation) => [generation.ranking, generation.vectors, generation.state, generation.records]),
      [[ranking, ranking === 'server' ? (vectors ?? 'f32') : 'f32', 'active', 41]],
    );
    current = connect(server, ranking, { index: { prefilter, vectors } }).client;
    assert.equal(await answers(current, queries, 10), expected, ranking);
    assert.equal(await current.record(await current.identify(file(5))), before, 'dates and names stay');
    assert.equal(await current.open(await current.identify(raw)), raw);
    // Made from the sealed record or from the picture: the same tokens.
    const moved = await tokensOf(current);
    assert.is(moved.length, ranking === 'client' ? 0 : prefilter.family === 'lsh' ? 4 : 2);
    await add(current, [5]);
    assert.equal(await tokensOf(current), moved);
  }
});

test('migration: stopped, the old index serves; begun again, it goes on', async () => {
  const { server, peer } = await fill('split', 400);
  const expected = await answers(peer.client, [1, 2], 5);
  const next = connect(server, 'client', { extractor: NO_EXTRACTOR });
  const stop = new AbortController();
  await refused(async () => {
    for await (const { status } of reindex(peer.client, next.client, stop.signal)) {
      assert.is(status, 'done');
      stop.abort();
    }
  }, 'cancelled');
  assert.equal(await answers(peer.client, [1, 2], 5), expected);
  // What comes meanwhile is changed over as well; what goes is gone.
  await add(peer.client, [800]);
  await peer.client.remove([await peer.client.identify(file(399))]);
  const counts = { done: 0, kept: 0, unindexed: 0, failed: 0 };
  for await (const { status } of reindex(peer.client, next.client)) counts[status]++;
  assert.ok(counts.kept >= 255 && counts.done < 150, JSON.stringify(counts));
  assert.is(counts.kept + counts.done, 400);
  assert.equal(await answers(connect(server, 'client').client, [1, 2], 5), expected);
});

test('migration: a record that cannot be opened is named, and the old index serves on', async () => {
  const { server, peer } = await fill('server', 10);
  const next = connect(server, 'client');
  const bad = toHex(await peer.client.identify(file(4)));
  peer.mangle = (response, request) => {
    if (response.kind !== 'records' || request.kind !== 'records') return response;
    const ids = request.ids.map(toHex);
    return {
      ...response,
      records: response.records.map((record, i) =>
        ids[i] === bad && record !== undefined ? { ...record, sealed: bytes(record.sealed.length, 3) } : record,
      ),
    };
  };
  const failed: string[] = [];
  await refused(async () => {
    for await (const outcome of reindex(peer.client, next.client))
      if (outcome.status === 'failed') failed.push(toHex(outcome.id));
  }, 'corrupt-record');
  assert.equal(failed, [bad]);
  peer.mangle = undefined;
  assert.is((await peer.client.search(await peer.client.query(file(1)), { k: 10, scan: true })).matches.length, 10);
});

test('the server refuses what a ranking does not give it', async () => {
  const item = { id: bytes(16, 1), sealed: bytes(9, 1), wrapped: bytes(72, 1), blob: bytes(5, 1) };
  const none = { tokens: new BigUint64Array(0), vector: new Float32Array(0) };
  for (const [ranking, given] of [
    ['split', { ...none, vector: new Float32Array(4) }],
    ['client', { ...none, vector: new Float32Array(4) }],
    ['client', { ...none, tokens: new BigUint64Array(2) }],
  ] as const) {
    const { server, peer } = await fill(ranking, 3);
    const { parameters } = peer.client;
    const refusedBy = async (request: Request): Promise<void> => {
      const response = decodeResponse(await server.handle(encodeRequest(request)));
      assert.is(response.kind === 'error' && response.code, 'parameter-mismatch', `${ranking}: ${request.kind}`);
    };
    await refusedBy({ kind: 'put', parameters, items: [{ ...item, ...given }] });
    await refusedBy({ kind: 'search', parameters, ...none, k: 1, scan: true });
    await refusedBy({ kind: 'begin', parameters, ranking: 'server', vectorDims: 5, state: 'active' });
    if (ranking === 'client')
      await refusedBy({ kind: 'candidates', parameters, tokens: new BigUint64Array(1), limit: 5 });
    assert.is((await peer.client.info()).images, 3);
  }
});

/** What happens in a library's life, under any ranking. */
async function live(peer: Peer, { seed, name }: { seed: number; name: string }): Promise<void> {
  const { client } = peer;
  await client.begin('active');
  const photos = numbers(0, 24).map((i) => bytes(1000 + i, 100 * seed + i));
  for (let at = 0; at < 24; at += 8)
    await client.put(
      await Promise.all(
        photos
          .slice(at, at + 8)
          .map((photo, i) => client.prepare(photo, { name: `${name}${i}.jpg`, path: `${name}/${i}` })),
      ),
    );
  await client.search(await client.query(photos[3]!), { k: 3, probes: ALL_PROBES });
  await client.search(await client.query(bytes(80, seed)), { k: 3, scan: true });
  const ids = await Promise.all(photos.slice(0, 3).map((photo) => client.identify(photo)));
  await client.remove(ids.slice(0, 1));
  await client.search(await client.queryStored(ids[1]!), { k: 3, probes: ALL_PROBES });
  await client.open(ids[2]!);
}

/** The same library under a key of its own: all that was said while it was changed over, and for one more search. */
async function rotate(server: Server, ranking: Ranking, peer: Peer, options: PeerOptions): Promise<Message[]> {
  const next = connect(server, ranking, { ...options, extractor: NO_EXTRACTOR });
  for await (const { status } of reindex(peer.client, next.client)) assert.is(status, 'done');
  await next.client.search(queryOf, { k: 3, scan: true });
  next.client.close();
  return next.seen;
}

for (const ranking of RANKINGS) {
  for (const prefilter of ranking === 'client' ? [LSH] : [LSH, CENTROIDS])
    test(`${ranking}, ${prefilter.family}: two libraries of one size have one shape on the wire`, async () => {
      const shapes: string[][] = [];
      for (const library of [
        { seed: 31, name: 'a' },
        { seed: 32, name: 'an entirely different and longer name' },
      ]) {
        const server = createServer({ store: createMemoryStore(), kernels });
        const index = { noise: 2, prefilter };
        const peer = connect(server, ranking, { seed: library.seed, index });
        await live(peer, library);
        const rotated = await rotate(server, ranking, peer, { seed: library.seed + 100, index });
        shapes.push(
          [...peer.seen, ...rotated].map(
            ([request, response]) =>
              `${decodeRequest(request).kind} ${request.length} ${decodeResponse(response).kind} ${response.length}`,
          ),
        );
      }
      assert.equal(shapes[0], shapes[1]);
    });

  test(`${ranking}: no name, path, file, code or key is in a message, in the store or in the copy`, async () => {
    const [path, copy] = [newPath(), newPath()];
    const store = openLmdbStore(path);
    const server = createServer({ store, kernels });
    const seeds = [41, 141] as const;
    const peer = connect(server, ranking, { seed: seeds[0], cache: cacheFile(copy) });
    await live(peer, { seed: 41, name: 'holiday' });
    const secret = bytes(1003, 4103);
    const record = await peer.client.record(await peer.client.identify(secret));
    const rotated = await rotate(server, ranking, peer, { seed: seeds[1] });
    peer.client.close();
    await server.close();
    const messages = [...peer.seen, ...rotated].flat();
    const places = [...messages, await readFile(join(path, 'data.mdb')), await readFile(copy).catch(() => bytes(0, 0))];
    assert.is(places.at(-1)!.length > 0, ranking === 'client');
    const needles: [string, Uint8Array][] = [
      ['name', Buffer.from('holiday')],
      ['path', Buffer.from(record.path!)],
      ['file', secret.subarray(100, 116)],
      ['code', record.code],
      ...seeds.flatMap((seed): [string, Uint8Array][] => {
        const libraryKey = bytes(64, seed);
        const keys = new LibraryKeys(libraryKey);
        return [
          ['library key', libraryKey.subarray(0, 8)],
          ...KEY_LABELS.map((label): [string, Uint8Array] => [label, keys.get(label).slice(0, 8)]),
        ];
      }),
    ];
    for (const [what, needle] of needles)
      for (const place of places)
        assert.is(Buffer.from(place.buffer, place.byteOffset, place.length).indexOf(needle), -1, what);
  });
}

test('what the server stores of an image is its sealed record alone, or with tokens, or with a vector too', async () => {
  for (const ranking of RANKINGS) {
    const { store, peer } = await fill(ranking, 1);
    const { tokens, vector, sealed } = (await store.record(
      peer.client.parameters,
      await peer.client.identify(file(0)),
    ))!;
    assert.equal([tokens.length > 0, vector.length > 0], [ranking !== 'client', ranking === 'server'], ranking);
    assert.is(sealed.length, 512 + 40);
  }
});

test('an int8 vector is a quarter of the bytes, on the wire and in the store', async () => {
  const { store, server } = await fill('server', 0);
  const sizes: number[] = [];
  for (const vectors of ['f32', 'int8'] as const) {
    const { client, seen } = connect(server, 'server', { index: { vectors } });
    await client.begin(vectors === 'f32' ? 'active' : 'pending');
    await add(client, [0]);
    const { vector } = (await store.record(client.parameters, await client.identify(file(0))))!;
    const { vectorDims } = (await client.info()).generations.find((generation) => generation.vectors === vectors)!;
    assert.is(vector.byteLength, vectors === 'f32' ? 4 * vectorDims : vectorDims + 4);
    const put = seen.find(([request]) => decodeRequest(request).kind === 'put')!;
    sizes.push(put[0].length - vector.byteLength);
  }
  // The first library root goes with the active generation only: an empty one before it, and its own bytes.
  assert.is(sizes[0]! - sizes[1]!, 4 + (4 + 137));
});

test('split and client ask for nothing but pages and the root in a search; client sends nothing of the query', async () => {
  const { peer: split } = await fill('split', 20);
  const { peer: client, server } = await fill('client', 20);
  for (const peer of [split, client]) {
    peer.seen.length = 0;
    await peer.client.search(await peer.client.query(file(1)));
  }
  assert.equal(kinds(split.seen).sort(), ['candidates', 'info'], 'info: the library root');
  assert.equal(kinds(client.seen), ['candidates', 'sync']);
  const requests: string[] = [];
  for (const i of [2, 3, 400]) {
    client.seen.length = 0;
    await client.client.search(await client.client.query(file(i)));
    requests.push(...client.seen.map(([request]) => toHex(request)));
    assert.is(down(client.seen), 4096 + 16, 'nothing has changed');
  }
  assert.is(new Set(requests).size, 1);
  await server.close();
});

test('copy on disk: only what has changed is brought, in frames of one size', async () => {
  const { server, peer } = await fill('client', 300);
  const path = newPath();
  const open = (): Peer => connect(server, 'client', { cache: cacheFile(path) });
  const first = open();
  const expected = await answers(first.client, [1, 301], 20);
  const size = (await stat(path)).size;
  assert.is(size % FRAME_BYTES, 0);
  assert.ok(down(first.seen) > 300 * 552);

  const second = open();
  assert.equal(await answers(second.client, [1, 301], 20), expected);
  assert.ok(!kinds(second.seen).includes('candidates'));
  assert.is(down(second.seen), 4 * (4096 + 16));

  await add(peer.client, [500, 501]);
  await peer.client.remove([await peer.client.identify(file(1))]);
  const fresh = await answers(connect(server, 'client').client, [1, 301], 20);
  assert.not.equal(fresh, expected);
  const third = open();
  assert.equal(await answers(third.client, [1, 301], 20), fresh);
  assert.ok(!kinds(third.seen).includes('candidates'));
  assert.is((await stat(path)).size, size + FRAME_BYTES);

  const fourth = open();
  assert.equal(await answers(fourth.client, [1, 301], 20), fresh);
  assert.is(down(fourth.seen), 4 * (4096 + 16));
});

test('copy on disk: torn, altered, of another key or generation, it is brought again', async () => {
  const { server, peer } = await fill('client', 600);
  const path = newPath();
  const open = (options: PeerOptions = {}): Peer => connect(server, 'client', { cache: cacheFile(path), ...options });
  const expected = await answers(open().client, [1], 20);
  await add(peer.client, [601]);
  await answers(open().client, [1], 20);
  await peer.client.remove([await peer.client.identify(file(601))]);
  assert.equal(await answers(open().client, [1], 20), expected);
  const whole = await readFile(path);
  const random = seededRandom(5);
  for (let round = 0; round < 12; round++) {
    const damaged = Buffer.from(whole);
    const at = Math.floor(random() * whole.length);
    if (round % 3 === 0) await writeFile(path, damaged.subarray(0, at));
    else if (round % 3 === 1) {
      damaged[at]! ^= 1 << (round & 7);
      await writeFile(path, damaged);
    } else {
      // Frames that change places, as two writers might leave them.
      const [a, b] = [0, 1].map(() => FRAME_BYTES * Math.floor((random() * whole.length) / FRAME_BYTES)) as [
        number,
        number,
      ];
      whole.copy(damaged, a, b, b + FRAME_BYTES);
      await writeFile(path, damaged);
    }
    assert.equal(await answers(open().client, [1], 20), expected, `round ${round}`);
    assert.equal(await answers(open().client, [1], 20), expected, `round ${round}, again`);
  }
  // Another key: its server knows nothing of these records.
  const other = createServer({ store: createMemoryStore(), kernels });
  const stranger = connect(other, 'client', { seed: 2, cache: cacheFile(path) });
  await stranger.client.begin('active');
  assert.equal(await answers(stranger.client, [1], 20), [[], []]);
  // Its copy has taken the place of ours.
  assert.equal(await answers(open().client, [1], 20), expected);
});

test('copy on disk: follows a server that was put back, begun again, or has forgotten its log', async () => {
  const { server, store, peer } = await fill('client', 30);
  const path = newPath();
  const open = (to: Server = server): Client => connect(to, 'client', { cache: cacheFile(path) }).client;
  const old = await answers(open(), [1, 7], 5);
  await add(peer.client, [40]);
  await answers(open(), [1], 5);
  // An older state of the server.
  const before = await fill('client', 30);
  assert.equal(await answers(open(before.server), [1, 7], 5), old);
  // The generation is another one under the same name.
  const split = connect(before.server, 'split');
  for await (const _ of reindex(before.peer.client, split.client));
  await split.client.remove([await split.client.identify(file(7))]);
  for await (const _ of reindex(split.client, connect(before.server, 'client').client));
  assert.equal(
    await answers(open(before.server), [1, 7], 5),
    await answers(connect(before.server, 'client').client, [1, 7], 5),
  );
  // The log does not reach back.
  await answers(open(), [1], 5);
  await peer.client.remove([await peer.client.identify(file(1))]);
  const { changes } = store;
  store.changes = async (since, limit) =>
    (await store.stats()).sequence > since ? undefined : changes.call(store, since, limit);
  assert.equal(await answers(open(), [1, 7], 5), await answers(connect(server, 'client').client, [1, 7], 5));
});

test('copy on disk: many changes leave it small, and a disk that cannot be written costs nothing', async () => {
  const { server, peer } = await fill('client', 10);
  const path = newPath();
  const { client } = connect(server, 'client', { cache: cacheFile(path) });
  for (let round = 0; round < 60; round++) {
    await add(peer.client, [round % 10]);
    await client.search(queryOf);
  }
  assert.ok((await stat(path)).size <= 20 * FRAME_BYTES);
  const full: CacheFile = {
    read: async () => new Uint8Array(0),
    replace: () => Promise.reject(new Error('full')),
    write: () => Promise.reject(new Error('full')),
  };
  const poor = connect(server, 'client', { cache: full }).client;
  assert.equal(await answers(poor, [1], 5), await answers(client, [1], 5));
  await add(peer.client, [3]);
  assert.equal(await answers(poor, [1], 5), await answers(client, [1], 5));
});

test('copy on disk: nothing is written once the client is closed', async () => {
  const { server } = await fill('client', 0);
  let writes = 0;
  const peer = connect(server, 'client', {
    cache: {
      async read() {
        peer.client.close();
        return new Uint8Array(0);
      },
      replace: async () => void writes++,
      write: async () => void writes++,
    },
  });
  await peer.client.search(queryOf).catch(() => undefined);
  assert.is(writes, 0);
});

for (const ranking of ['split', 'client'] as const)
  test(`${ranking}: a server that lies is refused`, async () => {
    const { server, peer } = await fill(ranking, 12);
    const search = async (client: Client): Promise<unknown> =>
      client.search(await client.query(file(1)), { scan: true });
    const lies: [string, (response: Response) => Response][] = [
      [
        'decrypt-failed',
        (response) =>
          response.kind === 'candidates'
            ? { ...response, entries: response.entries.map(({ id, sealed }) => ({ id, sealed: flip(sealed) })) }
            : response,
      ],
      [
        'decrypt-failed',
        (response) =>
          response.kind === 'candidates'
            ? {
                ...response,
                entries: response.entries.map(({ id }, i) => ({ id, sealed: response.entries.at(i - 1)!.sealed })),
              }
            : response,
      ],
      [
        'corrupt-message',
        (response) => (response.kind === 'candidates' ? { ...response, next: bytes(16, 1) } : response),
      ],
    ];
    for (const [code, lie] of lies) {
      const other = connect(server, ranking);
      other.mangle = lie;
      await refused(() => search(other.client), code);
    }
    if (ranking === 'split') return;
    const follower = connect(server, ranking);
    await search(follower.client);
    await add(peer.client, [20]);
    follower.mangle = (response) =>
      response.kind === 'sync' && response.changes !== undefined
        ? { ...response, changes: response.changes.map(({ id }) => ({ id, sealed: bytes(552, 1) })) }
        : response;
    // What was altered on the way is asked for again, in another way.
    const { matches, damaged } = await follower.client.search(queryOf, { k: 50 });
    assert.equal([matches.length, damaged], [13, 0]);
    follower.mangle = (response) => (response.kind === 'sync' ? { ...response, more: true, until: 1 } : response);
    await refused(() => search(follower.client), 'corrupt-message');
    follower.mangle = undefined;
    assert.is((await follower.client.search(queryOf, { k: 50 })).matches.length, 13);
  });

function flip(sealed: Uint8Array): Uint8Array {
  const altered = sealed.slice();
  altered[sealed.length >> 1]! ^= 1;
  return altered;
}

test.run();
