/**
 * How cost grows with the collection: a search, and memory and time to add, for each record, at the sizes of the default library.
 *
 *     npm run bench -- growth             to a million codes and 100,000 vectors
 *     GROWTH=10000000 npm run bench -- growth             to this many of each, as far as four tenths of the memory hold them
 *
 * One thread, tables in this process: no messages, no disk. Rows are random, as no time depends on what they hold; a probe finds as
 * large a share of the records as the buckets are many. Checks at every size that a row that was put in is found first.
 */
import { totalmem } from 'node:os';
import * as assert from 'uvu/assert';
import { loadVocabulary } from '../src/adapters/package-files.ts';
import { seededRandom } from '../src/base/random.ts';
import { DEFAULT_PREFILTERS } from '../src/client/index-parameters.ts';
import { AsymmetricTable } from '../src/search/asymmetric-table.ts';
import { HammingTable } from '../src/search/hamming-table.ts';
import { PostingTable } from '../src/search/posting-table.ts';
import { VectorTable } from '../src/search/vector-table.ts';
import { kernels } from '../test/support.ts';
import type { Place } from './chart.ts';
import { duration } from './document.ts';
import { median } from './harness.ts';
import { chart, table } from './report.ts';

const asked = process.env['GROWTH'];
const MOST_CODES = Number(asked ?? 1_000_000);
const MOST_VECTORS = Number(asked ?? 100_000);
const FIRST = 1000;
const SEARCHES = 21;
const K = 10;
/** Of the machine's memory, with room for the other tables. */
const TABLE_BYTES = 0.4 * totalmem();

const { vocabulary } = await loadVocabulary();
const { bits, codeBytes } = vocabulary;
const { assigned, probes } = DEFAULT_PREFILTERS.centroids;
const buckets = vocabulary.centroids.length / bits;
/** Numbers of an encrypted vector: two shares of the code, 32 dummies and a 1. */
const dims = 2 * (bits + 32 + 1);
const random = seededRandom(1);

/** A table that grows by batches of 1000 rows. */
interface Growing<Rows> {
  readonly name: string;
  readonly rowBytes: number;
  readonly most: number;
  /** Random rows; the first one of the first batch is what {@link search} looks for. */
  make(first: boolean): Rows;
  add(rows: Rows): void;
  /** The first answer. */
  search(): number | undefined;
}

const own = Uint8Array.from({ length: codeBytes }, () => Math.floor(256 * random()));
const batch = new Uint8Array(FIRST * codeBytes);
function someCodes(first: boolean): Uint8Array {
  for (let i = 0; i < batch.length; i++) batch[i] = 256 * random();
  if (first) batch.set(own);
  return batch;
}

const trapdoor = Float32Array.from({ length: dims }, () => random() - 0.5);
const vectors = new Float32Array(FIRST * dims);
function someVectors(first: boolean): Float32Array {
  for (let i = 0; i < vectors.length; i++) vectors[i] = random() - 0.5;
  if (first) vectors.set(trapdoor.map((value) => 4 * value));
  return vectors;
}

const hamming = new HammingTable(kernels, codeBytes);
const weighted = new AsymmetricTable(kernels, codeBytes);
const encrypted = new VectorTable(kernels, dims);
const signs = Float32Array.from(
  { length: bits },
  (_, i) => ((own[i >> 3]! >> (i & 7)) & 1 ? 1 : -1) * (0.5 + random()),
);
const ofCodes = { rowBytes: codeBytes, most: MOST_CODES, make: someCodes };
const kinds: readonly (Growing<Uint8Array> | Growing<Float32Array>)[] = [
  {
    ...{ name: 'codes, Hamming distance', ...ofCodes, add: (rows: Uint8Array) => void hamming.add(rows) },
    search: () => hamming.nearest(own, K).indices[0],
  },
  {
    ...{ name: 'codes, weighted score (`client`)', ...ofCodes, add: (rows: Uint8Array) => void weighted.add(rows) },
    search: () => weighted.top(signs, K).indices[0],
  },
  {
    ...{ name: 'encrypted vectors, all (`server`)', rowBytes: 4 * dims, most: MOST_VECTORS, make: someVectors },
    add: (rows: Float32Array) => void encrypted.append(rows),
    search: () => encrypted.top(trapdoor, K).indices[0],
  },
];

