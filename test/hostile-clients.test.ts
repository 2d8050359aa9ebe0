/**
 * Clients that mean harm, or are very many: paths that lead elsewhere, messages sent again and out of order, connections without end. The
 * server stays up, answers with a code, and stores nothing half.
 */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addCredential } from '../src/adapters/credential-file.ts';
import { listen } from '../src/adapters/node-listener.ts';
import { pageFiles } from '../src/adapters/page-files.ts';
import { toHex } from '../src/base/bytes.ts';
import { Client } from '../src/client/client.ts';
import { createHttpTransport } from '../src/client/http-transport.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import type { Transport } from '../src/client/transport.ts';
import { MESSAGE_TYPE } from '../src/protocol/http-names.ts';
import { decodeResponse, requestKind } from '../src/protocol/messages.ts';
import { createCredential, createHandler, createMemoryStore, createServer, type Server } from '../src/server.ts';
import { serve, temporaryFolder } from './command.ts';
import { describe } from './small-library.ts';
import { LONG, bytes, kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

/** As many as the listener takes, and as many again that it turns away; or a few. */
const CONNECTIONS = LONG ? 10_000 : 400;
const FILES = Array.from({ length: 8 }, (_, i) => bytes(200, 40 + i));

function clientOver(transport: Transport): Client {
  return new Client({
    kernels,
    libraryKey: bytes(64, 1),
    vocabulary: smallVocabulary(),
    index: { ...DEFAULT_INDEX, prefilter: { family: 'lsh', tables: 4, sampledBits: 6, probes: 8 } },
    transport,
    extractor: () => Promise.resolve({ describe }),
  });
}

const prepared = (client: Client, file: Uint8Array) => client.prepare(file, { name: 'x.jpg' });

/** Sends bytes as they are, and gives what comes back until the connection ends. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

const test = suite('hostile clients');

test('paths and ids that lead elsewhere lead nowhere', async () => {
  const { credential, token } = createCredential('anna', 'owner');
  const folder = await temporaryFolder();
  const server = createServer({ store: createMemoryStore(), kernels });
  const files = await pageFiles({ client: join(folder.path, 'client') });
  const { url, close } = await listen(createHandler(server, { credentials: () => [credential], files }), {
    host: '127.0.0.1',
    port: 0,
  });
  const port = Number(new URL(url).port);
  const id = 'a'.repeat(32);
  for (const path of [
    ...[
      '..',
      '../../etc/passwd',
      '..%2f..%2fetc%2fpasswd',
      '%2e%2e/%2e%2e/',
      '..\\..\\x',
      '%00',
      `${id}%00`,
      `${id}/..`,
    ],
    ...[
      `${id}/../../v0/messages`,
      `${id}0`,
      id.slice(1),
      id.toUpperCase(),
      '%61'.repeat(32),
      '%F0%9F%98%80',
      '%',
      '%zz',
    ],
    ...['０'.repeat(32), '-1', '0x'.padEnd(32, '0'), '%20'.repeat(32), `${id}?x=../..`, `${id};x`, 'a'.repeat(7000)],
  ].flatMap((name) => [`/v0/blobs/${name}`, `/page/library/${name}`, `/page/${name}`, `//v0/blobs/${name}`])) {
    const answer = await exchange(
      port,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
    // `/page/..` is `/`: the page itself.
    if (body.startsWith('<!doctype html>')) continue;
    assert.match(answer, /^HTTP\/1.1 (400|404|405) /, path);
    if (body.includes('{')) assert.match(body, /"code":"(not-found|unknown-id|method-not-allowed)"/, path);
  }
  assert.is((await fetch(`${url}/healthz`)).status, 200);
  await close();
  await folder.remove();
});

/** What a client sends that makes a library, adds to it and takes from it: one message after another. */
async function recorded(): Promise<Uint8Array[]> {
  const server = createServer({ store: createMemoryStore(), kernels });
  const messages: Uint8Array[] = [];
  const client = clientOver((request) => {
    if (['begin', 'put', 'remove'].includes(requestKind(request))) messages.push(request);
    return server.handle(request);
  });
  await client.begin('active');
  for (const [i, file] of FILES.entries()) {
    await client.put([await prepared(client, file)]);
    if (i % 3 === 2) await client.remove([await client.identify(FILES[i - 1]!)]);
  }
  client.close();
  return messages;
}

/** A server's images, and that its library is whole: the root tells them, and each opens. */
async function wholeLibrary(server: Server): Promise<string[]> {
  const client = clientOver((request) => server.handle(request));
  const { equal } = await client.compareRoot();
  assert.ok(equal, 'the root says which images there are');
  const ids: string[] = [];
  for await (const { id } of client.list()) {
    ids.push(toHex(id));
    const file = await client.open(id);
    assert.ok(FILES.some((own) => Buffer.from(own).equals(file)));
    await client.record(id);
  }
  client.close();
  return ids;
}

test('messages that are sent again, left out and out of order leave a whole library, or are refused by a code', async () => {
  const messages = await recorded();
  const [begin, ...rest] = messages;
  const straight = createServer({ store: createMemoryStore(), kernels });
  for (const message of messages) await straight.handle(message);
  const all = await wholeLibrary(straight);
  assert.is(all.length, 6);
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: rest.length - 1 }), { maxLength: 30 }), async (order) => {
      // In any order, any number of times.
      const server = createServer({ store: createMemoryStore(), kernels });
      await server.handle(begin!);
      for (const at of order) {
        const answer = decodeResponse(await server.handle(rest[at]!));
        if (answer.kind !== 'error') continue;
        refused++;
        assert.is(answer.code, 'conflict');
      }
      await wholeLibrary(server);
      // All that was recorded, once more, behind what the client has done since: nothing comes back, nothing goes.
      for (const at of order) await straight.handle(rest[at]!);
      assert.equal(await wholeLibrary(straight), all);
    }),
    { seed: 42, numRuns: 60 },
  );
  assert.ok(refused > 100, `${refused} refused`);
});

