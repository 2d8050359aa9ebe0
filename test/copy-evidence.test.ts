import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { Feature } from '../src/codes/block.ts';
import { broaden, CopyEvidence } from '../src/codes/copy-evidence.ts';
import { blockStarts, makeReferences } from '../src/codes/curves.ts';
import type { Projections } from '../src/codes/encoder.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import { createVocabulary } from '../src/codes/vocabulary-format.ts';
import { contribution, signs } from './reference/codes.ts';
import { floats } from './support.ts';
import { smallContent } from './vocabulary-support.ts';

const test = suite('copy evidence');
const BITS: Record<Feature, number> = { ehd: 16, bow: 24, deep: 24 };
const TELLING = ['bow', 'deep'] as const;
const content = smallContent();
const codes = packSigns(floats(64 * 64, 9));
const vocabulary = createVocabulary({ ...content, references: makeReferences(codes, content.blocks) });

function projections(seed: number): Projections {
  return { ehd: floats(16, seed), bow: floats(24, seed + 1), deep: floats(24, seed + 2) };
}

function codeOf({ ehd, bow, deep }: Projections): Uint8Array {
  return packSigns(Float32Array.from([...ehd, ...bow, ...deep]));
}

/** Deviations above the mean, joined; slow. */
function definition(query: Projections, code: Uint8Array): number {
  const starts = blockStarts(vocabulary.blocks);
  const similarity = (of: Uint8Array, feature: Feature): number =>
    contribution(1, [...query[feature]], signs(of).slice(starts[feature], starts[feature] + BITS[feature]), true);
  let sum = 0;
  for (const feature of TELLING) {
    const usual = Array.from({ length: 64 }, (_, i) => similarity(codes.subarray(8 * i, 8 * i + 8), feature));
    const mean = usual.reduce((a, b) => a + b, 0) / 64;
    const deviation = Math.sqrt(usual.reduce((a, b) => a + (b - mean) ** 2, 0) / 64);
    sum += (similarity(code, feature) - mean) / deviation;
  }
  return Math.max(0, sum / Math.sqrt(2) - 6);
}

test('the query itself stands out, and equals the definition', () => {
  for (let seed = 0; seed < 10; seed++) {
    // So few bits stand out far enough only when all of them count alike.
    const { ehd, bow, deep } = projections(50 * seed);
    const query = { ehd, bow: bow.map(Math.sign), deep: deep.map(Math.sign) };
    const expected = definition(query, codeOf(query));
    assert.ok(expected > 0);
    assert.ok(Math.abs(new CopyEvidence(vocabulary, query).excess(codeOf(query)) - expected) < 1e-4);
  }
});

test('unrelated codes never do, whatever the query', () => {
  const property = fc.property(fc.integer(), fc.integer(), (a, b) => {
    const other = codeOf(projections(b + 100_003));
    const excess = new CopyEvidence(vocabulary, projections(a)).excess(other);
    assert.is(excess, definition(projections(a), other));
    if (a !== b + 100_003) assert.is(excess, 0);
  });
  fc.assert(property, { seed: 42, numRuns: 30 });
});

test('what a query has nothing of says nothing, and few references say nothing', () => {
  const query = { ...projections(1), ehd: new Float32Array(16), bow: new Float32Array(24) };
  const evidence = new CopyEvidence(vocabulary, query);
  assert.is(evidence.excess(codeOf(projections(70))), 0);
  assert.ok(Number.isFinite(evidence.excess(codeOf(query))));
  const nothing = { ehd: new Float32Array(16), bow: new Float32Array(24), deep: new Float32Array(24) };
  assert.is(new CopyEvidence(vocabulary, nothing).excess(codeOf(nothing)), 0);
  const few = createVocabulary({ ...content, references: makeReferences(codes.slice(0, 8 * 8), content.blocks) });
  assert.is(new CopyEvidence(few, projections(1)).excess(codeOf(projections(1))), 0);
  assert.throws(() => evidence.excess(new Uint8Array(7)), RangeError);
});

test('broader weights: powers of 0.6 that sum to 1, in the same order; what has no weight gets none', () => {
  // 0.1^0.6 = 0.251189, 0.2^0.6 = 0.380731, 0.7^0.6 = 0.807348; sum 1.439268.
  const { ehd, bow, deep } = broaden({ ehd: 0.1, bow: 0.2, deep: 0.7 });
  for (const [got, expected] of [
    [ehd, 0.174525],
    [bow, 0.264531],
    [deep, 0.560944],
  ] as const)
    assert.ok(Math.abs(got - expected) < 1e-5, `${got}`);
  assert.equal(broaden({ ehd: 0, bow: 1, deep: 0 }), { ehd: 0, bow: 1, deep: 0 });
});

test.run();
