/**
 * Ranking by the server: secure-kNN vectors as f32 and as int8, beside plaintext vectors of n numbers in f32, on equal work.
 *
 *     npm run bench -- vectors
 *     COUNT=1000000 npm run bench -- vectors          that many rows; all three take 12 GB of memory a million, and where there is less int8 alone is timed
 *
 * What must not be exceeded is the price of the method: 2 (n + U + 1) numbers for n, and a tenth. Rows are sealed codes, the vocabulary's public
 * reference codes (real photos) with an eighth of their bits flipped, over and over until there are enough; so are the queries. Checks first that without
 * noise f32 ranks as the plaintext does; how much of the first 20 int8 keeps is a table.
 */
import { totalmem } from 'node:os';
import * as assert from 'uvu/assert';
import { loadVocabulary } from '../src/adapters/package-files.ts';
import { gaussian, seededRandom } from '../src/base/random.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import { NOISE_SLOTS, SecureKnn } from '../src/crypto/secure-knn.ts';
import { Int8Table } from '../src/search/int8-table.ts';
import type { TopK } from '../src/search/top-k.ts';
import { VectorTable } from '../src/search/vector-table.ts';
import { bytes, kernels } from '../test/support.ts';
import { duration } from './document.ts';
import { Bench } from './harness.ts';
import { report, table } from './report.ts';
import { variant } from './variants.ts';

const COUNT = Number(process.env['COUNT'] ?? 100_000);
/** Distinct codes. */
const CODES = 5_000;
const QUERIES = 100;
const TOP = 20;
const K = 10;

const { vocabulary } = await loadVocabulary();
const { bits } = vocabulary;
const random = seededRandom(1);

/** The bits of a code as +1 and -1. */
function signs(code: Uint8Array): Float32Array {
  return Float32Array.from({ length: bits }, (_, i) => ((code[i >> 3]! >> (i & 7)) & 1 ? 1 : -1));
}

const codes = Array.from({ length: CODES }, () => variant(vocabulary, random));
const queries = Array.from({ length: QUERIES }, () =>
  signs(variant(vocabulary, random)).map((sign) => sign * Math.abs(gaussian(random))),
);
const plain = new VectorTable(kernels, bits);
for (const code of codes) plain.append(signs(code));

/** Share of the first that are among the second. */
function shared(a: Uint32Array, b: Uint32Array): number {
  return a.filter((index) => b.includes(index)).length / a.length;
}

const rows: string[][] = [];
const sealed: { f32: Float32Array; int8: Int8Array }[] = [];
for (const noise of [0, DEFAULT_INDEX.noise]) {
  const knn = new SecureKnn(kernels, { key: bytes(32, 1), bits, noise, split: DEFAULT_INDEX.split });
  const [f32, int8] = [new VectorTable(kernels, knn.dims), new Int8Table(kernels, knn.dims)];
  sealed.length = 0;
  for (const code of codes) {
    const vector = knn.seal(code);
    sealed.push({ f32: vector, int8: knn.round(vector) });
    f32.append(vector);
    int8.append(sealed.at(-1)!.int8);
  }
  const sums = [0, 0, 0];
  let squares = 0;
  for (const query of queries) {
    const trapdoor = knn.trapdoor(query);
    const [p, f, i] = [plain, f32, int8].map((side) => side.top(side === plain ? query : trapdoor, TOP).indices);
    if (noise === 0) assert.ok(shared(f!, p!) > 1 - 1 / TOP, 'without noise, f32 ranks as the plaintext does');
    [shared(i!, f!), shared(f!, p!), shared(i!, p!)].forEach((share, at) => (sums[at]! += share / QUERIES));
    const all = [f32, int8].map((side) => scoresOf(side.top(trapdoor, CODES)));
    const scale = spread(all[0]!) / spread(scoresOf(plain.top(query, CODES)));
    squares += all[0]!.reduce((sum, score, at) => sum + ((score - all[1]![at]!) / scale) ** 2, 0);
  }
  rows.push([
    ...[String(noise), ...sums.map((share) => share.toFixed(3))],
    Math.sqrt(squares / (QUERIES * CODES)).toFixed(2),
  ]);
}

/** By row. */
function scoresOf({ indices, scores }: { indices: Uint32Array; scores: Float32Array }): Float32Array {
  const out = new Float32Array(indices.length);
  indices.forEach((index, place) => (out[index] = scores[place]!));
  return out;
}

function spread(scores: Float32Array): number {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length);
}

table(
  `Of the first ${TOP} among ${CODES} codes of ${bits} bits, ${QUERIES} queries: what int8 keeps of f32 sealed alike, and each of the plaintext; and the deviation of what rounding adds to a score, in the unit of the noise`,
  ['noise', 'int8 of f32', 'f32 of plaintext', 'int8 of plaintext', 'rounding'],
  rows,
);

const dims = sealed[0]!.f32.length;
const [plainTable, f32Table, int8Table] = [
  new VectorTable(kernels, bits),
  new VectorTable(kernels, dims),
  new Int8Table(kernels, dims),
];
/** Whether there is memory for all three. */
const fits = (4 * (bits + dims) + dims) * COUNT < 0.7 * totalmem();
for (let row = 0; row < COUNT; row++) {
  if (fits) plainTable.append(signs(codes[row % CODES]!));
  if (fits) f32Table.append(sealed[row % CODES]!.f32);
  int8Table.append(sealed[row % CODES]!.int8);
}
const [query, trapdoor] = [queries[0]!, new Float32Array(dims)];
trapdoor.set(new SecureKnn(kernels, { key: bytes(32, 1), bits, noise: 0, split: DEFAULT_INDEX.split }).trapdoor(query));
const bench = new Bench({ name: `${COUNT} rows, n = ${bits}, top ${K}`, time: 3000 });
if (fits) bench.add(`plaintext f32, ${bits} numbers`, () => void plainTable.top(query, K));
if (fits) bench.add(`secure kNN f32, ${dims} numbers`, () => void f32Table.top(trapdoor, K));
bench.add(`secure kNN int8, ${dims} numbers`, () => void int8Table.top(trapdoor, K));
await bench.run();
report(bench, { unit: 'rows', perRun: COUNT });
if (fits) {
  const price = (2 * (bits + NOISE_SLOTS + 1)) / bits;
  const figures = bench.figures();
  table(
    `Against plaintext; the method's price is 2 (n + U + 1) / n = ${price.toFixed(2)} in f32, the goal 1.1 times that`,
    ['side', 'bytes a row', 'median', 'times plaintext', 'goal'],
    figures.map(({ side, median }, i) => [
      side,
      String([4 * bits, 4 * dims, dims + 4][i]),
      duration(median),
      (median / figures[0]!.median).toFixed(2),
      ['', `at most ${(1.1 * price).toFixed(2)}`, 'at most 1'][i]!,
    ]),
  );
}

if (fits) {
  const trapdoors = Array.from({ length: 8 }, (_, i) =>
    trapdoor.map((number, at) => (at % 8 === i ? -number : number)),
  );
  const alone = (): TopK[] => trapdoors.map((each) => f32Table.top(each, K));
  assert.equal(f32Table.topMany(trapdoors, K), alone());
  const together = new Bench({
    name: `${COUNT} rows, ${trapdoors.length} secure kNN f32 queries, top ${K}`,
    time: 3000,
  });
  together.add('one after another', () => void alone());
  together.add('in one pass', () => void f32Table.topMany(trapdoors, K));
  await together.run();
  report(together, { unit: 'rows', perRun: trapdoors.length * COUNT });
}
