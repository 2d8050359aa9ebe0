/**
 * A real `blindsight serve` on loopback, over an LMDB library under ranking `server`: searches a second and their times, by autocannon,
 * and the memory of the server's process all the while. Linux: memory is read from /proc.
 *
 *     npm run load
 *     npm run load -- --records 10000 --minutes 1
 *     npm run load -- --write docs/RUNTIMES.md
 *
 * Records and queries are those of `variants.ts`. Checked first: the best answer of a scan is that of a plain loop over all stored vectors; before and
 * after the load, every `search` message gets over HTTP, byte for byte, what the server answered within this process. Under load, an answer
 * that is no 200, or has another length, is an error.
 */
import autocannon from 'autocannon';
import { readFile, rm, mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as assert from 'uvu/assert';
import { loadVocabulary } from '../../src/adapters/package-files.ts';
import { equalBytes, toHex } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { numbersOf } from '../../src/base/stored-vector.ts';
import { Client } from '../../src/client/client.ts';
import { createHttpTransport } from '../../src/client/http-transport.ts';
import { DEFAULT_INDEX, defaultPrefilter } from '../../src/client/index-parameters.ts';
import type { Transport } from '../../src/client/transport.ts';
import { LibraryKeys, newLibraryKey } from '../../src/crypto/keys.ts';
import { markdownTable } from '../../src/eval/markdown.ts';
import { MESSAGE_TYPE, MESSAGES_PATH } from '../../src/protocol/http-names.ts';
import { decodeAnswer, decodeRequest, requestKind, type SearchRequest } from '../../src/protocol/messages.ts';
import type { Store } from '../../src/index/store.ts';
import { createCredential, formatCredentials } from '../../src/server.ts';
import { createServer } from '../../src/server/server.ts';
import { openLmdbStore } from '../../src/stores/lmdb-store.ts';
import { serve } from '../../test/command.ts';
import { kernels } from '../../test/support.ts';
import { putBetweenMarks } from '../between-marks.ts';
import { fill, makeRecords, queryOf } from '../variants.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    minutes: { type: 'string', default: '10' },
    connections: { type: 'string', default: '1,8,32' },
    write: { type: 'string' },
  },
});
const count = Number(values.records);
const minutes = Number(values.minutes);
const connections = values.connections.split(',').map(Number);

const QUERIES = 64;
const CHECKED = 3;
const PAGE = 1000;
const SECONDS = 30;
const SAMPLE_MS = 5000;
const MIB = 1024 * 1024;
/** Connections while the memory is watched. */
const WATCHED = 8;

interface Message {
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
}

const { vocabulary } = await loadVocabulary();
const libraryKey = newLibraryKey();
const keys = new LibraryKeys(libraryKey);
const index = { ...DEFAULT_INDEX, prefilter: defaultPrefilter(vocabulary), ranking: 'server' as const };
const random = seededRandom(1);
const queries = Array.from({ length: QUERIES }, () => queryOf(vocabulary, random));
const folder = await mkdtemp(join(tmpdir(), 'blindsight-load-'));
let transport: Transport;
const client = new Client({
  ...{ kernels, libraryKey, vocabulary, index },
  transport: (request) => transport(request),
  extractor: () => Promise.reject(new Error('no picture is looked at')),
});

/** Ids of the stored vectors with the largest inner products with each of `asked`, by a plain loop. */
async function nearest(store: Store, asked: readonly Float32Array[]): Promise<string[]> {
  const best = asked.map(() => ({ score: -Infinity, id: '' }));
  for (let after: Uint8Array | undefined; ;) {
    const page = await store.records(client.parameters, after, PAGE);
    for (const { id, record } of page) {
      const vector = numbersOf(record!.vector);
      for (const [i, query] of asked.entries()) {
        let score = 0;
        for (let at = 0; at < vector.length; at++) score += vector[at]! * query[at]!;
        if (score > best[i]!.score) best[i] = { score, id: toHex(id) };
      }
    }
    if (page.length < PAGE) return best.map(({ id }) => id);
    after = page.at(-1)!.id;
  }
}

/** Makes the library, checks its answers, and keeps the `search` messages. */
async function makeLibrary(store: string): Promise<Message[]> {
  const lmdb = openLmdbStore(store);
  const server = createServer({ store: lmdb, kernels });
  const messages: Message[] = [];
  transport = (request) => server.handle(request);
  await fill(lmdb, client, index, keys, makeRecords(vocabulary, keys, count, random));
  console.error('filled');
  transport = async (request) => {
    const answer = await server.handle(request);
    if (requestKind(request) === 'search') messages.push({ request, answer });
    return answer;
  };
  for (const query of queries.slice(0, CHECKED)) await client.search(query, { scan: true });
  const scans = messages.splice(0);
  const best = await nearest(
    lmdb,
    scans.map(({ request }) => (decodeRequest(request) as SearchRequest).vector),
  );
  for (const [i, { answer }] of scans.entries())
    assert.is(toHex(decodeAnswer(answer, 'search').ids[0]!), best[i], 'the best of a scan is the best of a plain loop');
  for (const query of queries) await client.search(query);
  assert.is(messages.length, QUERIES);
  await server.close();
  return messages;
}

