/** The server over HTTP: by `fetch` alone, and on a real port of the loopback. */
import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer as createNodeServer, request as nodeRequest } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addCredential, readCredentials, revokeCredential, watchCredentials } from '../src/adapters/credential-file.ts';
import { listen, type Listener } from '../src/adapters/node-listener.ts';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { seededRandom } from '../src/base/random.ts';
import { addImages } from '../src/client/add-images.ts';
import { Client } from '../src/client/client.ts';
import { createHttpTransport, type HttpTransportOptions } from '../src/client/http-transport.ts';
import { ask, type Transport } from '../src/client/transport.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { MESSAGE_TYPE } from '../src/protocol/http-names.ts';
import { decodeResponse, encodeRequest, type Request as Message } from '../src/protocol/messages.ts';
import {
  createCredential,
  createHandler,
  createMemoryStore,
  createServer,
  formatCredentials,
  parseCredentials,
  type Credential,
  type Handler,
  type HandlerLimits,
  type LogEntry,
  type Server,
} from '../src/server.ts';
import { parseRange } from '../src/server/byte-range.ts';
import { TokenBuckets } from '../src/server/token-buckets.ts';
import { describe } from './small-library.ts';
import { bytes, kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const INDEX = {
  ranking: 'server',
  prefilter: { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 },
  noise: 1,
  split: 1,
} as const;
const SEED = 5;
const anna = createCredential('anna', 'owner');
const tablet = createCredential('tablet', 'viewer');

interface Setup {
  readonly server: Server;
  readonly handler: Handler;
  readonly log: LogEntry[];
  credentials: Credential[];
}

function setUp(
  limits: Partial<HandlerLimits> = {},
  server = createServer({ store: createMemoryStore(), kernels }),
): Setup {
  const log: LogEntry[] = [];
  const setup: Setup = {
    server,
    log,
    credentials: [anna.credential, tablet.credential],
    handler: createHandler(server, {
      credentials: () => setup.credentials,
      log: (entry) => log.push(entry),
      limits,
    }),
  };
  return setup;
}

const URL_BASE = 'http://test.invalid';

function post(handler: Handler, body: BodyInit | null, token = anna.token, headers: Record<string, string> = {}) {
  return handler.fetch(
    new Request(`${URL_BASE}/v0/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': MESSAGE_TYPE, ...headers },
      body,
      ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    } as RequestInit),
  );
}

function get(handler: Handler, path: string, headers: Record<string, string> = {}, method = 'GET') {
  return handler.fetch(
    new Request(URL_BASE + path, { method, headers: { authorization: `Bearer ${anna.token}`, ...headers } }),
  );
}

/** Status and code of an answer to a message. */
async function outcome(response: Response): Promise<[number, string]> {
  const decoded = decodeResponse(new Uint8Array(await response.arrayBuffer()));
  return [response.status, decoded.kind === 'error' ? decoded.code : decoded.kind];
}

function transportTo(handler: Handler, token = anna.token): Transport {
  return createHttpTransport(URL_BASE, {
    token,
    attempts: 1,
    fetch: (input, init) => handler.fetch(new Request(input, init)),
  });
}

function clientOver(transport: Transport, seed = SEED): Client {
  return new Client({
    kernels,
    libraryKey: bytes(64, seed),
    vocabulary: smallVocabulary(),
    index: INDEX,
    transport,
    extractor: () => Promise.resolve({ describe }),
  });
}

const FILES = Array.from({ length: 12 }, (_, i) => bytes(100 + 7 * i, 1000 * SEED + i));

/** Puts {@link FILES} into a library. */
async function fill(client: Client): Promise<Uint8Array[]> {
  await client.begin('active');
  const items = await Promise.all(FILES.map((file, i) => client.prepare(file, { name: `${i}.bin` })));
  await client.put(items);
  return items.map(({ id }) => id);
}

async function code(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error instanceof RetrievalError ? error.code : String(error)),
  );
}

const parts = suite('HTTP: parts');

parts('a range of bytes', () => {
  for (const [header, total, expected] of [
    [null, 10, 'whole'],
    ['bytes=0-3', 10, { from: 0, to: 4 }],
    ['bytes=3-', 10, { from: 3, to: 10 }],
    ['bytes=-3', 10, { from: 7, to: 10 }],
    ['bytes=-30', 10, { from: 0, to: 10 }],
    ['bytes=9-99', 10, { from: 9, to: 10 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=5-4', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=0-1,3-4', 10, 'whole'],
    ['lines=0-1', 10, 'whole'],
    ['bytes=99999999999999999999-', 10, 'whole'],
  ] as const)
    assert.equal(parseRange(header, total), expected, `${header}`);
});

parts('a bucket gives what it holds, then what comes in', () => {
  const buckets = new TokenBuckets(2, 3);
  assert.equal(
    [0, 0, 0, 0].map((now) => buckets.take('a', now)),
    [0, 0, 0, 0.5],
  );
  assert.is(buckets.take('b', 0), 0);
  assert.is(buckets.take('a', 250), 0.25);
  assert.is(buckets.take('a', 500), 0);
  assert.is(buckets.take('a', 500), 0.5);
  assert.equal(
    [1e6, 1e6, 1e6, 1e6].map((now) => buckets.take('a', now) > 0),
    [false, false, false, true],
  );
});

parts('a credentials file comes back as it was, and holds no token', () => {
  const list = [anna.credential, tablet.credential];
  const text = formatCredentials(list);
  assert.equal(parseCredentials(text), list);
  assert.not.ok(text.includes(anna.token.slice(4)));
  for (const bad of [
    '',
    '{}',
    'null',
    '[]',
    text.slice(0, -10),
    text.replace('anna', 'tablet'),
    text.replace('owner', 'god'),
    text.replace('"sha256": "', '"sha256": "00'),
    text.replace('anna', '../anna'),
    JSON.stringify({ format: 'blindsight-credentials', version: 0, credentials: [null] }),
  ])
    assert.throws(
      () => parseCredentials(bad),
      (error: RetrievalError) => error.code === 'corrupt-credentials',
      bad,
    );
  for (const name of ['', 'a b', '../x', 'x'.repeat(64)])
    assert.throws(() => createCredential(name, 'owner'), /"name" expected/);
});

parts.run();

const test = suite(`HTTP (seed ${SEED})`);

test('a whole library over HTTP: the same answers as without', async () => {
  const { handler, server } = setUp();
  const near = clientOver((request) => server.handle(request));
  const far = clientOver(transportTo(handler));
  const ids = await fill(far);
  for (const [i, id] of ids.entries()) assert.equal(await far.open(id), FILES[i]);
  const query = await near.query(FILES[3]!);
  assert.equal(
    (await far.search(query, { k: 5, scan: true })).matches,
    (await near.search(query, { k: 5, scan: true })).matches,
  );
  assert.equal((await verifyLibrary(far)).faults, []);
  assert.is(await far.remove([ids[0]!]), 1);
  assert.is(await code(far.open(ids[0]!)), 'unknown-id');
});

test('who has no credential learns nothing and stores nothing', async () => {
  const { handler, server } = setUp();
  const info = encodeRequest({ kind: 'info' });
  const stranger = createCredential('stranger', 'owner').token;
  for (const authorization of [
    '',
    'Bearer',
    `Bearer ${stranger}`,
    `Basic ${anna.token}`,
    `Bearer ${'x'.repeat(9999)}`,
  ]) {
    const response = await post(handler, info, '', { authorization });
    assert.is(response.headers.get('www-authenticate'), 'Bearer realm="blindsight"');
    assert.equal(await outcome(response), [401, 'unauthorized'], authorization);
    assert.is((await get(handler, `/v0/blobs/${'0'.repeat(32)}`, { authorization })).status, 401);
  }
  assert.equal(await outcome(await post(handler, info, '', { authorization: `bearer  ${anna.token}` })), [200, 'info']);
  assert.is(await code(clientOver(transportTo(handler, stranger)).begin('active')), 'unauthorized');
  const { generations } = await ask((request) => server.handle(request), { kind: 'info' }, 'info');
  assert.equal(generations, []);
});

test('a viewer looks, and changes nothing', async () => {
  const { handler } = setUp();
  const ids = await fill(clientOver(transportTo(handler)));
  const viewer = clientOver(transportTo(handler, tablet.token));
  assert.equal(await viewer.open(ids[1]!), FILES[1]);
  assert.equal((await viewer.sealedHeads([ids[1]!], 8)).length, 1);
  assert.is((await viewer.search(await viewer.query(FILES[2]!), { k: 3, scan: true })).matches[0]!.name, '2.bin');
  assert.equal([...(await viewer.has([ids[0]!]))], [3]);
  assert.is((await viewer.info()).images, FILES.length);
  const item = await viewer.prepare(FILES[0]!, { name: 'x' });
  for (const work of [
    () => viewer.begin('active'),
    () => ask(transportTo(handler, tablet.token), { kind: 'activate', parameters: viewer.parameters }, 'done'),
    () => viewer.discard(),
    () => viewer.remove([ids[0]!]),
    () => viewer.put([item]),
    () => viewer.verifyServer().next(),
    () => viewer.repairServer(),
    () => viewer.salvage(ids[0]!),
  ])
    assert.is(await code(work()), 'forbidden');
  assert.is((await viewer.info()).images, FILES.length);
});

test('a revoked credential is refused at once, even with its body half sent', async () => {
  const setup = setUp();
  const client = clientOver(transportTo(setup.handler));
  await client.begin('active');
  const message = encodeRequest({
    kind: 'put',
    parameters: client.parameters,
    items: [await client.prepare(FILES[0]!, { name: 'x' })],
  });
  let go = (): void => undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(message.subarray(0, 40));
      go = () => {
        controller.enqueue(message.subarray(40));
        controller.close();
      };
    },
  });
  const answer = post(setup.handler, body);
  await new Promise((resolve) => setTimeout(resolve, 20));
  setup.credentials = [tablet.credential];
  go();
  assert.equal(await outcome(await answer), [401, 'unauthorized']);
  assert.is(await code(client.info()), 'unauthorized');
  assert.is((await clientOver(transportTo(setup.handler, tablet.token)).info()).images, 0);
});

test('a credentials file is read again when it changes; while it is damaged nobody gets in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-http-'));
  const file = join(folder, 'users.json');
  const credentials = watchCredentials(file);
  assert.is(await code(credentials()), 'not-found');
  const token = await addCredential(file, 'anna', 'owner');
  const { handler } = (() => {
    const server = createServer({ store: createMemoryStore(), kernels });
    return { handler: createHandler(server, { credentials }) };
  })();
  const status = async (): Promise<number> => (await post(handler, encodeRequest({ kind: 'info' }), token)).status;
  assert.is(await status(), 200);
  await addCredential(file, 'bert', 'viewer');
  assert.is(await status(), 200);
  await revokeCredential(file, 'anna');
  assert.is(await status(), 401);
  assert.equal(
    (await readCredentials(file)).map(({ name, role }) => [name, role]),
    [['bert', 'viewer']],
  );
  assert.is(await code(revokeCredential(file, 'anna')), 'not-found');
  await writeFile(file, 'nonsense');
  assert.is(await status(), 500);
  await rm(folder, { recursive: true });
  assert.is(await status(), 500);
});

test('coded errors have their statuses', async () => {
  const { handler } = setUp();
  const client = clientOver(transportTo(handler));
  const ids = await fill(client);
  const other = bytes(32, 99);
  const cases: [Message, [number, string]][] = [
    [{ kind: 'blob', id: bytes(16, 9), offset: 0, length: 1 }, [404, 'unknown-id']],
    [{ kind: 'has', parameters: other, ids }, [409, 'parameter-mismatch']],
    [
      { kind: 'begin', parameters: other, ranking: 'server', vectorDims: 9, state: 'active' },
      [409, 'parameter-mismatch'],
    ],
  ];
  for (const [request, expected] of cases)
    assert.equal(await outcome(await post(handler, encodeRequest(request))), expected);
  for (const [path, method, status] of [
    ['/v0/messages', 'GET', 405],
    ['/v0/messages', 'DELETE', 405],
    [`/v0/blobs/${toHex(ids[0]!)}`, 'PUT', 405],
    ['/healthz', 'POST', 405],
    ['/v1/messages', 'POST', 404],
    ['/', 'GET', 404],
    ['/v0/blobs/', 'GET', 404],
    ['/v0/blobs/..%2f..%2fetc%2fpasswd', 'GET', 404],
    ['/v0/blobs/../../etc/passwd', 'GET', 404],
    ['/v0/blobs/%00', 'GET', 404],
    ['/v0/blobs/%zz', 'GET', 404],
    [`/v0/blobs/${'0'.repeat(32)}`, 'GET', 404],
    [`/v0/blobs/${'0'.repeat(31)}`, 'GET', 404],
  ] as const) {
    const response = await get(handler, path, {}, method);
    assert.is(response.status, status, `${method} ${path}`);
    if (status === 405) assert.ok(response.headers.get('allow'));
    assert.type(((await response.json()) as { error: { code: string } }).error.code, 'string');
  }
  const wrongType = await post(handler, encodeRequest({ kind: 'info' }), anna.token, { 'content-type': 'text/plain' });
  assert.is(wrongType.status, 415);
  const packed = await post(handler, encodeRequest({ kind: 'info' }), anna.token, { 'content-encoding': 'gzip' });
  assert.is(packed.status, 415);
});

test('a failure inside is told by its status alone', async () => {
  const store = createMemoryStore();
  store.stats = () => Promise.reject(new Error('/secret/path'));
  const { handler, log } = setUp({}, createServer({ store, kernels }));
  assert.equal(await outcome(await post(handler, encodeRequest({ kind: 'info' }))), [500, 'server-failed']);
  assert.is((await get(handler, '/readyz')).status, 503);
  assert.is((await get(handler, '/healthz')).status, 200);
  assert.not.ok(JSON.stringify(log).includes('secret'));
});

test('junk and truncated messages are refused, and nothing is stored', async () => {
  const { handler } = setUp();
  const client = clientOver(transportTo(handler));
  await client.begin('active');
  const message = encodeRequest({
    kind: 'put',
    parameters: client.parameters,
    items: [await client.prepare(FILES[0]!, { name: 'x' })],
  });
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: message.length - 1 }), fc.uint8Array({ maxLength: 64 }), async (keep, tail) => {
      const junk = Uint8Array.from([...message.subarray(0, keep), ...tail]);
      const [status, told] = await outcome(await post(handler, junk));
      assert.ok(status === 400 && ['corrupt-message', 'unsupported-version'].includes(told), `${status} ${told}`);
    }),
    { seed: 42, numRuns: 100 },
  );
  assert.equal(await outcome(await post(handler, null)), [400, 'corrupt-message']);
  const info = await client.info();
  assert.equal([info.images, info.sequence], [0, 1]);
});

test('the same message again changes nothing more', async () => {
  const { handler } = setUp();
  const client = clientOver(transportTo(handler));
  await client.begin('active');
  const items = [await client.prepare(FILES[0]!, { name: 'x' })];
  const message = encodeRequest({ kind: 'put', parameters: client.parameters, items });
  for (let round = 0; round < 3; round++) assert.equal(await outcome(await post(handler, message)), [200, 'put']);
  const { images, blobBytes } = await client.info();
  assert.equal([images, blobBytes], [1, items[0]!.blob!.length]);
  const drop = encodeRequest({ kind: 'remove', ids: [items[0]!.id] });
  for (let round = 0; round < 2; round++) assert.equal(await outcome(await post(handler, drop)), [200, 'remove']);
  assert.is((await client.info()).images, 0);
});

test('too large a message is refused before it is read, and while it is', async () => {
  const { handler, log } = setUp({ messageBytes: 1000, viewerBytes: 100, heldBytes: 1500 });
  let pulled = 0;
  const endless = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(300));
      },
    });
  const declared = await post(handler, endless(), anna.token, { 'content-length': '1001' });
  assert.equal(await outcome(declared), [413, 'message-too-large']);
  assert.is(declared.headers.get('connection'), 'close');
  assert.ok(pulled <= 1);
  assert.is(log.at(-1)!.received, 0);
  assert.equal(await outcome(await post(handler, endless())), [413, 'message-too-large']);
  assert.ok(pulled < 10);
  assert.equal(await outcome(await post(handler, new Uint8Array(101), tablet.token)), [413, 'message-too-large']);
  assert.equal(await outcome(await post(handler, endless(), anna.token, { 'content-length': 'x' })), [
    413,
    'message-too-large',
  ]);
  // Two at a time are more than may be held: one of them is told to come again.
  const hold = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array(900));
        await new Promise((resolve) => setTimeout(resolve, 50));
        controller.close();
      },
    });
  const both = await Promise.all([post(handler, hold()), post(handler, hold())]);
  assert.equal(both.map(({ status }) => status).sort(), [400, 503]);
  assert.ok(both.find(({ status }) => status === 503)!.headers.get('retry-after'));
  assert.equal(await outcome(await post(handler, encodeRequest({ kind: 'info' }))), [200, 'info']);
});

test('a body that stalls or drips is given up', async () => {
  const { handler } = setUp({ idleMs: 60, bytesPerSecond: 10_000 });
  const start = performance.now();
  const stalled = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
  assert.equal(await outcome(await post(handler, stalled)), [408, 'timed-out']);
  const drip = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      controller.enqueue(new Uint8Array(1));
    },
  });
  assert.equal(await outcome(await post(handler, drip)), [408, 'timed-out']);
  assert.ok(performance.now() - start < 2000);
});

test('an answer that takes too long is given up; the next ones are answered', async () => {
  const store = createMemoryStore();
  const { stats } = store;
  let slow = true;
  store.stats = async () => {
    if (slow) await new Promise((resolve) => setTimeout(resolve, 150));
    return stats.call(store);
  };
  const { handler } = setUp({ answerMs: 40, messages: 1 }, createServer({ store, kernels }));
  const info = encodeRequest({ kind: 'info' });
  const [late, second] = await Promise.all([post(handler, info), post(handler, info)]);
  assert.equal(
    [await outcome(late!), await outcome(second!)],
    [
      [503, 'server-busy'],
      [503, 'server-busy'],
    ],
  );
  slow = false;
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(await outcome(await post(handler, info)), [200, 'info']);
});

test('too many requests of one user wait; others do not', async () => {
  const { handler } = setUp({ rate: 1, burst: 3 });
  const info = encodeRequest({ kind: 'info' });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await post(handler, info)).status);
  assert.equal(statuses, [200, 200, 200, 429, 429]);
  const refused = await post(handler, info);
  assert.is(refused.headers.get('retry-after'), '1');
  assert.equal(await outcome(refused), [429, 'rate-limited']);
  assert.is((await post(handler, info, tablet.token)).status, 200);
});

test('blobs are streamed: whole, in ranges, by tag', async () => {
  const { handler } = setUp();
  const client = clientOver(transportTo(handler));
  await client.begin('active');
  const large = bytes(2_500_000, 8);
  const item = await client.prepare(large, { name: 'large' });
  await client.put([item]);
  const path = `/v0/blobs/${toHex(item.id)}`;
  const blob = item.blob!;
  const read = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());

  const whole = await get(handler, path, { authorization: `Bearer ${tablet.token}` });
  assert.is(whole.status, 200);
  assert.is(whole.headers.get('content-length'), String(blob.length));
  assert.is(whole.headers.get('blindsight-wrapped-key'), toHex(item.wrapped));
  assert.ok(Buffer.from(await read(whole)).equals(blob));
  const tag = whole.headers.get('etag')!;
  assert.match(tag, /^"[0-9a-f]{32}"$/);

  const some = await get(handler, path, { range: 'bytes=1048570-1048589' });
  assert.equal([some.status, some.headers.get('content-range')], [206, `bytes 1048570-1048589/${blob.length}`]);
  assert.equal(await read(some), blob.slice(1048570, 1048590));
  assert.equal(await read(await get(handler, path, { range: 'bytes=-5' })), blob.slice(-5));
  const beyond = await get(handler, path, { range: `bytes=${blob.length}-` });
  assert.equal([beyond.status, beyond.headers.get('content-range')], [416, `bytes */${blob.length}`]);
  for (const [headers, status] of [
    [{ 'if-none-match': tag }, 304],
    [{ 'if-none-match': `"x", W/${tag}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"x"' }, 200],
    [{ range: 'bytes=0-1', 'if-range': tag }, 206],
    [{ range: 'bytes=0-1', 'if-range': '"x"' }, 200],
  ] as const)
    assert.is((await get(handler, path, headers)).status, status, JSON.stringify(headers));
  const head = await get(handler, path, {}, 'HEAD');
  assert.equal(
    [head.status, head.headers.get('content-length'), (await read(head)).length],
    [200, String(blob.length), 0],
  );

  // Sealed again, it has another tag; what is under way is broken off.
  const under = await get(handler, path);
  const reader = under.body!.getReader();
  await reader.read();
  await client.put([await client.prepare(large, { name: 'large' })]);
  assert.not.equal((await get(handler, path)).headers.get('etag'), tag);
  assert.is(
    await code(
      (async () => {
        while (!(await reader.read()).done);
      })(),
    ),
    'corrupt-record',
  );
});

