import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { LshTokens, cheapestSets, samplePositions } from '../src/crypto/lsh-tokens.ts';
import { positions, subsets, token } from './reference/lsh-tokens.ts';
import { NOT_BYTES, bytes, floats } from './support.ts';

const test = suite('lsh-tokens');
const keys = { token: bytes(32, 1), sample: bytes(32, 2) };
const fingerprint = bytes(32, 3);
const blocks = [
  { bits: 80, weight: 200 },
  { bits: 48, weight: 100 },
  { bits: 128, weight: 700 },
];
const options = { tables: 8, bitsPerTable: 13, blocks, fingerprint };

test('known answer: the first table', () => {
  // By test/reference/lsh-tokens.ts, which draws with node:crypto.
  assert.equal([...samplePositions(keys.sample, options).subarray(0, 13)], positions(keys.sample, options)[0]);
});

test('the sampler equals the definition', () => {
  for (const [tables, bitsPerTable, weights] of [
    [1, 1, [1, 1, 1]],
    [32, 14, [200, 100, 700]],
    [3, 48, [0, 3, 65535]],
    [4, 48, [65535, 65535, 0]],
    [5, 40, [1, 0, 0]],
  ] as const) {
    const family = { tables, bitsPerTable, blocks: blocks.map(({ bits }, f) => ({ bits, weight: weights[f]! })) };
    assert.equal([...samplePositions(keys.sample, family)], positions(keys.sample, family).flat());
  }
});

test('a block that is used up is passed over', () => {
  const family = {
    tables: 4,
    bitsPerTable: 12,
    blocks: [
      { bits: 8, weight: 65535 },
      { bits: 8, weight: 1 },
    ],
  };
  const drawn = samplePositions(keys.sample, family);
  assert.equal([...drawn], positions(keys.sample, family).flat());
  for (let t = 0; t < 4; t++) {
    const table = [...drawn.subarray(12 * t, 12 * t + 12)];
    assert.is(new Set(table).size, 12);
    assert.is(table.filter((position) => position < 8).length, 8);
  }
});

test('blocks are sampled as their weights say, and bits within them evenly', () => {
  const drawn = samplePositions(keys.sample, { tables: 1024, bitsPerTable: 12, blocks });
  const share = (from: number, to: number): number => drawn.filter((p) => p >= from && p < to).length / drawn.length;
  // 12,288 draws: a standard error is below 0.005.
  assert.ok(Math.abs(share(0, 80) - 0.2) < 0.02);
  assert.ok(Math.abs(share(80, 128) - 0.1) < 0.02);
  assert.ok(Math.abs(share(128, 256) - 0.7) < 0.02);
  assert.ok(Math.abs(share(128, 192) - 0.35) < 0.02);
});

test('tokens equal the definition', () => {
  for (const bitsPerTable of [1, 7, 8, 9, 13, 16, 17]) {
    const lsh = new LshTokens(keys, { ...options, bitsPerTable });
    const code = bytes(32, bitsPerTable);
    const expected = positions(keys.sample, { ...options, bitsPerTable }).map((table, t) =>
      token(
        keys.token,
        fingerprint,
        t,
        table.map((p) => (code[p >> 3]! >> (p & 7)) & 1),
      ),
    );
    assert.equal([...lsh.tokens(code)], expected);
  }
});

test('one bucket: equal codes share every token, another fingerprint or key shares none', () => {
  const code = bytes(32, 4);
  const of = (k = keys, f = fingerprint): bigint[] => [
    ...new LshTokens(k, { ...options, fingerprint: f }).tokens(code),
  ];
  assert.equal(of(), of());
  assert.not.ok(of(keys, bytes(32, 9)).some((t) => of().includes(t)));
  assert.not.ok(of({ ...keys, token: bytes(32, 9) }).some((t) => of().includes(t)));
});

