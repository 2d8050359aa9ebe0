import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../src/base/bytes.ts';
import { seededRandom } from '../src/base/random.ts';
import { IdRows } from '../src/index/id-rows.ts';
import { bytes } from './support.ts';

const test = suite('IdRows');

/** Ids that differ in one byte, at one end or in the middle, collide in what a weak hash looks at. */
const KINDS: Record<string, (i: number) => Uint8Array> = {
  spread: (i) => bytes(16, i),
  'first word': (i) => new Uint8Array(new Uint32Array([i, 0, 0, 0]).buffer),
  'last word': (i) => new Uint8Array(new Uint32Array([7, 7, 7, i]).buffer),
  'top bits': (i) => new Uint8Array(new Uint32Array([0, (i << 20) >>> 0, 0, i >>> 12]).buffer),
};

for (const [kind, idOf] of Object.entries(KINDS))
  test(`equals a map, through adding, removing and growing: ids by ${kind}`, () => {
    const rows = new IdRows();
    const expected = new Map<string, number>();
    const random = seededRandom(3);
    let next = 0;
    for (let step = 0; step < 9000; step++) {
      const id = idOf(Math.floor(random() * 4000));
      const known = expected.get(toHex(id));
      assert.is(rows.rowOf(id), known);
      if (known === undefined) {
        assert.is(rows.add(id), next);
        expected.set(toHex(id), next++);
      } else if (step % 3 > 0) {
        rows.remove(known);
        expected.delete(toHex(id));
        assert.is(rows.has(known), false);
      }
      assert.equal([rows.count, rows.length], [expected.size, next]);
    }
    // Rows for which the table has grown more than once.
    assert.ok(next > 2048, String(next));
    for (const [id, row] of expected) {
      assert.is(rows.has(row), true);
      assert.is(toHex(rows.idOf(row)), id);
    }
    assert.is(rows.has(next), false);
  });

for (const [kind, idOf] of Object.entries(KINDS))
  test(`pages of some rows in order, as of a sorted list: ids by ${kind}`, () => {
    const rows = new IdRows();
    for (let i = 0; i < 3000; i++) rows.add(idOf(i));
    const chosen = Uint32Array.from({ length: 1000 }, (_, i) => (i * 7) % 3000);
    const sorted = Array.from(chosen, (row) => toHex(rows.idOf(row))).sort();
    for (const limit of [1, 64, 999, 1000, 5000]) {
      const seen: string[] = [];
      for (let after: Uint8Array | undefined; ;) {
        const page = rows.first(chosen, after, limit);
        seen.push(...page.map(toHex));
        if (page.length < limit) break;
        after = page.at(-1)!;
      }
      assert.equal(seen, sorted);
    }
    assert.equal(rows.first(chosen, new Uint8Array(16).fill(255), 5), []);
    assert.equal(rows.first(new Uint32Array(0), undefined, 5), []);
  });

test('an id at any place in a larger array', () => {
  const rows = new IdRows();
  const large = bytes(40, 1);
  for (let at = 0; at < 8; at++) assert.is(rows.add(large.subarray(at, at + 16)), at);
  for (let at = 0; at < 8; at++) assert.is(rows.rowOf(large.slice(at, at + 16)), at);
  assert.is(rows.rowOf(large.subarray(9, 25)), undefined);
});

test.run();
