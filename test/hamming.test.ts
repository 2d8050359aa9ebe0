import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { HammingTable } from '../src/search/hamming-table.ts';
import { hamming } from './reference/hamming.ts';
import { topK } from './reference/top-k.ts';
import { NOT_BYTES, builds, bytes, kernels } from './support.ts';

function tableOf(
  module: WebAssembly.Module,
  codes: Uint8Array,
  codeBytes: number,
  variant?: 'simd' | 'scalar',
): HammingTable {
  const table = new HammingTable(module, codeBytes, variant);
  table.add(codes);
  return table;
}

for (const [build, module] of Object.entries(builds))
  for (const variant of ['simd', 'scalar'] as const) {
    const test = suite(`HammingTable, ${build}, ${variant}`);

    test('known answers', () => {
      const zeros = new Uint8Array(16);
      const ones = new Uint8Array(16).fill(0xff);
      const one = Uint8Array.from([...zeros.subarray(1), 0x80]);
      const table = tableOf(module, Uint8Array.from([...zeros, ...ones, ...one]), 16, variant);
      assert.equal([...table.distances(zeros)], [0, 128, 1]);
      assert.equal([...table.distances(ones)], [128, 0, 127]);
      const { indices, distances } = table.nearest(zeros, 2);
      assert.equal(
        [[...indices], [...distances]],
        [
          [0, 2],
          [0, 1],
        ],
      );
    });

    // 8 and 24 take the SIMD tail, 32 the unrolled words; 0 and 1 codes are the edges of a table, 511 to 513 of a block.
    test('equals the definition', () => {
      for (let codeBytes = 8; codeBytes <= 128; codeBytes += 8)
        for (const count of [0, 1, 2, 5, 257]) check(codeBytes, count);
      for (const count of [511, 512, 513, 1030]) check(32, count);
    });

    const check = (codeBytes: number, count: number): void => {
      const codes = bytes(count * codeBytes, count + codeBytes);
      const query = bytes(codeBytes, 7);
      const expected = Array.from({ length: count }, (_, i) =>
        hamming(query, codes.subarray(i * codeBytes, (i + 1) * codeBytes)),
      );
      const table = tableOf(module, codes, codeBytes, variant);
      assert.equal([...table.distances(query)], expected);
      for (const k of [1, 3, 10, 2000]) {
        const { indices, distances } = table.nearest(query, k);
        const best = topK(
          expected.map((distance) => -distance),
          k,
        );
        assert.equal([...indices], best.indices, `${count} codes of ${codeBytes} bytes, k = ${k}`);
        assert.equal(
          [...distances],
          best.indices.map((index) => expected[index]!),
        );
      }
    };

    test.run();
  }

const test = suite('HammingTable');

test('measures the variants on a large table, and answers the same', () => {
  const codes = bytes(5000 * 8, 1);
  const query = bytes(8, 2);
  const expected = tableOf(kernels, codes, 8, 'simd');
  const table = tableOf(kernels, codes, 8);
  assert.equal(table.nearest(query, 20), expected.nearest(query, 20));
  assert.equal(table.distances(query), expected.distances(query));
});

test('is a metric', () => {
  const code = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const table = tableOf(kernels, new Uint8Array(16), 16);
  const d = (a: Uint8Array, b: Uint8Array): number => {
    table.set(0, b);
    return table.distances(a)[0]!;
  };
  fc.assert(
    fc.property(code, code, code, (a, b, c) => {
      assert.is(d(a, a), 0);
      assert.is(d(a, b), d(b, a));
      assert.ok(d(a, c) <= d(a, b) + d(b, c));
    }),
    { seed: 42 },
  );
});

test('grows, in pieces, and keeps what it has', () => {
  const codes = bytes(3000 * 40, 3);
  const query = bytes(40, 4);
  const whole = tableOf(kernels, codes, 40);
  const table = new HammingTable(kernels, 40);
  let first = 0;
  for (let at = 0, piece = 1; at < 3000; at += piece, piece = Math.min(2 * piece, 3000 - at)) {
    assert.is(table.add(codes.subarray(40 * at, 40 * (at + piece))), at);
    table.nearest(query, 3);
    first = at;
  }
  assert.ok(first > 0);
  assert.is(table.count, 3000);
  assert.equal(table.distances(query), whole.distances(query));
});

test('keeps earlier results, and does not change its inputs', () => {
  const codes = bytes(64, 1);
  const query = bytes(16, 2);
  const before = [codes.slice(), query.slice()];
  const table = tableOf(kernels, codes, 16);
  const first = table.distances(query);
  const copy = first.slice();
  table.distances(bytes(16, 3));
  assert.equal(first, copy);
  assert.equal([codes, query], before);
});

test('rejects what it cannot use', () => {
  for (const codeBytes of [0, 7, 12, 136, 8.5, NaN, -8])
    assert.throws(
      () => new HammingTable(kernels, codeBytes),
      (error: Error) => error instanceof RangeError,
    );
  const table = new HammingTable(kernels, 16);
  for (const bad of NOT_BYTES) {
    assert.throws(
      () => table.add(bad as Uint8Array),
      (error: Error) => error instanceof TypeError,
    );
    assert.throws(
      () => table.nearest(bad as Uint8Array, 1),
      (error: Error) => error instanceof TypeError,
    );
  }
  assert.throws(() => table.add(new Uint8Array(17)), /"codes" expected multiple of 16 bytes, got 17/);
  assert.throws(() => table.distances(new Uint8Array(15)), /"query" expected 16 bytes, got 15/);
  assert.throws(() => table.set(0, new Uint8Array(16)), /"index" expected integer/);
  for (const k of [0, -1, 1.5, NaN]) assert.throws(() => table.nearest(new Uint8Array(16), k), /"k" expected integer/);
  assert.is(table.nearest(new Uint8Array(16), 5).indices.length, 0);
});

test.run();
