import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FEATURES } from '../src/codes/block.ts';
import type { Descriptors } from '../src/codes/descriptors.ts';
import { Encoder } from '../src/codes/encoder.ts';
import { project, signs } from './reference/codes.ts';
import { builds, floats, kernels } from './support.ts';
import { DIMS, smallVocabulary } from './vocabulary-support.ts';

const test = suite('Encoder');
const vocabulary = smallVocabulary();

function descriptors(seed: number): Descriptors {
  return { ehd: floats(DIMS.ehd, seed), bow: floats(DIMS.bow, seed + 1), deep: floats(DIMS.deep, seed + 2) };
}

for (const [build, module] of Object.entries(builds))
  test(`equals the definition, ${build} build`, () => {
    const encoder = new Encoder(module, vocabulary);
    for (let seed = 0; seed < 50; seed++) {
      const input = descriptors(3 * seed);
      const { projections, code } = encoder.encode(input);
      const expected = FEATURES.flatMap((feature) => project(vocabulary.blocks[feature], input[feature]));
      const actual = FEATURES.flatMap((feature) => [...projections[feature]]);
      assert.is(actual.length, 64);
      actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-5, `number ${i}`));
      // Bits by the projections returned: a sum that is nearly 0 may round to either side.
      assert.equal(
        signs(code),
        actual.map((value) => (value >= 0 ? 1 : -1)),
      );
    }
  });

test('margins are projections in training deviations, in the order of the code', () => {
  const encoder = new Encoder(kernels, vocabulary);
  const { projections } = encoder.encode(descriptors(4));
  const margins = encoder.margins(projections);
  const expected = FEATURES.flatMap((feature) =>
    [...projections[feature]].map((value, i) => value / vocabulary.blocks[feature].deviation[i]!),
  );
  margins.forEach((margin, i) => assert.ok(Math.abs(margin - expected[i]!) <= 1e-4 * Math.abs(expected[i]!)));
});

test('a descriptor of zeros has a projection of zeros, all bits set, margins of 0', () => {
  const encoder = new Encoder(kernels, vocabulary);
  const { projections, code } = encoder.encode({ ...descriptors(1), bow: new Float32Array(DIMS.bow) });
  assert.equal([...projections.bow], new Array(24).fill(0));
  assert.equal([...code.subarray(2, 5)], [255, 255, 255]);
  assert.ok(
    encoder
      .margins(projections)
      .subarray(16, 40)
      .every((margin) => margin === 0),
  );
});

test('a feature without bits is left out', () => {
  const encoder = new Encoder(kernels, smallVocabulary({ ehd: 64, bow: 0, deep: 0 }));
  const none = new Float32Array(0);
  const { projections, code } = encoder.encode({ ehd: floats(DIMS.ehd, 1), bow: none, deep: none });
  assert.equal([projections.ehd.length, projections.bow.length, projections.deep.length, code.length], [64, 0, 0, 8]);
});

test('keeps earlier results, and does not change its inputs', () => {
  const encoder = new Encoder(kernels, vocabulary);
  const input = descriptors(1);
  const first = encoder.encode(input);
  const copy = structuredClone(first);
  encoder.encode(descriptors(9));
  assert.equal(first, copy);
  assert.equal(input, descriptors(1));
});

test('rejects what it cannot use', () => {
  const encoder = new Encoder(kernels, vocabulary);
  assert.throws(() => encoder.encode({ ...descriptors(1), deep: floats(11, 1) }), /"deep" expected 12 numbers, got 11/);
  assert.throws(() => encoder.encode({ ...descriptors(1), ehd: [1] as unknown as Float32Array }), TypeError);
});

test.run();