test('probes: every bucket of 2^10, in the order of the brute force', () => {
  const family = { ...options, tables: 3, bitsPerTable: 10 };
  const lsh = new LshTokens(keys, family);
  const margins = floats(256, 5);
  const all = lsh.probes({ margins }, 1024);
  assert.is(all.length, 3 * 1024);
  positions(keys.sample, family).forEach((table, t) => {
    const sampled = table.map((p) => margins[p]!);
    const order = sampled.map((_, i) => i).sort((a, b) => Math.abs(sampled[a]!) - Math.abs(sampled[b]!) || a - b);
    const expected = subsets(order.map((i) => Math.abs(sampled[i]!))).map(({ set }) => {
      const bits: number[] = sampled.map((margin) => (margin >= 0 ? 1 : 0));
      order.forEach((i, rank) => ((set >> rank) & 1 ? (bits[i] = 1 - bits[i]!) : undefined));
      return token(keys.token, fingerprint, t, bits);
    });
    assert.equal([...all.subarray(1024 * t, 1024 * (t + 1))], expected);
    assert.equal([...lsh.probes({ margins }, 7).subarray(7 * t, 7 * (t + 1))], expected.slice(0, 7));
  });
  assert.is(lsh.probes({ margins }, 5000).length, 3 * 1024, 'there are no more buckets');
});

test('the first probe of a table is the token of the query as a code', () => {
  const lsh = new LshTokens(keys, options);
  const margins = floats(256, 6);
  margins[0] = 0;
  margins[1] = -0;
  const code = new Uint8Array(32);
  margins.forEach((margin, i) => (code[i >> 3]! |= (margin >= 0 ? 1 : 0) << (i & 7)));
  assert.equal([...lsh.probes({ margins }, 1)], [...lsh.tokens(code)]);
  assert.equal(
    [...lsh.probes({ margins }, 4)].filter((_, i) => i % 4 === 0),
    [...lsh.tokens(code)],
  );
});

test('the cheapest sets, ties and zeros too', () => {
  const cost = fc.oneof(fc.nat(3), fc.double({ min: 0, max: 10, noNaN: true }));
  fc.assert(
    fc.property(fc.array(cost, { maxLength: 8 }), fc.integer({ min: 1, max: 300 }), (costs, count) => {
      const ascending = [...costs].sort((a, b) => a - b);
      const expected = subsets(ascending).slice(0, count);
      assert.equal(
        cheapestSets(ascending, count),
        expected.map(({ set }) => set),
      );
    }),
    { seed: 42, numRuns: 300 },
  );
});

test('rejects what it cannot use', () => {
  const type = (error: unknown): boolean => error instanceof TypeError;
  const range = (error: unknown): boolean => error instanceof RangeError;
  const lsh = new LshTokens(keys, options);
  for (const bad of NOT_BYTES) {
    assert.throws(() => new LshTokens({ ...keys, token: bad as Uint8Array }, options), type);
    assert.throws(() => new LshTokens({ ...keys, sample: bad as Uint8Array }, options), type);
    assert.throws(() => lsh.tokens(bad as Uint8Array), type);
    assert.throws(() => lsh.probes({ margins: bad as Float32Array }, 1), type);
  }
  for (const change of [
    { tables: 0 },
    { tables: 1025 },
    { bitsPerTable: 0 },
    { bitsPerTable: 49 },
    { fingerprint: bytes(31, 1) },
    { blocks: [] },
    { blocks: [{ bits: 12, weight: 1 }] },
    { blocks: [{ bits: 64, weight: 1.5 }] },
    {
      blocks: [
        { bits: 8, weight: 1 },
        { bits: 64, weight: 0 },
      ],
    },
  ])
    // prettier-ignore
    assert.throws(() => new LshTokens(keys, { ...options, ...change }), range);
  assert.throws(() => lsh.tokens(bytes(31, 1)), /"code" expected 32 bytes, got 31/);
  assert.throws(() => lsh.probes({ margins: floats(255, 1) }, 1), /"margins" expected 256 numbers, got 255/);
  assert.throws(() => lsh.probes({ margins: floats(256, 1).fill(NaN, 3, 4) }, 1), range);
  assert.throws(() => lsh.probes({ margins: floats(256, 1) }, 0), range);
});

test.run();