/** Bytes of a process in memory: all of them, and those that are no page of a file. */
async function memoryOf(pid: number): Promise<{ resident: number; anonymous: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)![1]);
  return { resident: 1024 * kib('VmRSS'), anonymous: 1024 * kib('RssAnon') };
}

/** Milliseconds of processor time that a process has taken: clock ticks are 10 ms on Linux. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13); // behind the name: proc(5), 14 and 15
  return 10 * (Number(user) + Number(system));
}

const milliseconds = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

/** Whole searches by the client: root, ranking, records, opening; one after another. */
async function wholeSearches(): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < 4 * QUERIES; i++) {
    const start = performance.now();
    const { matches } = await client.search(queries[i % QUERIES]!);
    times.push(performance.now() - start);
    assert.is(matches.length, 10);
  }
  return times.sort((a, b) => a - b);
}

try {
  const store = join(folder, 'store');
  const users = join(folder, 'users.json');
  const { credential, token } = createCredential('load', 'owner');
  await writeFile(users, formatCredentials([credential]));
  const messages = await makeLibrary(store);
  const served = await serve(store, users, ['--rate', '1000000']);
  transport = createHttpTransport(served.url, { token });
  try {
    const pid = served.child.pid!;
    const check = async (): Promise<void> => {
      for (const { request, answer } of messages)
        assert.ok(equalBytes(await transport(request), answer), 'the answer over HTTP is the one within the process');
    };
    const empty = await memoryOf(pid);
    await check();
    const loaded = await memoryOf(pid);
    /** Cells of a row: so many connections, for so many seconds. */
    const load = async (open: number, duration: number): Promise<string[]> => {
      let wrong = 0;
      const cpu = await cpuOf(pid);
      const { requests, latency, errors, timeouts, ...result } = await autocannon({
        ...{ url: served.url, connections: open, duration, timeout: 60 },
        requests: messages.map(({ request, answer }) => ({
          ...{ method: 'POST', path: `/${MESSAGES_PATH}`, body: Buffer.from(request) },
          headers: { authorization: `Bearer ${token}`, 'content-type': MESSAGE_TYPE },
          onResponse(status: number, _: string, __: object, headers?: object) {
            const length = (headers as Record<string, string> | undefined)?.['content-length'];
            if (status !== 200 || length !== String(answer.length)) wrong++;
          },
        })),
      });
      return [
        ...[String(open), String(requests.total), (requests.total / result.duration).toFixed(0)],
        ...[latency.p50, latency.p99, latency.max].map(String),
        milliseconds(((await cpuOf(pid)) - cpu) / requests.total),
        String(errors + timeouts + wrong),
      ];
    };
    const rows: string[][] = [];
    for (const open of connections) {
      rows.push(await load(open, SECONDS));
      console.error(rows.at(-1)!.join(' '));
    }
    const whole = await wholeSearches();

    const samples: { minute: number; resident: number; anonymous: number }[] = [];
    const start = performance.now();
    const sampling = setInterval(async () => {
      const memory = await memoryOf(pid);
      samples.push({ minute: (performance.now() - start) / 60_000, ...memory });
    }, SAMPLE_MS);
    const long = await load(WATCHED, 60 * minutes);
    clearInterval(sampling);
    await check();
    const mib = (bytes: number): string => (bytes / MIB).toFixed(0);
    const within = (from: number, to: number) => samples.filter(({ minute }) => minute >= from && minute < to);
    const memory = Array.from({ length: Math.ceil(minutes) }, (_, i) => within(i, i + 1)).map((part, i) => [
      `${i + 1}`,
      ...[
        Math.min(...part.map(({ resident }) => resident)),
        Math.max(...part.map(({ resident }) => resident)),
        Math.max(...part.map(({ anonymous }) => anonymous)),
      ].map(mib),
    ]);
    const [cpu] = cpus();
    await putBetweenMarks(
      values.write,
      'load',
      [
        `\`npm run load -- --records ${count} --minutes ${minutes}\`, ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${cpus().length} cores of ${cpu?.model ?? 'unknown'}, shared with autocannon and with whatever else ran.`,
        `${count.toLocaleString('en')} records, ranking server, ${vocabulary.bits} bits, LMDB, vectors f32. All ${QUERIES} \`search\` messages were answered, before and after, as the server answers them without HTTP.`,
        '',
        markdownTable(
          [
            'connections',
            'searches',
            'a second',
            'p50 ms',
            'p99 ms',
            'slowest ms',
            'CPU ms of the server a search',
            'errors',
          ],
          [...rows, [`${long[0]}, ${minutes} min`, ...long.slice(1)]],
        ),
        '',
        `A whole search by one client (root, ranking, 74 records, opening them): p50 ${milliseconds(whole[whole.length >> 1]!)} ms, p99 ${milliseconds(whole[Math.floor(0.99 * whole.length)]!)} ms.`,
        '',
        `Memory of the server: ${mib(empty.resident)} MiB before the first search, ${mib(loaded.resident)} MiB with the index in memory (of this ${mib(loaded.anonymous)} MiB its own, the rest pages of files). By minute of the long run:`,
        '',
        markdownTable(['minute', 'least MiB', 'most MiB', 'most MiB of its own'], memory),
      ].join('\n'),
    );
  } finally {
    await served.stop();
  }
} finally {
  client.close();
  await rm(folder, { recursive: true, force: true });
}
