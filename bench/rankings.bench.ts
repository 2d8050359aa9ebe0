/**
 * The three rankings side by side: bytes each way, milliseconds, and the server's CPU, for one search.
 *
 *     npm run bench -- rankings             1,000 and 10,000 records
 *     SIZES=100000 npm run bench -- rankings             RANKINGS=client,split: these alone
 *
 * Records and queries are those of `variants.ts`. Checks first that a search through all records gives equal answers under the three rankings, noise
 * being 0 for that; what is timed then is the search as it is by default, through the prefilter. Client and server share one
 * process, so CPU of the server is what `handle` took.
 */
import * as assert from 'uvu/assert';
import { loadVocabulary } from '../src/adapters/package-files.ts';
import { seededRandom } from '../src/base/random.ts';
import { Client } from '../src/client/client.ts';
import { DEFAULT_INDEX, defaultPrefilter } from '../src/client/index-parameters.ts';
import { LibraryKeys, newLibraryKey } from '../src/crypto/keys.ts';
import { RANKINGS, type Ranking } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { kernels } from '../test/support.ts';
import { median } from './harness.ts';
import { table } from './report.ts';
import { fill, makeRecords, queryOf, type Records } from './variants.ts';

const SIZES = (process.env['SIZES'] ?? '1000,10000').split(',').map(Number);
const CHOSEN = RANKINGS.filter((name) => (process.env['RANKINGS'] ?? RANKINGS.join(',')).split(',').includes(name));
const SEARCHES = 10;

const { vocabulary } = await loadVocabulary();
const libraryKey = newLibraryKey();
const keys = new LibraryKeys(libraryKey);

interface Cost {
  readonly up: number;
  readonly down: number;
  readonly milliseconds: number;
  readonly serverCpu: number;
}

interface Side {
  readonly client: Client;
  measure(work: () => Promise<unknown>): Promise<Cost>;
  close(): Promise<void>;
}

async function open(ranking: Ranking, records: Records): Promise<Side> {
  const store = createMemoryStore();
  const server = createServer({ store, kernels });
  const seen = { up: 0, down: 0, serverCpu: 0 };
  const index = { ...DEFAULT_INDEX, prefilter: defaultPrefilter(vocabulary), ranking, noise: 0 };
  const client = new Client({
    ...{ kernels, libraryKey, vocabulary, index },
    async transport(request) {
      const before = process.cpuUsage();
      const response = await server.handle(request);
      const { user, system } = process.cpuUsage(before);
      seen.up += request.length;
      seen.down += response.length;
      seen.serverCpu += (user + system) / 1000;
      return response;
    },
    extractor: () => Promise.reject(new Error('no picture is looked at')),
  });
  await fill(store, client, index, keys, records);
  return {
    client,
    async measure(work) {
      Object.assign(seen, { up: 0, down: 0, serverCpu: 0 });
      const start = performance.now();
      await work();
      return { ...seen, milliseconds: performance.now() - start };
    },
    async close() {
      client.close();
      await server.close();
    },
  };
}

const rows: string[][] = [];
for (const count of SIZES) {
  const random = seededRandom(count);
  const records = makeRecords(vocabulary, keys, count, random);
  const queries = Array.from({ length: SEARCHES }, () => queryOf(vocabulary, random));
  const answers: string[][] = [];
  for (const ranking of CHOSEN) {
    const side = await open(ranking, records);
    const print = (what: string, costs: readonly Cost[]): void => {
      const column = (name: keyof Cost): string =>
        Math.round(median(costs.map((cost) => cost[name]))).toLocaleString('en');
      rows.push([
        ...[count.toLocaleString('en'), ranking, what, column('up'), column('down')],
        ...[column('milliseconds'), column('serverCpu')],
      ]);
    };
    // The first search makes the server's index, or the client's copy.
    print('first search', [await side.measure(() => side.client.search(queries[0]!))]);
    const found: string[] = [];
    for (const query of queries.slice(0, 3))
      found.push(...(await side.client.search(query, { scan: true })).matches.map(({ id }) => id));
    answers.push(found);
    assert.equal(found, answers[0], `${ranking} answers as ${CHOSEN[0]} does`);
    const costs: Cost[] = [];
    for (const query of queries) costs.push(await side.measure(() => side.client.search(query)));
    print('a search', costs);
    await side.close();
  }
}
table('Medians of ten searches', ['records', 'ranking', 'what', 'bytes up', 'bytes down', 'ms', 'server CPU ms'], rows);
