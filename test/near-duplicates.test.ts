import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { groupDuplicates, type DuplicateGroup } from '../src/client/near-duplicates.ts';
import { countPairs, detectionTable, largestPrecise } from '../src/eval/copy-detection.ts';
import { hamming } from './reference/hamming.ts';
import { bytes, kernels } from './support.ts';

const test = suite('near-duplicates');

function group(codes: Uint8Array, codeBytes: number, distance: number): DuplicateGroup[] {
  const steps = groupDuplicates(kernels, codes, codeBytes, distance);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Codes of 8 bytes with the lowest `ones[i]` bits set: their distances are the differences. */
function ladder(ones: readonly number[]): Uint8Array {
  const out = new Uint8Array(8 * ones.length);
  ones.forEach((count, row) => {
    for (let bit = 0; bit < count; bit++) out[8 * row + (bit >> 3)]! |= 1 << (bit & 7);
  });
  return out;
}

test('a group is a star around the picture that is kept: chains are not followed', () => {
  assert.equal(group(ladder([0, 3, 6, 9, 40]), 8, 3), [
    { keep: 0, others: [{ index: 1, distance: 3 }] },
    { keep: 2, others: [{ index: 3, distance: 3 }] },
  ]);
});

test('others come nearest first; the earlier of two is kept; equal codes are at distance 0', () => {
  assert.equal(group(ladder([5, 9, 5, 4]), 8, 4), [
    {
      keep: 0,
      others: [
        { index: 2, distance: 0 },
        { index: 3, distance: 1 },
        { index: 1, distance: 4 },
      ],
    },
  ]);
  assert.equal(group(ladder([5, 9, 5]), 8, 0), [{ keep: 0, others: [{ index: 2, distance: 0 }] }]);
  assert.equal(group(new Uint8Array(0), 8, 0), []);
});

test('every code within the distance of a kept one is in a group, and of the kept no two are', () => {
  const codeBytes = 8;
  const codes = bytes(400 * codeBytes, 5);
  const code = (i: number): Uint8Array => codes.subarray(i * codeBytes, (i + 1) * codeBytes);
  const groups = group(codes, codeBytes, 20);
  const gone = new Set(groups.flatMap(({ others }) => others.map(({ index }) => index)));
  for (const { keep, others } of groups)
    for (const { index, distance } of others) {
      assert.is(hamming(code(keep), code(index)), distance);
      assert.ok(distance <= 20 && index > keep && !gone.has(keep));
    }
  for (let i = 0; i < 400; i++)
    for (let j = 0; j < i; j++) if (!gone.has(i) && !gone.has(j)) assert.ok(hamming(code(i), code(j)) > 20);
});

test('pairs are counted once each, and a copy of its own photo is the only right one', () => {
  // Photos at 0, 20, 23; copies of photo 0 at 2, of photo 1 at 26.
  const copies = [{ alteration: 'a', codes: ladder([2, 26]), of: [0, 1] }];
  const counts = countPairs(kernels, ladder([0, 20, 23]), 8, ['x', 'y', 'z'], copies);
  assert.equal(
    [...counts.right['a']!].flatMap((pairs, distance) => (pairs > 0 ? [[distance, pairs]] : [])),
    [
      [2, 1],
      [6, 1],
    ],
  );
  // 10 pairs in all, of 5 pictures.
  assert.is(
    [...counts.wrong].reduce((sum, pairs) => sum + pairs, 0),
    8,
  );
  const [at2, at3] = detectionTable(counts, [2, 3]);
  assert.equal([at2!.recall, at2!.precision, at2!.wrong], [{ a: 0.5 }, 1, 0]);
  assert.equal([at3!.recall, at3!.precision, at3!.wrong], [{ a: 0.5 }, 1 / 3, 2]);
  assert.is(largestPrecise(counts, 0.9), 2);
  // Of one class, the second and third photo are neither right nor wrong.
  const classes = countPairs(kernels, ladder([0, 20, 23]), 8, ['x', 'y', 'y'], copies);
  const [alike] = detectionTable(classes, [3]);
  assert.equal([alike!.precision, alike!.wrong, alike!.unclear], [1, 0, 2]);
  assert.is(largestPrecise({ ...counts, wrong: counts.wrong.map(() => 9) }, 0.9), -1);
});

test('bad input', () => {
  assert.throws(() => group(new Uint8Array(9), 8, 0), RangeError);
  assert.throws(() => group(new Uint8Array(8), 8, 65), /"distance" expected integer 0\.\.64/);
  assert.throws(
    () => countPairs(kernels, new Uint8Array(8), 8, ['x'], [{ alteration: 'a', codes: new Uint8Array(8), of: [1] }]),
    /"of" expected/,
  );
});

test.run();
