import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { ANSWER_COUNTS, RECALL_LEVELS, precisionAtRecall, retrievalCurves } from '../src/eval/retrieval-curves.ts';
import * as reference from './reference/precision-at-recall.ts';

const test = suite('retrieval-curves');

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-9, `expected ${expected}, got ${actual}`);
}

test('a worked example', () => {
  // Relevant at ranks 1 and 4, of 2: precision 1 up to recall 0.5, then 0.5.
  const curve = precisionAtRecall([0, 1, 2, 3], [1, 0, 0, 1], 2);
  RECALL_LEVELS.forEach((level, i) => near(curve[i]!, level <= 0.5 ? 1 : 0.5));
  // What is never reached has no precision; a query with nothing to find has no curve.
  near(precisionAtRecall([0], [1, 1], 2).at(-1)!, 0);
  assert.ok(precisionAtRecall([0], [0, 0], 0).every(Number.isNaN));
});

test('equals the definition', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), fc.nat(5), (order, missing) => {
      const count = order.filter(Boolean).length + missing;
      if (count === 0) return;
      const found = precisionAtRecall(Array.from(order.keys()), order.map(Number), count);
      reference.precisionAtRecall(order, count, RECALL_LEVELS).forEach((expected, i) => near(found[i]!, expected));
    }),
    { seed: 11, numRuns: 200 },
  );
});

test('means over the queries, class by class', () => {
  // Two of class a, found first by each other; two of class b, found last.
  const labels = ['a', 'a', 'b', 'b'];
  const rankings = [
    [1, 2, 3],
    [0, 2, 3],
    [0, 1, 3],
    [0, 1, 2],
  ];
  const curves = retrievalCurves(rankings, labels);
  near(curves.map, (1 + 1 / 3) / 2);
  near(curves.p1, 0.5);
  near(curves.p10, 0.1);
  near(curves.classes['a']!, 1);
  near(curves.classes['b']!, 1 / 3);
  near(curves.precisionAt[ANSWER_COUNTS.indexOf(2)]!, 0.25);
  near(curves.precisionAtRecall.at(-1)!, (1 + 1 / 3) / 2);
  near(retrievalCurves(rankings.slice(2), labels, [2, 3]).map, 1 / 3);
  assert.equal(curves.each, [1, 1, 1 / 3, 1 / 3]);
  assert.equal(retrievalCurves([[1, 2]], ['a', 'b', 'b'], [0]).each, [null]);
  assert.throws(() => retrievalCurves(rankings.slice(1), labels), /"rankings" expected 4/);
});

test.run();
