/**
 * The three rankings side by side: bytes each way, milliseconds, and the server's CPU, for one search.
 *
 *     npm run bench -- rankings             1,000 and 10,000 records
 *     SIZES=100000 npm run bench -- rankings             RANKINGS=client,split: these alone
 *
 * Records are the vocabulary's public reference codes (real photos) with an eighth of their bits flipped; so are the queries, their margins
 * drawn as |N(0, 1)| training deviations. Checks first that a search through all records gives equal answers under the three rankings, noise
 * being 0 for that; what is timed then is the search as it is by default, through the prefilter. Client and server share one
 * process, so CPU of the server is what `handle` took. A blob is 64 bytes: images play no part.
 */
import * as assert from 'uvu/assert';
import { loadVocabulary } from '../src/adapters/package-files.ts';
import { sealIndex } from '../src/attacks/sealed-index.ts';
import { gaussian, seededRandom } from '../src/base/random.ts';
import { Client, type Query } from '../src/client/client.ts';
import { DEFAULT_INDEX, defaultPrefilter } from '../src/client/index-parameters.ts';
import { FEATURES } from '../src/codes/block.ts';
import { Encoder, type Projections } from '../src/codes/encoder.ts';
import { Fusion } from '../src/codes/fusion.ts';
import { LibraryKeys, newLibraryKey } from '../src/crypto/keys.ts';
import { sealRecord } from '../src/crypto/record.ts';
import { RANKINGS, type Ranking } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { bytes, kernels } from '../test/support.ts';
import { median } from './harness.ts';
import { table } from './report.ts';

const SIZES = (process.env['SIZES'] ?? '1000,10000').split(',').map(Number);
const CHOSEN = RANKINGS.filter((name) => (process.env['RANKINGS'] ?? RANKINGS.join(',')).split(',').includes(name));
const SEARCHES = 10;
const FLIPPED = 1 / 8;
const BATCH = 1000;

const { vocabulary } = await loadVocabulary();
const { references, codeBytes } = vocabulary;
const libraryKey = newLibraryKey();
const keys = new LibraryKeys(libraryKey);

/** A reference code, an eighth of its bits flipped. */
function variant(random: () => number): Uint8Array {
  const from = Math.floor(random() * references.count) * codeBytes;
  const code = references.codes.slice(from, from + codeBytes);
  for (let bit = 0; bit < 8 * codeBytes; bit++) if (random() < FLIPPED) code[bit >> 3]! ^= 1 << (bit & 7);
  return code;
}

function queryOf(random: () => number): Query {
  const code = variant(random);
  const projections = {} as Projections;
  let at = 0;
  for (const feature of FEATURES) {
    const { bits, deviation } = vocabulary.blocks[feature];
    projections[feature] = Float32Array.from({ length: bits }, (_, i) => {
      const set = (code[(at + i) >> 3]! >> ((at + i) & 7)) & 1;
      return (set ? 1 : -1) * Math.abs(gaussian(random)) * deviation[i]!;
    });
    at += bits;
  }
  return {
    projections,
    margins: new Encoder(kernels, vocabulary).margins(projections),
    weights: new Fusion(vocabulary).weights(projections, 'adaptive'),
  };
}

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

async function open(
  ranking: Ranking,
  codes: Uint8Array,
  sealed: readonly Uint8Array[],
  ids: readonly Uint8Array[],
): Promise<Side> {
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
  await client.begin('active');
  for (let from = 0; from < ids.length; from += BATCH) {
    const part = codes.subarray(from * codeBytes, (from + BATCH) * codeBytes);
    const { vectors, tokens } = sealIndex(kernels, vocabulary, index, part, keys);
    const count = part.length / codeBytes;
    const dims = vectors.length / count;
    await store.commit(
      Array.from({ length: count }, (_, i) => ({
        kind: 'put' as const,
        parameters: client.parameters,
        id: ids[from + i]!,
        tokens: tokens[i] ?? new BigUint64Array(0),
        vector: vectors.slice(i * dims, (i + 1) * dims),
        sealed: sealed[from + i]!,
        wrapped: new Uint8Array(72),
        blob: new Uint8Array(64),
      })),
    );
  }
  // The store was filled past the client: without a root that knows of it, every search looks for what is missing.
  await client.acceptRoot();
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
  const codes = new Uint8Array(count * codeBytes);
  const ids = Array.from({ length: count }, (_, i) => bytes(16, i + 1));
  const sealed = ids.map((id, i) => {
    const code = variant(random);
    codes.set(code, i * codeBytes);
    return sealRecord(keys.get('record'), id, {
      ...{ indexed: true, imageVersion: 0, fingerprint: vocabulary.fingerprint, code, name: `${i}.jpg` },
      ...{ fileBytes: 1, type: 'jpeg', width: 1, height: 1, addedAt: 0, modifiedAt: 0 },
    });
  });
  const queries = Array.from({ length: SEARCHES }, () => queryOf(random));
  const answers: string[][] = [];
  for (const ranking of CHOSEN) {
    const side = await open(ranking, codes, sealed, ids);
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