test(`${CONNECTIONS} connections that say nothing, little, or nonsense: the server goes on, and stores what it acknowledged`, async () => {
  const folder = await temporaryFolder();
  const users = join(folder.path, 'users.json');
  const token = await addCredential(users, 'anna', 'owner');
  const served = await serve(join(folder.path, 'store'), users);
  const port = Number(new URL(served.url).port);
  const sockets: Socket[] = [];
  try {
    const client = clientOver(createHttpTransport(served.url, { token }));
    await client.begin('active');
    await client.put([await prepared(client, FILES[0]!)]);
    const head = `POST /v0/messages HTTP/1.1\r\nHost: x\r\nContent-Type: ${MESSAGE_TYPE}\r\n`;
    const said = [
      '',
      'G',
      head,
      `${head}Authorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\nBS`,
      `${head}Content-Length: 5\r\n\r\nxxxxx`,
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      `${head}Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n`,
      `GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`,
    ];
    let open = 0;
    let ended = 0;
    for (let i = 0; i < CONNECTIONS; i++) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => ended++);
      socket.on('data', () => undefined);
      socket.on('connect', () => {
        open++;
        socket.write(said[i % said.length]!);
      });
      // While they come, the client goes on over the connection that it has.
      if (i % Math.ceil(CONNECTIONS / 5) === 1) await client.put([await prepared(client, FILES[1 + (i % 7)]!)]);
    }
    while (open + ended < CONNECTIONS) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(open > 0.9 * CONNECTIONS, `${open} were open`);
    assert.is(served.child.exitCode, null);
    for (const socket of sockets) socket.destroy();
    // Who comes now is answered.
    const late = clientOver(createHttpTransport(served.url, { token }));
    await late.put([await prepared(late, FILES[0]!)]);
    const ids: string[] = [];
    for await (const { id } of late.list()) ids.push(toHex(id));
    assert.ok((await late.compareRoot()).equal);
    assert.is((await late.info()).images, ids.length);
    for (const file of FILES.slice(0, 2)) assert.equal(await late.open(await late.identify(file)), file);
    assert.is(await served.stop(), 0);
    assert.not.match(served.log(), '"status":500');
  } finally {
    for (const socket of sockets) socket.destroy();
    served.child.kill('SIGKILL');
    await folder.remove();
  }
});

test.run();
