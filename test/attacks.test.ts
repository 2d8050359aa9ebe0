/** Attacks on seeded libraries of 64-bit codes: they succeed where the scheme says they do, and find nothing where it says there is nothing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cholesky, solveCholesky } from '../src/attacks/cholesky.ts';
import { recoverCodes, sign } from '../src/attacks/known-plaintext.ts';
import { laneOutputs, solveLane } from '../src/attacks/logistic-lane.ts';
import { logisticLayer } from '../src/attacks/logistic-layer.ts';
import { scoreLattice } from '../src/attacks/score-lattice.ts';
import { sealIndex, type SealedIndex } from '../src/attacks/sealed-index.ts';
import { attackIndex, type StoredIndex, type SuiteResult } from '../src/attacks/suite.ts';
import { refineCodes } from '../src/attacks/self-training.ts';
import { whiten } from '../src/attacks/whiten.ts';
import { gaussian, seededRandom, shuffle } from '../src/base/random.ts';
import type { Ranking } from '../src/protocol/messages.ts';
import { bytes, floats, kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const BITS = 64;
const CODE_BYTES = BITS / 8;
const COUNT = 600;

const test = suite('attacks');

/** Codes in families of ten: each code is its family's with an eighth of the bits drawn anew. */
function families(count: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const codes = new Uint8Array(count * CODE_BYTES);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < CODE_BYTES; j++) {
      const parent = i % 10 === 0 ? 256 * random() : codes[(i - (i % 10)) * CODE_BYTES + j]!;
      codes[i * CODE_BYTES + j] = parent ^ (random() < 0.5 ? 1 << Math.floor(8 * random()) : 0);
    }
  return codes;
}

/** What a server would hold of the codes, in an order that says nothing. */
function store(ranking: Ranking, codes: Uint8Array, noise: number): StoredIndex & SealedIndex {
  const prefilter = { family: 'lsh', tables: 8, sampledBits: 8, probes: 32 } as const;
  const index = { ranking, prefilter, noise, split: 3 };
  const count = codes.length / CODE_BYTES;
  const order = shuffle(
    Uint32Array.from({ length: count }, (_, i) => i),
    seededRandom(4),
  );
  return { ...sealIndex(kernels, smallVocabulary(), index, codes), count, places: Float64Array.from(order) };
}

function attack(ranking: Ranking, noise: number): SuiteResult {
  const codes = families(COUNT, 5);
  const stored = store(ranking, codes, noise);
  const queries =
    ranking !== 'server'
      ? []
      : [1, 2, 3].map((seed) => {
          const query = floats(BITS, seed);
          return { query, trapdoor: stored.trapdoor(query) };
        });
  return attackIndex(kernels, stored, { codes, queries }, { known: [50, 300], asked: 60 });
}

test('Cholesky: known answer, and systems it solves', () => {
  const two = Float64Array.of(4, 2, 2, 10);
  cholesky(two, 2);
  assert.equal([two[0], two[2], two[3]], [2, 1, 3]);
  const n = 13;
  const half = floats(n * n, 4);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) matrix[i * n + j]! += half[i * n + k]! * half[j * n + k]!;
      if (i === j) matrix[i * n + j]! += 0.1;
    }
  const x = Float64Array.from(floats(n, 5));
  const b = x.map((_, i) => x.reduce((sum, value, j) => sum + matrix[i * n + j]! * value, 0));
  cholesky(matrix, n);
  solveCholesky(matrix, n, b);
  b.forEach((value, i) => assert.ok(Math.abs(value - x[i]!) < 1e-9));
  assert.throws(() => cholesky(Float64Array.of(1, 2, 2, 1), 2), /positive definite/);
});

test('whitening: unit covariance, whatever the map', () => {
  const [count, dims] = [500, 5];
  const random = seededRandom(8);
  const map = floats(dims * dims, 9);
  const rows = new Float32Array(count * dims);
  for (let i = 0; i < count; i++) {
    const plain = Array.from({ length: dims }, () => gaussian(random));
    for (let j = 0; j < dims; j++)
      rows[i * dims + j] = 7 + plain.reduce((sum, p, k) => sum + map[j * dims + k]! * p, 0);
  }
  const white = whiten(kernels, rows, count, dims);
  for (let a = 0; a < dims; a++)
    for (let b = 0; b < dims; b++) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += (white[i * dims + a]! * white[i * dims + b]!) / count;
      assert.ok(Math.abs(sum - Number(a === b)) < 0.01, `${a} ${b} ${sum}`);
    }
});

test('server: known images give the codes of all others, and the queries, also through little noise', () => {
  for (const noise of [0, 2]) {
    const [few, many] = attack('server', noise).knownPlaintext!;
    assert.ok(many!.bits > 0.99, `noise ${noise}: ${many!.bits}`);
    assert.ok(many!.whole > 0.8);
    assert.ok(few!.bits > 0.55 && few!.bits < 0.95, String(few!.bits));
    assert.ok(many!.queryCosine > (noise === 0 ? 0.999 : 0.7), String(many!.queryCosine));
    assert.ok(many!.queryBits > 0.8);
  }
});

