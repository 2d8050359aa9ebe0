import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { FEATURES, type Feature } from '../src/codes/block.ts';
import { blockStarts, curveRanks, makeReferences, scoreCurve } from '../src/codes/curves.ts';
import type { Projections } from '../src/codes/encoder.ts';
import { Fusion, areaUnder, type WeightRule } from '../src/codes/fusion.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import { fuseRanks } from '../src/codes/rank-fusion.ts';
import { createVocabulary } from '../src/codes/vocabulary-format.ts';
import { area, contribution, dot, signs, sortedScores } from './reference/codes.ts';
import { floats } from './support.ts';
import { smallContent, smallVocabulary } from './vocabulary-support.ts';

const test = suite('Fusion');
const RULES: WeightRule[] = ['adaptive', 'area', 'static', 'entropy', 'equal'];
const BITS: Record<Feature, number> = { ehd: 16, bow: 24, deep: 24 };
const vocabulary = smallVocabulary();
const fusion = new Fusion(vocabulary);

function projections(seed: number): Projections {
  return { ehd: floats(16, seed), bow: floats(24, seed + 1), deep: floats(24, seed + 2) };
}

function near(actual: number, expected: number, message?: string): void {
  assert.ok(Math.abs(actual - expected) < 1e-5, `${message ?? ''} expected ${expected}, got ${actual}`);
}

test('area under a curve, by hand', () => {
  // 0..1 in a straight line: half. A knee at once: (1 + 0) / 2 over one of four ranks.
  near(areaUnder([4, 3, 2, 1, 0], Uint16Array.from([0, 1, 2, 3, 4])), 0.5);
  near(areaUnder([9, 1, 1, 1, 1], Uint16Array.from([0, 1, 2, 3, 4])), 0.125);
  // The same knee with the flat part in one sample.
  near(areaUnder([9, 1, 1], Uint16Array.from([0, 1, 4])), 0.125);
  near(areaUnder([2, 2, 2], Uint16Array.from([0, 1, 2])), 1);
});

test('score curve, by hand', () => {
  const codes = Uint8Array.from([0b1111, 0, 0b1, 0, 0b111, 0xff]);
  assert.equal([...scoreCurve(Uint8Array.from([0, 0]), codes, 0, 8)], [1, 3, 4]);
  assert.equal([...scoreCurve(Uint8Array.from([0, 0]), codes, 8, 8)], [0, 0, 8]);
  assert.equal([...scoreCurve(Uint8Array.from([0, 0]), codes, 0, 8, 1)], [3, 4]);
});

test('stored ranks run from the first to the last, denser at the head', () => {
  assert.equal([...curveRanks(4)], [0, 1, 2]);
  for (const count of [4, 5, 9, 100, 512, 2000]) {
    const ranks = curveRanks(count);
    assert.equal([ranks[0], ranks[ranks.length - 1]], [0, count - 2]);
    assert.ok(ranks.length <= 128);
    assert.ok(ranks.every((rank, i) => i === 0 || rank > ranks[i - 1]!));
  }
});

test('adaptive weights, by hand: the feature with a knee outweighs the one without', () => {
  const ranks = Uint16Array.from([0, 1, 2]);
  const curve = (distance: number) => new Uint16Array(12).fill(distance);
  const curves = { ehd: curve(8), bow: curve(0), deep: curve(56) };
  // To a query of zero bits: ehd distances 0, 8, 8, 8; deep distances 0, 28, 56, 56.
  const codes = new Uint8Array(32).fill(0xff);
  codes.fill(0, 0, 8);
  codes.set([0, 0, 0, 0x0f], 9);
  codes.set([0xff, 0xff, 0xff, 0x0f, 0, 0, 0], 9);
  const small = createVocabulary({
    ...smallContent({ ehd: 8, bow: 0, deep: 56 }),
    references: { count: 4, codes, ranks, curves },
  });
  // Less flat curves: scores 8, 0, 0 have area (1 + 0) / 2 / 2 = 1/4; scores 56, 28, 0 have area 1/2.
  const weights = new Fusion(small).weights(new Uint8Array(8), 'area');
  near(weights.ehd, 4 / 6);
  near(weights.deep, 2 / 6);
  assert.is(weights.bow, 0);
  // Adaptive, with static weights 1/2 and 1/2: 1 / sqrt(1/4) against 1 / sqrt(1/2).
  const adaptive = new Fusion(small).weights(new Uint8Array(8), 'adaptive');
  near(adaptive.ehd, 2 / (2 + Math.SQRT2));
  near(adaptive.deep, Math.SQRT2 / (2 + Math.SQRT2));
});

