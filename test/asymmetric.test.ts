import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { AsymmetricTable } from '../src/search/asymmetric-table.ts';
import { asymmetric } from './reference/asymmetric.ts';
import { topK } from './reference/top-k.ts';
import { NOT_BYTES, builds, bytes, floats, kernels } from './support.ts';

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`AsymmetricTable, ${build}`);

  test('known answers', () => {
    const table = new AsymmetricTable(module, 8);
    table.add(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80));
    const query = new Float32Array(64);
    query[0] = 1;
    query[63] = 4;
    query[20] = 0.5;
    assert.equal([...table.scores(query)], [-5.5, 4.5]);
    assert.equal(table.top(query, 1), { indices: Uint32Array.of(1), scores: Float32Array.of(4.5) });
  });

  test('equals the definition', () => {
    for (let codeBytes = 8; codeBytes <= 128; codeBytes += 8)
      for (const count of [0, 1, 2, 130]) check(codeBytes, count);
    for (const count of [511, 512, 513]) check(8, count);
  });

  const check = (codeBytes: number, count: number): void => {
    const codes = bytes(count * codeBytes, count + codeBytes);
    const table = new AsymmetricTable(module, codeBytes);
    table.add(codes);
    const definition = (query: Float32Array): number[] =>
      Array.from({ length: count }, (_, i) => asymmetric(query, codes.subarray(i * codeBytes, (i + 1) * codeBytes)));
    // Real numbers: close. The sum of up to 1024 numbers below 1 in f32.
    const real = floats(8 * codeBytes, 5);
    const close = definition(real);
    table.scores(real).forEach((score, i) => assert.ok(Math.abs(score - close[i]!) < 1e-3));
    // Small integers: exact, with many ties.
    const query = floats(8 * codeBytes, 6).map((value) => Math.round(2 * value));
    const expected = definition(query);
    assert.equal([...table.scores(query)], expected);
    for (const k of [1, 7, 1000]) {
      const { indices, scores } = table.top(query, k);
      assert.equal({ indices: [...indices], scores: [...scores] }, topK(expected, k));
    }
    const candidates = Uint32Array.from({ length: Math.ceil(count / 2) }, (_, i) => count - 1 - 2 * i);
    const { indices, scores } = table.top(query, 9, candidates);
    assert.equal(
      { indices: [...indices], scores: [...scores] },
      topK(
        Array.from(candidates, (index) => expected[index]!),
        9,
        candidates,
      ),
    );
  };

  test.run();
}

const test = suite('AsymmetricTable');

test('with a query of +1 and -1 it is n - 2 hamming', () => {
  const code = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const table = new AsymmetricTable(kernels, 16);
  table.add(new Uint8Array(16));
  fc.assert(
    fc.property(code, code, (a, b) => {
      table.set(0, b);
      const query = Float32Array.from({ length: 128 }, (_, i) => ((a[i >> 3]! >> (i & 7)) & 1 ? 1 : -1));
      const distance = a.reduce((sum, byte, i) => sum + (byte ^ b[i]!).toString(2).replaceAll('0', '').length, 0);
      assert.is(table.scores(query)[0], 128 - 2 * distance);
    }),
    { seed: 42 },
  );
});

test('add, set and remove, against a plain list', () => {
  const table = new AsymmetricTable(kernels, 8);
  const query = floats(64, 3).map((value) => Math.round(4 * value));
  const list: Uint8Array[] = [];
  for (let round = 0; round < 200; round++) {
    const code = bytes(8, round);
    if (round % 3 < 2 || list.length === 0) {
      assert.is(table.add(code), list.length);
      list.push(code);
    } else if (round % 2 === 0) {
      table.set(round % list.length, code);
      list[round % list.length] = code;
    } else {
      const index = (7 * round) % list.length;
      assert.is(table.remove(index), list.length - 1);
      const last = list.pop()!;
      if (index < list.length) list[index] = last;
    }
    assert.is(table.count, list.length);
  }
  assert.equal(
    [...table.scores(query)],
    list.map((code) => asymmetric(query, code)),
  );
});

test('rejects what it cannot use', () => {
  const table = new AsymmetricTable(kernels, 16);
  for (const bad of NOT_BYTES) {
    assert.throws(
      () => table.add(bad as Uint8Array),
      (error: Error) => error instanceof TypeError,
    );
    assert.throws(
      () => table.scores(bad as Float32Array),
      (error: Error) => error instanceof TypeError,
    );
  }
  assert.throws(() => new AsymmetricTable(kernels, 12), /"codeBytes" expected multiple of 8, got 12/);
  assert.throws(() => table.top(new Float32Array(127), 1), /"query" expected 128 numbers, got 127/);
  assert.throws(() => table.top(new Float32Array(128), 0), /"k" expected integer/);
  assert.throws(() => table.top(new Float32Array(128), 1, Uint32Array.of(0)), /"candidates" expected row numbers/);
  assert.throws(() => table.top(new Float32Array(128), 1, [0] as never), /"candidates" expected Uint32Array/);
  assert.throws(() => table.set(0, new Uint8Array(16)), /"index" expected integer/);
  assert.throws(() => table.remove(0), /"index" expected integer/);
});

test.run();