/** Each record in `assigned` random buckets of the vocabulary's, the first in bucket 0. */
function prefilterOf(count: number): PostingTable {
  const lists = Array.from({ length: buckets }, (): number[] => []);
  for (let record = 0; record < count; record++) {
    const first = record === 0 ? 0 : Math.floor(buckets * random());
    for (let a = 0; a < assigned; a++) lists[(first + a * 7) % buckets]!.push(record);
  }
  const offsets = new Uint32Array(buckets + 1);
  lists.forEach((list, i) => (offsets[i + 1] = offsets[i]! + list.length));
  const tokens = BigUint64Array.from(lists, (_, i) => BigInt(i + 1));
  return new PostingTable(kernels, { tokens, offsets, records: Uint32Array.from(lists.flat()), recordCount: count });
}

function timed(search: () => number | undefined): number {
  const times = Array.from({ length: SEARCHES }, () => {
    const start = performance.now();
    assert.is(search(), 0, 'the row that was put in is found first');
    return performance.now() - start;
  });
  return median(times);
}

const rows: string[][] = [];
const places: Place[] = [];
let before: { name: string; count: number; ms: number } | undefined;

function note(name: string, count: number, ms: number, rowBytes: number, adding?: number): void {
  // How the time grows from the size before: with the power 1 it doubles as the collection does.
  const power = before?.name === name ? Math.log(ms / before.ms) / Math.log(count / before.count) : undefined;
  before = { name, count, ms };
  places.push({ x: count, y: ms, series: name });
  rows.push([
    ...[name, count.toLocaleString('en'), duration(ms), duration(ms / count), power?.toFixed(2) ?? ''],
    ...[rowBytes.toLocaleString('en'), adding === undefined ? '' : duration(adding)],
  ]);
}

/** Powers of ten, and the round number that fits last. */
function sizes(fits: number): number[] {
  const out: number[] = [];
  for (let count = FIRST; count <= fits; count *= 10) out.push(count);
  const round = Math.floor(fits / out.at(-1)!) * out.at(-1)!;
  return round > out.at(-1)! ? [...out, round] : out;
}

function grow<Rows>({ name, rowBytes, most, make, add, search }: Growing<Rows>): void {
  let held = 0;
  for (const count of sizes(Math.min(most, Math.floor(TABLE_BYTES / rowBytes)))) {
    const times: number[] = [];
    for (; held < count; held += FIRST) {
      const made = make(held === 0);
      const start = performance.now();
      add(made);
      times.push(performance.now() - start);
    }
    note(name, count, timed(search), rowBytes, times.reduce((sum, ms) => sum + ms, 0) / times.length / FIRST);
  }
}

for (const kind of kinds) grow(kind as Growing<unknown>);
for (const count of sizes(encrypted.count)) {
  const prefilter = prefilterOf(count);
  const tokens = BigUint64Array.from({ length: probes }, (_, i) => BigInt(1 + ((20 * i) % buckets)));
  const search = (): number | undefined => encrypted.top(trapdoor, K, prefilter.lookUp(tokens)).indices[0];
  // Besides the vector: a record's number in each bucket, its stamp, its place in the answer.
  note('encrypted vectors, prefiltered (`server`)', count, timed(search), 4 * (dims + assigned + 2));
}
table(
  `Search for the first ${K}, one thread; ${bits} bits, ${dims} numbers a vector, ${probes} of ${buckets} buckets probed`,
  ['what is searched', 'records', 'a search', 'of it, a record', 'power', 'bytes a record', 'adding one'],
  rows,
);
chart('Milliseconds of a search by records held', 'records', 'ms', places);
