import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { AsymmetricTable } from '../src/search/asymmetric-table.ts';
import { nibbleBounds } from '../src/search/nibble-bounds.ts';
import { asymmetric, boundSteps } from './reference/asymmetric.ts';
import { topK } from './reference/top-k.ts';
import { NOT_BYTES, builds, bytes, floats, kernels } from './support.ts';

/** From so many codes on, a search goes by bounds. */
const LARGE = 2048;

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

  test('a large table: the same answer, with bounds at every length of the code and of the last block', () => {
    for (let codeBytes = 8; codeBytes <= 128; codeBytes += 8) {
      const count = LARGE + (codeBytes / 8 - 1);
      const table = new AsymmetricTable(module, codeBytes);
      table.add(bytes(count * codeBytes, codeBytes));
      for (const query of [
        floats(8 * codeBytes, 5),
        // Ties.
        floats(8 * codeBytes, 6).map((value) => Math.round(2 * value)),
        // One number that rounds all others away, and many zeros.
        floats(8 * codeBytes, 7).map((value, i) => (i === 9 ? 1000 : i % 3 === 0 ? value : 0)),
      ])
        for (const k of [1, 74, 3000]) {
          const { indices, scores } = table.top(query, k);
          assert.equal(
            { indices: [...indices], scores: [...scores] },
            topK(table.scores(query), k),
            `${codeBytes}, ${k}`,
          );
        }
    }
  });

  test('a large table of few codes, each many times, and of neighbours that bounds cannot tell apart', () => {
    const table = new AsymmetricTable(module, 16);
    for (let i = 0; i < LARGE + 7; i++) table.add(bytes(16, i % 5));
    const query = floats(128, 1);
    const near = new AsymmetricTable(module, 16);
    // All bits as the query wants them, but the one that weighs least, or two others.
    const least = [...query.keys()].sort((a, b) => Math.abs(query[a]!) - Math.abs(query[b]!));
    for (let i = 0; i < LARGE + 7; i++) {
      const code = new Uint8Array(16);
      query.forEach((number, bit) => (code[bit >> 3]! |= number > 0 ? 1 << (bit & 7) : 0));
      for (const bit of i % 2 === 0 ? [least[i % 9]!] : [least[1]!, least[2]!]) code[bit >> 3]! ^= 1 << (bit & 7);
      near.add(code);
    }
    for (const side of [table, near]) {
      const { indices, scores } = side.top(query, 100);
      assert.equal({ indices: [...indices], scores: [...scores] }, topK(side.scores(query), 100));
    }
  });

  test('a large table and queries without bounds: zeros, and numbers that are none or too large', () => {
    const table = new AsymmetricTable(module, 8);
    table.add(bytes(8 * LARGE, 1));
    for (const number of [0, NaN, Infinity, 3e38]) {
      const query = floats(64, 2).fill(number, 0, 8);
      if (number === 0) query.fill(0);
      const { indices, scores } = table.top(query, 20);
      assert.equal({ indices: [...indices], scores: [...scores] }, topK(table.scores(query), 20), String(number));
    }
  });

  test.run();
}

const test = suite('AsymmetricTable');

test('no score is above its bound, and few are far below', () => {
  for (const codeBytes of [8, 64, 128])
    for (let seed = 0; seed < 20; seed++) {
      const query = floats(8 * codeBytes, seed).map((value) => value ** (1 + 2 * (seed % 3)));
      const codes = bytes(100 * codeBytes, seed);
      const table = new AsymmetricTable(kernels, codeBytes);
      table.add(codes);
      const { steps, offset, step } = nibbleBounds(query)!;
      assert.ok(steps.every((value) => value <= 63));
      const deviation = Math.sqrt(query.reduce((sum, value) => sum + value * value, 0));
      table.scores(query).forEach((score, i) => {
        const bound = step * boundSteps(steps, codes.subarray(i * codeBytes, (i + 1) * codeBytes)) + offset;
        assert.ok(score <= bound, `${score} of ${bound}`);
        assert.ok(bound - score < 2 * deviation, `${bound} for ${score}`);
      });
    }
  // A step is a 63rd of the widest half byte: here 1, so that 15.75 and 31.5 are rounded.
  const { step, steps } = nibbleBounds(Float32Array.from({ length: 64 }, (_, i) => (i < 4 ? 63 / 8 : 0)))!;
  assert.is(step, 1);
  assert.equal([...steps.subarray(0, 4)], [0, 16, 16, 32]);
  assert.is(nibbleBounds(new Float32Array(64)), undefined);
});

test('what a removal leaves behind in the last block is not found', () => {
  const table = new AsymmetricTable(kernels, 8);
  table.add(bytes(8 * (LARGE + 2), 4));
  const query = floats(64, 4);
  const best = Uint8Array.from({ length: 8 }, (_, b) =>
    query.subarray(8 * b, 8 * b + 8).reduce((byte, number, bit) => byte | (number > 0 ? 1 << bit : 0), 0),
  );
  const place = table.add(best);
  assert.is(table.top(query, 1).indices[0], place);
  table.remove(place);
  assert.ok(table.top(query, 1).indices[0]! < place);
  assert.is(table.add(best), place);
  assert.is(table.top(query, 1).indices[0], place);
});

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
