import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cosines, yardstick } from '../src/eval/float-cosine.ts';
import { averagePrecision, mean, precisionAt, rank } from '../src/eval/metrics.ts';

const test = suite('metrics');

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6, `expected ${expected}, got ${actual}`);
}

test('a worked example', () => {
  // Relevant at ranks 1, 3, 6, 9, 10: (1/1 + 2/3 + 3/6 + 4/9 + 5/10) / 5 = 0.62, the example of "Introduction to
  // Information Retrieval" courses (Manning, Stanford CS276, ranking 1).
  const relevant = [1, 0, 1, 0, 0, 1, 0, 0, 1, 1];
  const ranking = relevant.map((_, i) => i);
  near(averagePrecision(ranking, relevant), 0.6222222);
  // Ranking 2 of the same example: ranks 2, 5, 6, 7, 9: 0.52 as printed.
  near(averagePrecision([1, 0, 3, 4, 2, 5, 8, 6, 9, 7], relevant), (1 / 2 + 2 / 5 + 3 / 6 + 4 / 7 + 5 / 9) / 5);
  near(precisionAt(ranking, relevant, 1), 1);
  near(precisionAt(ranking, relevant, 5), 0.4);
});

test('ties go to the lower number, and the query is left out', () => {
  assert.equal([...rank([0.5, 0.9, 0.5, 0.9])], [1, 3, 0, 2]);
  assert.equal([...rank([0.5, 0.9, 0.5, 0.9], 1)], [3, 0, 2]);
});

test('what a short ranking does not reach counts against it', () => {
  near(averagePrecision([0], [1, 1, 0], 2), 0.5);
  near(precisionAt([0], [1, 1, 0], 10), 0.1);
});

test('a query with nothing to find has no precision, and does not count in the mean', () => {
  assert.ok(Number.isNaN(averagePrecision([0, 1], [0, 0])));
  near(mean([0.5, NaN, 1]), 0.75);
  assert.ok(Number.isNaN(mean([])));
});

test('float cosine, by hand', () => {
  const descriptors = Float32Array.from([3, 4, 0, 5]);
  const units = yardstick(descriptors, Float32Array.from([0.6, 0]));
  // (0.6, 0.8) - (0.6, 0) -> (0, 1); (0, 1) - (0.6, 0) -> (-0.6, 1) / sqrt(1.36)
  near(units[0]!, 0);
  near(units[1]!, 1);
  near(units[2]!, -0.6 / Math.sqrt(1.36));
  near(cosines(units, 2, units.slice(0, 2))[1]!, 1 / Math.sqrt(1.36));
  assert.equal([...descriptors], [3, 4, 0, 5]);
});

test('rejects what it cannot use', () => {
  assert.throws(() => precisionAt([0], [1], 0), RangeError);
  assert.throws(() => yardstick(new Float32Array(3), new Float32Array(2)), RangeError);
  assert.throws(() => yardstick([1] as unknown as Float32Array, new Float32Array(1)), TypeError);
  assert.throws(() => cosines(new Float32Array(4), 2, new Float32Array(3)), RangeError);
});

test.run();
