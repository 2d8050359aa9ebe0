/** The ablation's figures and memory, intervals of the paired bootstrap. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { asSearched } from '../bench/as-searched.ts';
import { measure } from '../bench/ablation/measure.ts';
import { Memory } from '../bench/ablation/memory.ts';
import { CopyEvidence } from '../src/codes/copy-evidence.ts';
import { makeReferences } from '../src/codes/curves.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import { bootstrapDifference, describeInterval } from '../src/eval/bootstrap.ts';
import { createVocabulary } from '../src/codes/vocabulary-format.ts';
import { temporaryFolder } from './command.ts';
import { floats } from './support.ts';
import { smallContent } from './vocabulary-support.ts';

const test = suite('ablation');

test('figures, by hand: the query is left out, a photo alone in its class has no precision', () => {
  const labels = ['a', 'b', 'a', 'a', 'c'];
  // Every query ranks 0, 1, 2, 3, 4.
  const { p10, p20, map, each } = measure(labels, () => [5, 4, 3, 2, 1], 1);
  const ofA = [(1 / 2 + 2 / 3) / 2, (1 / 1 + 2 / 3) / 2, (1 / 1 + 2 / 3) / 2];
  assert.is(each.length, 3);
  each.forEach((value, i) => assert.ok(Math.abs(value - ofA[i]!) < 1e-12));
  assert.ok(Math.abs(map - (ofA[0]! + ofA[1]! + ofA[2]!) / 3) < 1e-12);
  assert.ok(Math.abs(p10 - (3 * 0.2) / 5) < 1e-12);
  assert.ok(Math.abs(p20 - (3 * 0.1) / 5) < 1e-12);
  assert.is(measure(labels, () => [5, 4, 3, 2, 1], 2).each.length, 2);
});

test('paired bootstrap: a constant difference has no width, a noisy one the width of its standard error', () => {
  const b = Array.from(floats(400, 3));
  const constant = bootstrapDifference(
    b.map((value) => value + 0.25),
    b,
    1,
  );
  for (const value of Object.values(constant)) assert.ok(Math.abs(value - 0.25) < 1e-6);
  const noise = Array.from(floats(400, 4));
  const { difference, low, high } = bootstrapDifference(
    b.map((value, i) => value + noise[i]!),
    b,
    1,
  );
  const mean = noise.reduce((sum, value) => sum + value, 0) / 400;
  const error = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / 400;
  assert.ok(Math.abs(difference - mean) < 1e-6);
  assert.ok(Math.abs((high - low) / 2 - 1.96 * error) < 0.2 * error, `${low} to ${high}, error ${error}`);
  assert.ok(low < difference && difference < high);
  // A query with nothing to find says nothing.
  assert.equal(bootstrapDifference([NaN, ...b], [0.5, ...b], 1), { difference: 0, low: 0, high: 0 });
  assert.ok(Number.isNaN(bootstrapDifference([NaN], [1], 1).low));
  assert.is(describeInterval({ difference: 0.0012, low: -0.0003, high: 0.025 }), '+0.12 (-0.03 to +2.50)');
});

test('what was made is recalled, under its own key only', async () => {
  const folder = await temporaryFolder();
  try {
    const memory = new Memory(folder.path);
    let made = 0;
    const make = async (): Promise<Float32Array[]> => [floats(3, ++made), new Float32Array(0), floats(5, 9)];
    const first = await memory.recall(['a', 1], make);
    assert.equal(await new Memory(folder.path).recall(['a', 1], make), first);
    assert.is(made, 1);
    await memory.recall(['a', 2], make);
    assert.is(made, 2);
  } finally {
    await folder.remove();
  }
});

test('as searched: a copy rises above a higher score, the query and what is not opened stay', () => {
  const content = smallContent({ ehd: 64, bow: 128, deep: 128 });
  const vocabulary = createVocabulary({
    ...content,
    references: makeReferences(packSigns(floats(64 * 320, 31)), content.blocks),
  });
  const projections = { ehd: floats(64, 1), bow: floats(128, 2), deep: floats(128, 3) };
  const copy = packSigns(Float32Array.from([...projections.ehd, ...projections.bow, ...projections.deep]));
  const evidence = new CopyEvidence(vocabulary, projections);
  const codes = (i: number): Uint8Array => (i <= 1 || i === 99 ? copy : packSigns(floats(320, 100 + i)));
  const scores = Float32Array.from({ length: 100 }, (_, i) => (i === 1 ? 0.1 : 1 - i / 100));
  scores[99] = -1;
  const lifted = asSearched(scores, scores, -1, evidence, codes);
  // Photo 1 is 91st, beyond the 74 that are opened; raised, it is opened.
  assert.is(lifted[1], scores[1]);
  const broad = scores.slice();
  broad[1] = 0.5;
  const raised = asSearched(scores, broad, 0, evidence, codes);
  assert.is(raised[0], -Infinity);
  assert.ok(raised.every((score, i) => i === 1 || score < raised[1]!));
  assert.is(raised[99], -1);
});

test.run();