test('health, metrics and the description are open, and hold nothing of anybody', async () => {
  const { handler, log } = setUp();
  const client = clientOver(transportTo(handler));
  const ids = await fill(client);
  await client.search(await client.query(FILES[1]!), { k: 3 });
  await client.open(ids[0]!);
  await get(handler, `/v0/blobs/${toHex(ids[0]!)}?token=${anna.token}`).then((response) => response.arrayBuffer());
  await get(handler, `/v0/blobs/${toHex(bytes(16, 3))}`);
  await get(handler, `/nowhere/${toHex(ids[0]!)}`);
  await post(handler, encodeRequest({ kind: 'info' }), 'bst_wrong');
  const open = { authorization: '' };
  assert.is(await (await get(handler, '/healthz', open)).text(), 'ok\n');
  assert.is(await (await get(handler, '/readyz', open)).text(), 'ready\n');
  const api = (await (await get(handler, '/openapi.json', open)).json()) as { openapi: string; paths: object };
  assert.equal(
    [api.openapi, Object.keys(api.paths)],
    ['3.1.0', ['/v0/messages', '/v0/blobs/{id}', '/healthz', '/readyz', '/metrics', '/openapi.json']],
  );
  const response = await get(handler, '/metrics', open);
  assert.match(response.headers.get('content-type')!, 'text/plain; version=0.0.4');
  const metrics = await response.text();
  for (const line of [
    'blindsight_requests_total{kind="search",status="200"} 1',
    'blindsight_requests_total{kind="message",status="401"} 1',
    'blindsight_requests_total{kind="blob-stream",status="404"} 1',
    'blindsight_request_seconds_count{kind="put"} 1',
    'blindsight_request_seconds_bucket{kind="put",le="+Inf"} 1',
    'blindsight_requests_in_hand 1',
  ])
    assert.ok(metrics.split('\n').includes(line), line);
  assert.match(metrics, /^blindsight_received_bytes_total [1-9]/m);
  assert.match(metrics, /^blindsight_sent_bytes_total [1-9]/m);
  assert.not.match(metrics, 'anna');
  const written = JSON.stringify(log) + metrics;
  for (const id of ids) assert.not.ok(written.includes(toHex(id)));
  for (const secret of [anna.token, 'bst_', 'Bearer', toHex(client.parameters)])
    assert.not.ok(written.includes(secret), secret);
  assert.equal(Object.keys(log.find(({ kind }) => kind === 'put')!).sort(), [
    'event',
    'kind',
    'level',
    'method',
    'milliseconds',
    'received',
    'route',
    'sent',
    'status',
    'time',
    'user',
  ]);
});

