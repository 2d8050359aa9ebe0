/** Naming tokens by frequency and co-occurrence, on planted buckets. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { linearAssignment } from '../src/attacks/linear-assignment.ts';
import { tokenFrequency, type TokenSet } from '../src/attacks/token-frequency.ts';
import { seededRandom } from '../src/base/random.ts';

const test = suite('token-frequency');
const BUCKETS = 16;
const CLASSES = 4;
const IMAGES = 3000;

function permutations(items: number[]): number[][] {
  if (items.length < 2) return [items];
  return items.flatMap((first, i) => permutations(items.toSpliced(i, 1)).map((rest) => [first, ...rest]));
}

/** Bucket b belongs to class `b % CLASSES`; the buckets of a class meet each other, and some are met more often. */
function planted(seed: number, name: (bucket: number) => bigint): TokenSet {
  const random = seededRandom(seed);
  const labels: string[] = [];
  const tokens = Array.from({ length: IMAGES }, () => {
    const label = Math.floor(CLASSES * random() ** 1.5);
    labels.push(`class ${label}`);
    const draw = (): number => label + CLASSES * Math.floor((BUCKETS / CLASSES) * random() ** 2);
    const near = draw();
    return BigUint64Array.from(new Set([near, random() < 0.8 ? draw() : (near + 1) % BUCKETS]), name);
  });
  return { tokens, labels };
}

test('the assignment has the largest sum', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer(), (n, seed) => {
      const random = seededRandom(seed);
      const gain = Float64Array.from({ length: n * n }, () => Math.floor(20 * random()) - 10);
      const sum = (columns: ArrayLike<number>): number =>
        Array.from(columns).reduce((total, j, i) => total + gain[i * n + j]!, 0);
      const found = linearAssignment(gain, n);
      assert.equal(
        [...found].sort(),
        Array.from({ length: n }, (_, i) => i),
      );
      const all = permutations(Array.from({ length: n }, (_, i) => i));
      assert.is(sum(found), Math.max(...all.map(sum)));
    }),
    { seed: 42, numRuns: 60 },
  );
});

test('planted buckets are named, and classes with them', () => {
  const stored = planted(1, (bucket) => BigInt(1000 - 7 * bucket));
  const own = planted(2, BigInt);
  const truth = new Map(Array.from({ length: BUCKETS }, (_, b) => [BigInt(1000 - 7 * b), BigInt(b)]));
  const found = tokenFrequency(stored, own, { truth });
  assert.is(found.matched, BUCKETS);
  assert.is(found.identifiedChance, 1 / BUCKETS);
  assert.ok(found.identified > 0.7, `${found.identified}`);
  assert.ok(found.classesIfAll > found.classChance + 0.3, `${found.classesIfAll}`);
  assert.ok(found.classes > found.classChance + 0.2 && found.classes <= found.classesIfAll, `${found.classes}`);
  const blind = tokenFrequency(stored, own);
  assert.ok(Number.isNaN(blind.identified) && Number.isNaN(blind.classesIfAll));
  assert.is(blind.classes, found.classes);
});

test('tokens without structure tell nothing', () => {
  const random = seededRandom(5);
  const draw = (name: (bucket: number) => bigint): TokenSet => ({
    tokens: Array.from({ length: IMAGES }, () => BigUint64Array.of(name(Math.floor(BUCKETS * random())))),
    labels: Array.from({ length: IMAGES }, (_, i) => `class ${i % CLASSES}`),
  });
  const truth = new Map(Array.from({ length: BUCKETS }, (_, b) => [BigInt(1000 - 7 * b), BigInt(b)]));
  const found = tokenFrequency(
    draw((b) => BigInt(1000 - 7 * b)),
    draw(BigInt),
    { truth },
  );
  assert.ok(found.identified < 0.4, `${found.identified}`);
  assert.ok(Math.abs(found.classes - found.classChance) < 0.05, `${found.classes}`);
});

test.run();