test('server: noise of the size of a bit is on every entry, and no number of known images takes it off', () => {
  const [, many] = attack('server', 8).knownPlaintext!;
  assert.ok(many!.bits > 0.7 && many!.bits < 0.93, String(many!.bits));
  assert.is(many!.whole, 0);
});

/** Share of the bits of unknown images that are right. */
function rightBits(guess: Float32Array, codes: Uint8Array, known: Uint32Array): number {
  const seen = new Set(known);
  let right = 0;
  for (let image = 0; image < COUNT; image++)
    for (let bit = 0; bit < BITS; bit++)
      if (!seen.has(image) && guess[image * BITS + bit]! > 0 === sign(codes, CODE_BYTES, image, bit) > 0) right++;
  return right / ((COUNT - seen.size) * BITS);
}

test('server: vectors of another key give nothing', () => {
  const codes = families(COUNT, 5);
  const { vectors } = store('server', families(COUNT, 6), 0);
  const known = Uint32Array.from({ length: 300 }, (_, i) => i);
  const whitened = whiten(kernels, vectors, COUNT, vectors.length / COUNT);
  const guess = recoverCodes(kernels, whitened, codes, COUNT, known);
  const share = rightBits(guess, codes, known);
  assert.ok(share > 0.45 && share < 0.55, String(share));
  const refined = refineCodes(kernels, whitened, codes, COUNT, known, guess) ?? guess;
  assert.ok(Math.abs(rightBits(refined, codes, known) - 0.5) < 0.05);
});

test('server: guesses taken for known give better ones, if they are good enough', () => {
  const codes = families(COUNT, 5);
  const attempt = (noise: number, number: number): { first: number; refined: number | undefined } => {
    const { vectors } = store('server', codes, noise);
    const whitened = whiten(kernels, vectors, COUNT, vectors.length / COUNT);
    const known = Uint32Array.from({ length: number }, (_, i) => Math.floor((i * COUNT) / number));
    const first = recoverCodes(kernels, whitened, codes, COUNT, known);
    const refined = refineCodes(kernels, whitened, codes, COUNT, known, first);
    return { first: rightBits(first, codes, known), refined: refined && rightBits(refined, codes, known) };
  };
  const { first, refined } = attempt(1, 110);
  assert.ok(first < 0.97 && refined! > 0.97 && refined! > first + 0.02, `${first} to ${refined}`);
  assert.is(attempt(4, 70).refined, undefined);
  assert.is(attempt(0, 50).refined, undefined, 'too few to be tried');
});

test('server: whitened vectors show which images are alike, also under a wide split', () => {
  const { similarity, order } = attack('server', 0);
  assert.ok(similarity!.whitened.found > 5 * similarity!.whitened.chance, String(similarity!.whitened.found));
  assert.ok(similarity!.whitened.found > similarity!.stored.found);
  assert.ok(order!.found < 4 * order!.chance, 'places say nothing here');
});

test('split: tokens are left; client: nothing but order and counts', () => {
  const split = attack('split', 0);
  assert.equal([split.knownPlaintext, split.similarity, split.lattice], [undefined, undefined, undefined]);
  assert.ok(split.tokens!.found > 5 * split.tokens!.chance);
  const client = attack('client', 0);
  assert.equal(Object.keys(client).sort(), ['images', 'order']);
});

test('scores on a lattice give exact distances; real-valued queries and noise do not', () => {
  const random = seededRandom(3);
  const distances = Int32Array.from({ length: 700 }, () => Math.round(32 + 4 * gaussian(random)));
  const least = Math.min(...distances);
  const scores = (noise: number): Float64Array =>
    Float64Array.from(distances, (d) => -1.73 * (d + noise * gaussian(random)) + 11.3);
  const exact = scoreLattice(scores(0), BITS);
  assert.ok(exact.found && exact.peak > 0.999);
  assert.ok(Math.abs(exact.step - 1.73) < 1e-3, String(exact.step));
  assert.equal(
    [...exact.distances],
    [...distances].map((d) => d - least),
  );
  assert.not(scoreLattice(scores(2), BITS).found);
  assert.not(
    scoreLattice(
      Float64Array.from({ length: 700 }, () => gaussian(random)),
      BITS,
    ).found,
  );
  assert.not(scoreLattice(new Float64Array(700), BITS).found);
});

for (const start of [0.6, 0.2])
  test(`a lane of the logistic map is solved from its outputs, the first of ${start}`, () => {
    // Numbers of the scheme: mu = 3.9999 + u 0.00009.
    const mu = 3.9999 + 0.37 * 0.00009;
    const outputs = laneOutputs({ mu, step: 0, x: start }, 100);
    const lane = solveLane(outputs.subarray(0, start === 0.6 ? 6 : 4));
    assert.ok(lane !== undefined);
    assert.equal(laneOutputs(lane!, 100), outputs);
  });

test('the logistic stream alone opens by reuse; sealed as the library seals, nothing opens', async () => {
  const result = await logisticLayer(kernels, bytes(3000, 1), bytes(2500, 2), 1, bytes(32, 3));
  assert.is(result.reuse, 1);
  assert.is(result.header, 1);
  assert.ok(result.sealedReuse < 0.02 && result.sealedHeader < 0.05);
  assert.ok(result.entropy > 7.9 && result.chiSquare < 400, 'and yet it passes the usual figures');
});

test.run();