test.run();

const port = suite('HTTP: on a port');

async function onPort(setup: Setup, options: { headersMs?: number } = {}): Promise<Listener> {
  return listen(setup.handler, { host: '127.0.0.1', port: 0, ...options });
}

const quick: Omit<HttpTransportOptions, 'token'> = { backoffMs: 5, random: () => 0 };

port('a library, many at a time', async () => {
  const setup = setUp();
  const listener = await onPort(setup);
  const client = clientOver(createHttpTransport(listener.url, { token: anna.token, ...quick }));
  await client.begin('active');
  const large = bytes(3_000_000, 4);
  const files = [...FILES, large];
  const sources = files.map((file, i) => ({ name: `${i}.bin`, read: () => Promise.resolve(file) }));
  let added = 0;
  for await (const { status } of addImages(client, sources)) added += status === 'added' ? 1 : 0;
  assert.is(added, files.length);
  const opened = await Promise.all(files.map(async (file) => client.open(await client.identify(file))));
  assert.ok(opened.every((file, i) => Buffer.from(file).equals(files[i]!)));
  await listener.close();
  assert.is(await code(client.info()), 'server-unreachable');
});

port('a client that goes away in the middle leaves nothing', async () => {
  const setup = setUp();
  const listener = await onPort(setup);
  const client = clientOver(createHttpTransport(listener.url, { token: anna.token, ...quick }));
  await client.begin('active');
  const items = [await client.prepare(bytes(200_000, 7), { name: 'x' })];
  const message = encodeRequest({ kind: 'put', parameters: client.parameters, items });
  const { port: number } = new URL(listener.url);
  for (const keep of [0, 10, 1000, message.length - 1])
    await new Promise<void>((resolve) => {
      const socket = connect(Number(number), '127.0.0.1', () => {
        socket.write(
          `POST /v0/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${anna.token}\r\nContent-Type: ${MESSAGE_TYPE}\r\nContent-Length: ${message.length}\r\n\r\n`,
        );
        socket.write(message.subarray(0, keep), () => setTimeout(() => socket.destroy(), 10));
      });
      socket.on('close', () => resolve());
    });
  const { images, sequence } = await client.info();
  assert.equal([images, sequence], [0, 1]);
  await listener.close();
  assert.is(setup.log.filter(({ status }) => status === 400).length, 4);
});

