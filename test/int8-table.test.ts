import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { numbersOf, scaleOf, setScale } from '../src/base/stored-vector.ts';
import { Int8Table } from '../src/search/int8-table.ts';
import { int8Product, roundQuery } from './reference/int8-product.ts';
import { innerProduct } from './reference/inner-product.ts';
import { topK } from './reference/top-k.ts';
import { builds, bytes, floats, kernels } from './support.ts';

/** Vectors with scales between 0.5 and 1.5. */
function vectors(count: number, dims: number, seed: number): Int8Array {
  const rows = new Int8Array(bytes(count * (dims + 4), seed).buffer);
  const scales = floats(count, seed);
  for (let i = 0; i < count; i++) setScale(rows.subarray(i * (dims + 4), (i + 1) * (dims + 4)), 1 + scales[i]! / 2);
  return rows;
}

function vector(numbers: readonly number[], scale: number): Int8Array {
  const made = Int8Array.from([...numbers, 0, 0, 0, 0]);
  setScale(made, scale);
  return made;
}

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`Int8Table, ${build}`);

  test('known answers', () => {
    const table = new Int8Table(module, 3);
    for (const row of [
      vector([1, 0, 0], 1),
      vector([0, 2, 0], 1),
      vector([1, 1, -128], 0.5),
      vector([127, 0, 0], 0.25),
    ])
      table.append(row);
    // The query's steps are 1, so that sums are exact.
    const query = Float32Array.of(16384, 0, -32767);
    const { indices, scores } = table.top(query, 9);
    assert.equal([...indices], [2, 3, 0, 1]);
    assert.equal([...scores], [0.5 * (16384 + 128 * 32767), 0.25 * 127 * 16384, 16384, 0].map(Math.fround));
  });

  test('equals the definition at every length', () => {
    for (let dims = 1; dims <= 70; dims++) for (const count of [0, 1, 37]) check(dims, count);
    for (const count of [511, 512, 513, 1025]) check(5, count);
    check(1730, 3);
  });

  const check = (dims: number, count: number): void => {
    const rows = vectors(count, dims, count + dims);
    const query = floats(dims, 7);
    const table = new Int8Table(module, dims);
    table.append(rows);
    const rounded = roundQuery(query);
    const row = (i: number): Int8Array => rows.subarray(i * (dims + 4), (i + 1) * (dims + 4));
    const expected = Array.from({ length: count }, (_, i) => int8Product(rounded, row(i)));
    for (const k of [1, 6, 2000]) {
      const { indices, scores } = table.top(query, k);
      assert.equal({ indices: [...indices], scores: [...scores].map((x) => x + 0) }, topK(expected, k));
    }
    const candidates = Uint32Array.from({ length: Math.ceil(count / 2) }, (_, i) => count - 1 - 2 * i);
    const { indices } = table.top(query, 9, candidates);
    const chosen = Array.from(candidates, (index) => expected[index]!);
    assert.equal([...indices], topK(chosen, 9, candidates).indices);
  };

  test('no sum leaves 32 bits, however long the vectors', () => {
    for (const dims of [1, 8, 2114, 65536]) {
      const table = new Int8Table(module, dims);
      table.append(vector(new Array<number>(dims).fill(-128), 1));
      table.append(vector(new Array<number>(dims).fill(127), 1));
      const { indices, scores } = table.top(new Float32Array(dims).fill(-1), 2);
      assert.equal([...indices], [0, 1], `${dims} numbers`);
      assert.ok(Math.abs(scores[0]! / (128 * dims) - 1) < 1e-6);
      assert.ok(Math.abs(scores[1]! / (-127 * dims) - 1) < 1e-6);
    }
  });

  test('the rounding of the query is small beside that of the vectors', () => {
    const [dims, count] = [1730, 50];
    const rows = vectors(count, dims, 1);
    const query = floats(dims, 2);
    const table = new Int8Table(module, dims);
    table.append(rows);
    const { indices, scores } = table.top(query, count);
    indices.forEach((index, i) => {
      const row = rows.subarray(index * (dims + 4), (index + 1) * (dims + 4));
      // A vector's own rounding: half a step, in as many places.
      const own = scaleOf(row) * Math.sqrt(innerProduct(query, query) / 12);
      assert.ok(Math.abs(scores[i]! - innerProduct(query, numbersOf(row))) < own / 10);
    });
  });

  test.run();
}

const test = suite('Int8Table');

test('append, replace and hide, against a plain list', () => {
  const dims = 6;
  const table = new Int8Table(kernels, dims);
  const list: (Int8Array | undefined)[] = [];
  for (let step = 0; step < 400; step++) {
    const row = vectors(1, dims, step + 1);
    const index = list.length === 0 ? 0 : (step * 7919) % list.length;
    if (step % 5 === 3) {
      table.replace(index, row);
      list[index] = row;
    } else if (step % 7 === 6) {
      table.hide(index);
      list[index] = undefined;
    } else {
      assert.is(table.append(row), list.length);
      list.push(row);
    }
    assert.is(table.count, list.length);
  }
  const query = floats(dims, 1000);
  const rounded = roundQuery(query);
  const expected = list.map((row) => (row === undefined ? NaN : int8Product(rounded, row)));
  const shown = list.flatMap((row, i) => (row === undefined ? [] : [i]));
  assert.ok(shown.length < list.length);
  const { indices } = table.top(query, list.length);
  assert.equal(
    [...indices],
    topK(
      shown.map((i) => expected[i]!),
      list.length,
      shown,
    ).indices,
  );
});

test('a query of zeros finds every vector', () => {
  const table = new Int8Table(kernels, 4);
  table.append(vectors(3, 4, 1));
  assert.equal(table.top(new Float32Array(4), 9), { indices: Uint32Array.of(0, 1, 2), scores: new Float32Array(3) });
});

test('rejects what it cannot use', () => {
  for (const dims of [0, -4, 1.5, NaN, 65537]) assert.throws(() => new Int8Table(kernels, dims), /"dims" expected/);
  const table = new Int8Table(kernels, 4);
  const type = (error: Error): boolean => error instanceof TypeError;
  for (const bad of [undefined, null, 0, '', [1, 2], {}, new ArrayBuffer(8), new Uint8Array(8), new Float32Array(8)]) {
    assert.throws(() => table.append(bad as Int8Array), type);
    if (!(bad instanceof Float32Array)) assert.throws(() => table.top(bad as Float32Array, 1), type);
  }
  assert.throws(() => table.append(new Int8Array(9)), /"rows" expected multiple of 8 bytes, got 9/);
  assert.throws(() => table.replace(0, new Int8Array(8)), /"index" expected integer/);
  assert.throws(() => table.hide(0), /"index" expected integer/);
  table.append(vectors(1, 4, 1));
  assert.throws(() => table.replace(0, new Int8Array(7)), /"row" expected 8 bytes, got 7/);
  assert.throws(() => table.replace(0, new Uint8Array(8) as unknown as Int8Array), type);
  assert.throws(() => table.top(new Float32Array(3), 1), /"query" expected 4 numbers, got 3/);
  assert.throws(() => table.top(Float32Array.of(1, NaN, 0, 0), 1), /"query" expected finite numbers/);
  assert.throws(() => table.top(new Float32Array(4), 0), /"k" expected integer/);
  assert.throws(() => table.top(new Float32Array(4), 1, Uint32Array.of(7)), /"candidates" expected row numbers/);
});

test.run();
