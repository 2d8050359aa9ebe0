import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VectorTable } from '../src/search/vector-table.ts';
import { innerProduct } from './reference/inner-product.ts';
import { topK } from './reference/top-k.ts';
import { NOT_BYTES, builds, floats, kernels } from './support.ts';

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`VectorTable, ${build}`);

  test('known answers', () => {
    const table = new VectorTable(module, 3);
    table.append(Float32Array.of(1, 0, 0, 0, 2, 0, 1, 1, 1));
    const query = Float32Array.of(1, 2, 3);
    assert.equal(table.top(query, 3), { indices: Uint32Array.of(2, 1, 0), scores: Float32Array.of(6, 4, 1) });
    assert.equal(table.top(query, 9, Uint32Array.of(0, 1)).indices, Uint32Array.of(1, 0));
  });

  test('equals the definition at every length', () => {
    for (let dims = 1; dims <= 70; dims++) for (const count of [0, 1, 37]) check(dims, count);
    for (const count of [511, 512, 513, 1025]) check(5, count);
  });

  const check = (dims: number, count: number): void => {
    // Small integers: sums are exact, and ties are many.
    const rows = floats(count * dims, count + dims).map((value) => Math.round(2 * value));
    const query = floats(dims, 7).map((value) => Math.round(2 * value));
    const table = new VectorTable(module, dims);
    table.append(rows);
    const expected = Array.from({ length: count }, (_, i) =>
      innerProduct(query, rows.subarray(i * dims, (i + 1) * dims)),
    );
    for (const k of [1, 6, 2000]) {
      const { indices, scores } = table.top(query, k);
      assert.equal({ indices: [...indices], scores: [...scores].map((x) => x + 0) }, topK(expected, k));
    }
    if (count > 0) {
      const queries = [query, floats(dims, 8), query.map((value) => -value)];
      for (const list of [queries, queries.slice(1)])
        assert.equal(
          table.topMany(list, 6),
          list.map((each) => table.top(each, 6)),
        );
    }
    const candidates = Uint32Array.from({ length: Math.ceil(count / 2) }, (_, i) => count - 1 - 2 * i);
    const { indices } = table.top(query, 9, candidates);
    const chosen = Array.from(candidates, (index) => expected[index]!);
    assert.equal([...indices], topK(chosen, 9, candidates).indices);
  };

  test('real numbers are close to the definition', () => {
    const rows = floats(50 * 1057, 1);
    const query = floats(1057, 2);
    const table = new VectorTable(module, 1057);
    table.append(rows);
    const { indices, scores } = table.top(query, 50);
    indices.forEach((index, i) => {
      const expected = innerProduct(query, rows.subarray(index * 1057, (index + 1) * 1057));
      assert.ok(Math.abs(scores[i]! - expected) < 1e-3);
    });
  });

  test.run();
}

const test = suite('VectorTable');

test('append and replace, against a plain list', () => {
  const dims = 6;
  const table = new VectorTable(kernels, dims);
  const list: Float32Array[] = [];
  let seed = 1;
  for (let step = 0; step < 400; step++) {
    const row = floats(dims, seed++);
    const index = list.length === 0 ? 0 : (step * 7919) % list.length;
    if (step % 5 === 3 && list.length > 0) {
      table.replace(index, row);
      list[index] = row;
    } else {
      assert.is(table.append(row), list.length);
      list.push(row);
    }
    assert.is(table.count, list.length);
  }
  const query = floats(dims, 0);
  const { indices, scores } = table.top(query, list.length);
  assert.equal(
    [...indices].sort((a, b) => a - b),
    list.map((_, i) => i),
  );
  indices.forEach((index, i) => assert.ok(Math.abs(scores[i]! - innerProduct(query, list[index]!)) < 1e-5));
});

test('a vector of NaN is never found', () => {
  const table = new VectorTable(kernels, 4);
  table.append(Float32Array.of(NaN, 0, 0, 0, 1, 0, 0, 0));
  assert.equal([...table.top(Float32Array.of(1, 1, 1, 1), 2).indices], [1]);
});

test('rejects what it cannot use', () => {
  for (const dims of [0, -4, 1.5, NaN, 65537]) assert.throws(() => new VectorTable(kernels, dims), /"dims" expected/);
  const table = new VectorTable(kernels, 4);
  for (const bad of NOT_BYTES) {
    assert.throws(
      () => table.append(bad as Float32Array),
      (error: Error) => error instanceof TypeError,
    );
    assert.throws(
      () => table.top(bad as Float32Array, 1),
      (error: Error) => error instanceof TypeError,
    );
  }
  assert.throws(() => table.append(new Float32Array(5)), /"rows" expected multiple of 4 numbers, got 5/);
  assert.throws(() => table.replace(0, new Float32Array(4)), /"index" expected integer/);
  assert.throws(() => table.top(new Float32Array(3), 1), /"query" expected 4 numbers, got 3/);
  assert.throws(() => table.top(new Float32Array(4), 0), /"k" expected integer/);
  assert.throws(() => table.top(new Float32Array(4), 1, Uint32Array.of(7)), /"candidates" expected row numbers/);
});

test.run();
