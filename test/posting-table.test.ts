import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../src/base/random.ts';
import { PostingTable, type Postings } from '../src/search/posting-table.ts';
import { lookUp } from './reference/postings.ts';
import { NOT_BYTES, builds, kernels } from './support.ts';

type Lists = Map<bigint, number[]>;

function postingsOf(lists: Lists, recordCount: number): Postings {
  const tokens = BigUint64Array.from(lists.keys()).sort();
  const offsets = [0];
  const records: number[] = [];
  for (const token of tokens) {
    records.push(...lists.get(token)!);
    offsets.push(records.length);
  }
  return { tokens, offsets: Uint32Array.from(offsets), records: Uint32Array.from(records), recordCount };
}

/** Seeded lists; tokens over all 64 bits, so that a signed comparison would show. */
function randomLists(tokenCount: number, recordCount: number, seed: number): Lists {
  const random = seededRandom(seed);
  const lists: Lists = new Map();
  while (lists.size < tokenCount) {
    const token = (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(Math.floor(random() * 2 ** 32));
    lists.set(
      token,
      Array.from({ length: Math.floor(6 * random()) }, () => Math.floor(recordCount * random())),
    );
  }
  return lists;
}

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`PostingTable, ${build}`);

  test('known answers', () => {
    const lists: Lists = new Map([
      [5n, [0, 2]],
      [0xffff_ffff_ffff_ffffn, [2, 1]],
      [0n, []],
    ]);
    const table = new PostingTable(module, postingsOf(lists, 3));
    assert.equal([...table.lookUp(BigUint64Array.of(5n))], [0, 2]);
    assert.equal([...table.lookUp(BigUint64Array.of(0xffff_ffff_ffff_ffffn, 5n, 5n))], [2, 1, 0]);
    assert.equal([...table.lookUp(BigUint64Array.of(0n, 1n, 6n))], []);
    assert.equal([...table.lookUp(new BigUint64Array(0))], []);
    const empty = new PostingTable(module, postingsOf(new Map(), 0));
    assert.equal([...empty.lookUp(BigUint64Array.of(0n, 1n))], []);
  });

  test('equals the definition at every number of tokens', () => {
    for (let tokenCount = 1; tokenCount <= 66; tokenCount++) {
      const lists = randomLists(tokenCount, 20, tokenCount);
      const table = new PostingTable(module, postingsOf(lists, 20));
      const known = [...lists.keys()];
      for (const token of known) {
        const around = [token, BigInt.asUintN(64, token + 1n), BigInt.asUintN(64, token - 1n)];
        for (const one of around)
          assert.equal([...table.lookUp(BigUint64Array.of(one))], lookUp(lists, [one]), `${tokenCount} tokens`);
      }
      assert.equal([...table.lookUp(BigUint64Array.from(known))], lookUp(lists, known));
    }
  });

  test.run();
}

const test = suite('PostingTable');

test('a query leaves no trace in the next one', () => {
  const lists = randomLists(500, 300, 1);
  const table = new PostingTable(kernels, postingsOf(lists, 300));
  const random = seededRandom(2);
  for (let i = 0; i < 200; i++) {
    const query = [...lists.keys()].filter(() => random() < 0.02);
    assert.equal([...table.lookUp(BigUint64Array.from(query))], lookUp(lists, query));
  }
});

test('rejects what it cannot use', () => {
  const good = postingsOf(new Map([[1n, [0]]]), 1);
  const bad = (change: Partial<Record<keyof Postings, unknown>>, expected: RegExp): void => {
    assert.throws(() => new PostingTable(kernels, { ...good, ...change } as Postings), expected);
  };
  bad({ tokens: [1n] }, /"tokens" expected BigUint64Array/);
  bad({ offsets: [0, 1] }, /"offsets" expected Uint32Array/);
  bad({ records: [0] }, /"records" expected Uint32Array/);
  bad({ recordCount: -1 }, /"recordCount" expected integer/);
  bad({ recordCount: 0 }, /"records" expected numbers below 0, got 0/);
  bad({ offsets: Uint32Array.of(0) }, /"offsets" expected 2 numbers, got 1/);
  bad({ offsets: Uint32Array.of(0, 2) }, /"offsets" expected 0..1, got 0..2/);
  bad({ tokens: BigUint64Array.of(2n, 2n), offsets: Uint32Array.of(0, 1, 1) }, /"tokens" expected ascending/);
  bad({ tokens: BigUint64Array.of(1n, 2n), offsets: Uint32Array.of(0, 2, 1) }, /"offsets" expected ascending/);
  const table = new PostingTable(kernels, good);
  for (const value of NOT_BYTES)
    assert.throws(
      () => table.lookUp(value as BigUint64Array),
      (error: Error) => error instanceof TypeError,
    );
});

test.run();