for (const count of [4, 9, 40])
  test(`adaptive weights equal the definition, ${count} references`, () => {
    const content = smallContent();
    const codes = packSigns(floats(count * 64, count));
    const other = createVocabulary({ ...content, references: makeReferences(codes, content.blocks) });
    const starts = blockStarts(other.blocks);
    const ranks = [...other.references.ranks];
    const rows = Array.from({ length: count }, (_, i) => signs(codes.subarray(8 * i, 8 * i + 8)));
    for (let seed = 0; seed < 20; seed++) {
      const query = projections(3 * seed + 500);
      const weights = new Fusion(other).weights(query, 'area');
      const adaptive = new Fusion(other).weights(query, 'adaptive');
      const inverse = FEATURES.map((feature) => {
        const block = (row: number[]) => row.slice(starts[feature], starts[feature] + BITS[feature]);
        const code = [...query[feature]].map((value) => (value >= 0 ? 1 : -1));
        const curves = rows.map((row, i) => sortedScores(block(row), rows.filter((_, j) => j !== i).map(block)));
        return 1 / Math.max(1e-3, area(sortedScores(code, rows.map(block)), curves, ranks));
      });
      const sum = inverse.reduce((total, value) => total + value, 0);
      // The static weights of this vocabulary are alike.
      const roots = inverse.map(Math.sqrt);
      const rootSum = roots.reduce((total, value) => total + value, 0);
      FEATURES.forEach((feature, i) => {
        near(weights[feature], inverse[i]! / sum, `seed ${seed} ${feature}`);
        near(adaptive[feature], roots[i]! / rootSum, `seed ${seed} ${feature}`);
      });
    }
  });

test('weights sum to 1 under every rule, and are the same from projections and from the code', () => {
  const property = fc.property(fc.integer(), fc.constantFrom(...RULES), (seed, rule) => {
    const query = projections(seed);
    const weights = fusion.weights(query, rule);
    near(weights.ehd + weights.bow + weights.deep, 1);
    for (const feature of FEATURES) assert.ok(weights[feature] > 0);
    const code = packSigns(Float32Array.from([...query.ehd, ...query.bow, ...query.deep]));
    assert.equal(fusion.weights(code, rule), weights);
  });
  fc.assert(property, { seed: 42 });
});

test('equal and static weights are what they say', () => {
  const content = smallContent();
  const staticWeights = { ehd: 0.2, bow: 0.3, deep: 0.5 };
  const other = new Fusion(createVocabulary({ ...content, staticWeights }));
  assert.equal(other.weights(projections(1), 'equal'), { ehd: 1 / 3, bow: 1 / 3, deep: 1 / 3 });
  assert.equal(other.weights(projections(1), 'static'), staticWeights);
  const without = other.weights({ ...projections(1), bow: new Float32Array(24) }, 'static');
  near(without.ehd, 0.2 / 0.7);
  assert.is(without.bow, 0);
  near(without.deep, 0.5 / 0.7);
});

test('a feature that the query has nothing of weighs nothing, and the rest sum to 1', () => {
  for (const rule of RULES)
    for (const feature of FEATURES) {
      const query = { ...projections(1), [feature]: new Float32Array(BITS[feature]) };
      const weights = fusion.weights(query, rule);
      assert.is(weights[feature], 0);
      near(weights.ehd + weights.bow + weights.deep, 1);
      const vector = fusion.query(query, weights);
      const start = blockStarts(vocabulary.blocks)[feature];
      assert.ok(vector.subarray(start, start + BITS[feature]).every((value) => value === 0));
    }
});

test('the query times a code is n times the score, and the contributions are its parts', () => {
  const property = fc.property(fc.integer(), fc.boolean(), (seed, asymmetric) => {
    const query = projections(seed);
    const weights = { ehd: 0.2, bow: 0.3, deep: 0.5 };
    const code = packSigns(floats(64, seed + 9));
    const bits = signs(code);
    const vector = fusion.query(query, weights, { asymmetric });
    const parts = fusion.contributions(query, weights, code, { asymmetric });
    const starts = blockStarts(vocabulary.blocks);
    let score = 0;
    for (const feature of FEATURES) {
      const block = bits.slice(starts[feature], starts[feature] + BITS[feature]);
      const expected = contribution(weights[feature], [...query[feature]], block, asymmetric);
      near(parts[feature], expected, feature);
      score += expected;
    }
    near(dot(vector, bits) / 64, score);
    assert.ok(Math.abs(score) <= 1 + 1e-6);
  });
  fc.assert(property, { seed: 42 });
});

test('a query of its own signs against its own code scores 1', () => {
  const query = projections(3);
  const code = packSigns(Float32Array.from([...query.ehd, ...query.bow, ...query.deep]));
  const parts = fusion.contributions(query, fusion.weights(query, 'adaptive'), code, { asymmetric: false });
  near(parts.ehd + parts.bow + parts.deep, 1);
});

test('reciprocal ranks, by hand', () => {
  const scores = fuseRanks([Uint32Array.from([2, 0, 1]), Uint32Array.from([2, 1])], 4);
  near(scores[2]!, 2 / 61);
  near(scores[0]!, 1 / 62);
  near(scores[1]!, 1 / 63 + 1 / 62);
  assert.is(scores[3], 0);
});

test('rejects what it cannot use', () => {
  const query = projections(1);
  assert.throws(() => fusion.weights(new Uint8Array(7), 'equal'), /"query" expected 8 bytes, got 7/);
  assert.throws(() => fusion.weights({ ...query, bow: floats(8, 1) }, 'equal'), RangeError);
  assert.throws(() => fusion.weights(query, 'best' as WeightRule), /"rule" expected adaptive/);
  assert.throws(() => fusion.query(query, { ehd: 2, bow: 0, deep: 0 }), RangeError);
  assert.throws(() => fusion.query(query, { ehd: NaN, bow: 0, deep: 0 }), RangeError);
  assert.throws(() => fusion.contributions(query, { ehd: 1, bow: 0, deep: 0 }, new Uint8Array(3)), RangeError);
  assert.throws(() => fuseRanks([Uint32Array.from([4])], 4), RangeError);
});

test.run();
