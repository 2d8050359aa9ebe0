import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { CentroidBuckets, largest } from '../src/crypto/centroid-buckets.ts';
import { CentroidTokens } from '../src/crypto/centroid-tokens.ts';
import { nearest, scales, token } from './reference/centroid-tokens.ts';
import { NOT_BYTES, bytes, floats } from './support.ts';

const test = suite('centroid-tokens');
const BITS = 64;
const COUNT = 20;
const blocks = [
  { bits: 16, weight: 0.2 },
  { bits: 0, weight: 0 },
  { bits: 48, weight: 0.7 },
];
const centroids = floats(COUNT * BITS, 1);
const rows = Array.from({ length: COUNT }, (_, c) => [...centroids.subarray(c * BITS, (c + 1) * BITS)]);
const key = bytes(32, 2);
const fingerprint = bytes(32, 3);
const options = { centroids, blocks, assigned: 3, fingerprint };
const scale = scales(blocks);

const unit = (code: Uint8Array): number[] => scale.map((s, i) => ((code[i >> 3]! >> (i & 7)) & 1 ? s : -s));
const ascending = (tokens: readonly bigint[]): bigint[] => [...tokens].sort((a, b) => (a < b ? -1 : 1));

test('buckets of codes equal the definition', () => {
  const buckets = new CentroidBuckets(centroids, blocks);
  for (let seed = 0; seed < 50; seed++) {
    const code = bytes(BITS / 8, 100 + seed);
    assert.equal([...buckets.ofCode(code, COUNT)], nearest(unit(code), rows));
    assert.equal([...buckets.ofCode(code, 4)], nearest(unit(code), rows).slice(0, 4));
  }
});

test('a code as a query, under the static weights, reaches the buckets of the code', () => {
  const buckets = new CentroidBuckets(centroids, blocks);
  for (let seed = 0; seed < 50; seed++) {
    const code = bytes(BITS / 8, 200 + seed);
    // q_i = n w_f / n_f b_i
    const query = Float32Array.from(unit(code), (value, i) => BITS * value * scale[i]!);
    assert.equal([...buckets.ofQuery(query, 5)], [...buckets.ofCode(code, 5)]);
  }
});

test('a query is routed by the score that ranks it: its inner product with a centroid in the place of a code', () => {
  const buckets = new CentroidBuckets(centroids, blocks);
  for (let seed = 0; seed < 50; seed++) {
    const query = floats(BITS, 300 + seed);
    const point = [...query].map((value, i) => value / (BITS * scale[i]!));
    assert.equal([...buckets.ofQuery(query, COUNT)], nearest(point, rows));
  }
});

test('a block of weight 0 counts for nothing, in codes and in queries', () => {
  const silent = [
    { bits: 16, weight: 0 },
    { bits: 48, weight: 1 },
  ];
  const buckets = new CentroidBuckets(centroids, silent);
  const code = bytes(BITS / 8, 7);
  const other = code.slice();
  other.fill(0xa5, 0, 2);
  assert.equal(buckets.ofCode(other, COUNT), buckets.ofCode(code, COUNT));
  const query = floats(BITS, 8);
  assert.equal(
    buckets.ofQuery(
      query.map((value, i) => (i < 16 ? -value : value)),
      9,
    ),
    buckets.ofQuery(query, 9),
  );
});

test('tokens equal the definition, in ascending order', () => {
  const family = new CentroidTokens(key, options);
  assert.equal([family.name, family.count], ['centroids', 3]);
  const code = bytes(BITS / 8, 4);
  const query = floats(BITS, 5);
  const name = (found: number[]): bigint[] => ascending(found.map((c) => token(key, fingerprint, c)));
  assert.equal([...family.tokens(code)], name(nearest(unit(code), rows).slice(0, 3)));
  const point = [...query].map((value, i) => value / (BITS * scale[i]!));
  assert.equal([...family.probes({ query }, 7)], name(nearest(point, rows).slice(0, 7)));
  assert.is(family.probes({ query }, 4096).length, COUNT, 'there are no more buckets');
  for (const [k, f] of [
    [bytes(32, 9), fingerprint],
    [key, bytes(32, 9)],
  ] as const) {
    const others = new CentroidTokens(k, { ...options, fingerprint: f, assigned: COUNT }).tokens(code);
    assert.not.ok([...family.probes({ query }, COUNT)].some((each) => others.includes(each)));
  }
});

test('largest: ties go to the lower index, and a shorter list is given whole', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 40 }),
      (list, wanted) => {
        const expected = list.map((_, i) => i).sort((a, b) => list[b]! - list[a]! || a - b);
        assert.equal([...largest(Float64Array.from(list), wanted)], expected.slice(0, wanted));
      },
    ),
    { seed: 42, numRuns: 300 },
  );
});

test('rejects what it cannot use', () => {
  const type = (error: unknown): boolean => error instanceof TypeError;
  const range = (error: unknown): boolean => error instanceof RangeError;
  const family = new CentroidTokens(key, options);
  for (const bad of NOT_BYTES) {
    assert.throws(() => new CentroidTokens(bad as Uint8Array, options), type);
    assert.throws(() => new CentroidTokens(key, { ...options, centroids: bad as Float32Array }), type);
    assert.throws(() => family.tokens(bad as Uint8Array), type);
    assert.throws(() => family.probes({ query: bad as Float32Array }, 1), type);
  }
  for (const change of [
    { centroids: new Float32Array(0) },
    { centroids: floats(BITS + 1, 1) },
    { assigned: 0 },
    { assigned: COUNT + 1 },
    { fingerprint: bytes(31, 1) },
    { blocks: [] },
    { blocks: [{ bits: 64, weight: 0 }] },
    { blocks: [{ bits: 64, weight: 1.5 }] },
  ])
    assert.throws(() => new CentroidTokens(key, { ...options, ...change }), range);
  assert.throws(() => family.tokens(bytes(9, 1)), /"code" expected 8 bytes, got 9/);
  assert.throws(() => family.probes({ query: floats(63, 1) }, 1), /"query" expected 64 numbers, got 63/);
  assert.throws(() => family.probes({ query: floats(64, 1).fill(NaN, 3, 4) }, 1), range);
  assert.throws(() => family.probes({ query: floats(64, 1) }, 0), range);
});

test.run();