port('slow headers and too large ones end the connection; others go on', async () => {
  const setup = setUp({ idleMs: 100 });
  const listener = await onPort(setup, { headersMs: 200 });
  const number = Number(new URL(listener.url).port);
  const said = (first: string): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const socket: Socket = connect(number, '127.0.0.1', () => socket.write(first));
      socket.on('data', (chunk) => (text += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
  const slow = said('POST /v0/messages HTTP/1.1\r\nHost: x\r\n');
  const large = said(`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
  const stalled = said(
    `POST /v0/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${anna.token}\r\nContent-Type: ${MESSAGE_TYPE}\r\nContent-Length: 100\r\n\r\nabc`,
  );
  assert.is((await fetch(`${listener.url}/healthz`)).status, 200);
  assert.match(await slow, /^HTTP\/1.1 408 /);
  assert.match(await large, /^HTTP\/1.1 431 /);
  assert.match(await stalled, /^HTTP\/1.1 408 /);
  await listener.close();
});

port('a large message that is refused early is refused by its code', async () => {
  const setup = setUp({ messageBytes: 100_000 });
  const listener = await onPort(setup);
  const client = clientOver(createHttpTransport(listener.url, { token: anna.token, ...quick }));
  await client.begin('active');
  const sources = [bytes(5_000_000, 1), ...FILES].map((file, i) => ({
    name: `${i}`,
    read: () => Promise.resolve(file),
  }));
  const outcomes: string[] = [];
  for await (const outcome of addImages(client, sources))
    outcomes.push(outcome.status === 'failed' ? (outcome.error as RetrievalError).code : outcome.status);
  assert.equal(outcomes.sort(), [...FILES.map(() => 'added'), 'message-too-large']);
  await listener.close();
});

port('a shutdown finishes what is in hand, and loses nothing that was acknowledged', async () => {
  const store = createMemoryStore();
  const { commit } = store;
  store.commit = async (mutations) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return commit.call(store, mutations);
  };
  const setup = setUp({}, createServer({ store, kernels }));
  const listener = await onPort(setup);
  const client = clientOver(createHttpTransport(listener.url, { token: anna.token, attempts: 1 }));
  await client.begin('active');
  const items = await Promise.all(FILES.map((file, i) => client.prepare(file, { name: `${i}` })));
  const idle = connect(Number(new URL(listener.url).port), '127.0.0.1');
  idle.on('error', () => undefined);
  const acknowledged: string[] = [];
  const puts = Promise.allSettled(
    items.map((item, i) =>
      // Some are on their way when the end is announced, some come after it.
      new Promise((resolve) => setTimeout(resolve, 10 * i))
        .then(() => client.put([item]))
        .then(() => acknowledged.push(toHex(item.id))),
    ),
  );
  while (acknowledged.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const start = performance.now();
  await listener.close(5000);
  assert.ok(performance.now() - start < 2000);
  const results = await puts;
  for (const result of results)
    if (result.status === 'rejected') assert.is((result.reason as RetrievalError).code, 'server-unreachable');
  assert.ok(acknowledged.length >= 2, `${acknowledged.length} acknowledged`);
  assert.ok(acknowledged.length < items.length);
  const stored = (await store.list(undefined, 100)).map(({ id }) => toHex(id));
  assert.equal(stored, acknowledged.sort());
  assert.is((await get(setup.handler, '/readyz')).status, 503);
});

port('a download under way is finished', async () => {
  const setup = setUp();
  const listener = await onPort(setup);
  const client = clientOver(createHttpTransport(listener.url, { token: anna.token }));
  await client.begin('active');
  const item = await client.prepare(bytes(8_000_000, 2), { name: 'x' });
  await client.put([item]);
  const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) =>
    nodeRequest(
      `${listener.url}/v0/blobs/${toHex(item.id)}`,
      { headers: { authorization: `Bearer ${anna.token}` } },
      resolve,
    )
      .on('error', reject)
      .end(),
  );
  const closed = listener.close(5000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  assert.ok(Buffer.concat(pieces).equals(item.blob!));
  const start = performance.now();
  await closed;
  assert.ok(performance.now() - start < 2000, 'a connection that is kept alive holds nothing up');
});

port('a port that is taken is told', async () => {
  const setup = setUp();
  const listener = await onPort(setup);
  const taken = listen(setup.handler, { host: '127.0.0.1', port: Number(new URL(listener.url).port) });
  assert.is(await code(taken), 'server-unreachable');
  await listener.close();
});

port.run();

const retries = suite('HTTP: retries');

/** A proxy that drops most connections: at once, with the request half through, or with the answer. */
async function flakyProxy(target: string): Promise<{ url: string; dropped: () => number; close: () => void }> {
  const random = seededRandom(SEED);
  let dropped = 0;
  const { port: targetPort } = new URL(target);
  const sockets = new Set<Socket>();
  const proxy = createTcpServer((socket) => {
    const upstream = connect(Number(targetPort), '127.0.0.1');
    for (const one of [socket, upstream]) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        socket.destroy();
        upstream.destroy();
      });
    }
    const fate = Math.floor(7 * random());
    const drop = (): void => {
      dropped++;
      socket.destroy();
      upstream.destroy();
    };
    if (fate === 0) return drop();
    if (fate === 1) socket.once('data', drop);
    else socket.pipe(upstream);
    // The server has done its work, and the answer is lost: on the way, or after some bytes of it.
    if (fate === 2) upstream.once('data', drop);
    else if (fate === 3)
      upstream.once('data', (chunk: Buffer) => {
        socket.write(chunk.subarray(0, 20));
        setTimeout(drop, 5);
      });
    else upstream.pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    dropped: () => dropped,
    close: () => {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

retries('through lost connections and lost answers, every image arrives once', async () => {
  const setup = setUp();
  const listener = await onPort(setup);
  const proxy = await flakyProxy(listener.url);
  // One connection a request, so that each has its chance to be dropped.
  const closing: typeof fetch = (input, init) =>
    fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), connection: 'close' } });
  const client = clientOver(
    createHttpTransport(proxy.url, { token: anna.token, ...quick, backoffMs: 1, attempts: 14, fetch: closing }),
  );
  await client.begin('active');
  const sources = FILES.map((file, i) => ({ name: `${i}.bin`, read: () => Promise.resolve(file) }));
  let added = 0;
  for await (const { status } of addImages(client, sources)) added += status === 'added' ? 1 : 0;
  assert.is(added, FILES.length);
  for (const file of FILES) assert.equal(await client.open(await client.identify(file)), file);
  const { images } = await client.info();
  assert.is(images, FILES.length);
  assert.ok(proxy.dropped() > 8, `${proxy.dropped()} dropped`);
  proxy.close();
  await listener.close();
});

/** A server that answers with what it is told to, and counts. */
async function scripted(
  answers: readonly { status: number; headers?: Record<string, string>; body?: Uint8Array | string }[],
): Promise<{ url: string; asked: () => number; close: () => void }> {
  let asked = 0;
  const node = createNodeServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const { status, headers = {}, body = '' } = answers[Math.min(asked++, answers.length - 1)]!;
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(node.address() as AddressInfo).port}/below/`,
    asked: () => asked,
    close: () => void node.close().closeAllConnections(),
  };
}

retries('what may pass is tried again, what may not is not', async () => {
  for (const [status, expected, times] of [
    [400, 'corrupt-message', 1],
    [401, 'unauthorized', 1],
    [403, 'forbidden', 1],
    [404, 'not-found', 1],
    [409, 'parameter-mismatch', 1],
    [413, 'message-too-large', 1],
    [301, 'corrupt-message', 1],
    [408, 'timed-out', 3],
    [429, 'rate-limited', 3],
    [500, 'server-failed', 3],
    [502, 'server-busy', 3],
    [503, 'server-busy', 3],
    [504, 'timed-out', 3],
    [200, 'corrupt-message', 1],
  ] as const) {
    const server = await scripted([{ status, body: '<html>', headers: status === 301 ? { location: '/' } : {} }]);
    const transport = createHttpTransport(server.url, { token: 'x', ...quick, attempts: 3 });
    assert.is(await code(ask(transport, { kind: 'info' }, 'info')), expected, `${status}`);
    assert.is(server.asked(), times, `${status}`);
    server.close();
  }
});

retries('Retry-After is waited for, and a later answer is taken', async () => {
  const setup = setUp();
  const info = await setup.server.handle(encodeRequest({ kind: 'info' }));
  const server = await scripted([
    { status: 503, headers: { 'retry-after': '1' } },
    { status: 200, headers: { 'content-type': MESSAGE_TYPE }, body: info },
  ]);
  const start = performance.now();
  const transport = createHttpTransport(server.url, { token: 'x', ...quick });
  assert.is((await ask(transport, { kind: 'info' }, 'info')).images, 0);
  assert.ok(performance.now() - start > 950);
  server.close();
});

retries('a server that never answers is given up', async () => {
  const node = createNodeServer(() => undefined);
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  const transport = createHttpTransport(url, { token: 'x', ...quick, attempts: 2, timeoutMs: 50 });
  assert.is(await code(ask(transport, { kind: 'info' }, 'info')), 'timed-out');
  node.close().closeAllConnections();
});

retries('addresses and tokens that cannot be meant', () => {
  for (const url of ['', 'photos.example', 'ftp://x', 'file:///x', 'https://a:b@x'])
    assert.throws(() => createHttpTransport(url, { token: 'x' }), /"url" expected/, url);
  for (const token of ['', 'a b', 'a\nb']) assert.throws(() => createHttpTransport('https://x', { token }), /"token"/);
});

retries.run();
