import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { numbersOf, scaleOf } from '../src/base/stored-vector.ts';
import { SecureKnn } from '../src/crypto/secure-knn.ts';
import { Reflections, reflectionWords } from '../src/crypto/reflections.ts';
import { ReferenceKnn, reflectSlowly } from './reference/secure-knn.ts';
import { NOT_BYTES, builds, bytes, floats, kernels } from './support.ts';

const test = suite('secure-knn');
const key = bytes(32, 1);

function dot(a: Float32Array, b: Float32Array, at = 0): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += a[at + i]! * b[i]!;
  return sum;
}

function plainScore(code: Uint8Array, query: Float32Array): number {
  return query.reduce((sum, entry, i) => sum + ((code[i >> 3]! >> (i & 7)) & 1 ? entry : -entry), 0);
}

/** The line through (x, y) with the least squares, and the largest distance from it. */
function fit(x: number[], y: number[]): { slope: number; shift: number; worst: number; deviation: number } {
  const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const slope =
    x.reduce((sum, v, i) => sum + (v - mx) * (y[i]! - my), 0) / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
  const shift = my - slope * mx;
  const errors = x.map((v, i) => y[i]! - slope * v - shift);
  return {
    slope,
    shift,
    worst: Math.max(...errors.map(Math.abs)),
    deviation: Math.sqrt(mean(errors.map((e) => e * e))),
  };
}

for (const [build, module] of Object.entries(builds))
  test(`reflections, one by one, at every length of the tail (${build})`, () => {
    for (const side of [2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 33])
      for (const count of [0, 1, 2, 5]) {
        const words = Uint32Array.from(floats(reflectionWords(side), side), (x) => (x + 1) * 2 ** 31);
        const rows = Float64Array.from(floats(count * side, 3));
        const expected = reflectSlowly(words, [...rows], side);
        new Reflections(module, side, 5, ['q'], () => words.slice()).apply('q', rows, count);
        rows.forEach((entry, i) => assert.ok(Math.abs(entry - expected[i]!) < 1e-12, `side ${side}, entry ${i}`));
      }
  });

test('a ciphertext, taken apart by the definition', () => {
  const reference = new ReferenceKnn(key, 8);
  const code = bytes(1, 5);
  /** What each entry of p^ says beyond the code and the last 1. */
  const noiseOf = (knn: SecureKnn): number[] => {
    const { shares, split } = reference.openStored(knn.seal(code));
    return Array.from({ length: 8 + 33 }, (_, i) => {
      const [a, b] = [shares[0][i]!, shares[1][i]!];
      if (split[i] === 0) assert.ok(Math.abs(a - b) < 1e-3, `entry ${i} is copied`);
      const value = split[i] === 1 ? a + b : a;
      const plain = i < 8 ? ((code[i >> 3]! >> (i & 7)) & 1 ? 1 : -1) : i < 8 + 32 ? 0 : 1;
      return value - plain;
    });
  };
  for (const entry of noiseOf(new SecureKnn(kernels, { key, bits: 8, noise: 0, split: 2 })))
    assert.ok(Math.abs(entry) < 1e-3);
  const noisy = new SecureKnn(kernels, { key, bits: 8, noise: 3, split: 2 });
  let squares = 0;
  for (let round = 0; round < 50; round++) {
    const noise = noiseOf(noisy);
    assert.ok(Math.abs(noise.pop()!) < 1e-3, 'the last entry is 1');
    squares += noise.reduce((sum, entry) => sum + entry * entry, 0);
  }
  // 2000 squares of N(0, 9 / 8).
  assert.ok(Math.abs(squares / 2000 / (9 / 8) - 1) < 0.15, String(squares / 2000));
});

test('a trapdoor, taken apart by the definition', () => {
  const knn = new SecureKnn(kernels, { key, bits: 8, noise: 3, split: 2 });
  const reference = new ReferenceKnn(key, 8);
  const query = floats(8, 6);
  const { shares, split } = reference.openTrapdoor(knn.trapdoor(query));
  const value = (i: number): number => (split[i] === 0 ? shares[0][i]! + shares[1][i]! : shares[0][i]!);
  const scale = value(0) / query[0]!;
  assert.ok(scale >= 0.499 && scale <= 2.001, `r = ${scale}`);
  for (let i = 0; i < 8 + 33; i++) {
    if (split[i] === 1) assert.ok(Math.abs(shares[0][i]! - shares[1][i]!) < 1e-3, `entry ${i} is copied`);
    if (i < 8) assert.ok(Math.abs(value(i) - scale * query[i]!) < 1e-3, `entry ${i}`);
  }
  const slots = Array.from({ length: 32 }, (_, i) => value(8 + i));
  assert.is(slots.filter((slot) => Math.abs(slot - scale) < 1e-3).length, 16);
  assert.is(slots.filter((slot) => Math.abs(slot) < 1e-3).length, 16);
  assert.ok(Math.abs(value(8 + 32)) <= 8.001, 't');
});

test('the matrices are well conditioned and hide their diagonal', () => {
  const { matrices } = new ReferenceKnn(key, 8);
  for (const matrix of matrices)
    for (const rows of [matrix, matrix[0]!.map((_, j) => matrix.map((row) => row[j]!))])
      for (const row of rows) {
        const norm = Math.hypot(...row);
        assert.ok(norm >= 0.5 && norm <= 2, `norm ${norm}`);
        const largest = Math.max(...row.map(Math.abs));
        assert.ok(largest < 0.8 * norm, 'no entry stands out');
      }
});

for (const { bits, count } of [
  { bits: 64, count: 200 },
  { bits: 832, count: 150 },
])
  for (const split of [0, 1, 3, 8])
    test(`without noise the score is r <p, q> + t, and the ranking that of the plaintext: ${bits} bits, split ${split}`, () => {
      const knn = new SecureKnn(kernels, { key, bits, noise: 0, split });
      assert.is(knn.dims, 2 * (bits + 33));
      const codes = bytes((count * bits) / 8, 3);
      const stored = knn.sealMany(codes, count);
      const query = Float32Array.from(bytes(bits, 4), (byte) => (byte & 1 ? 1 : -1));
      const trapdoor = knn.trapdoor(query);
      const plain = Array.from({ length: count }, (_, i) =>
        plainScore(codes.subarray((i * bits) / 8, ((i + 1) * bits) / 8), query),
      );
      const scores = plain.map((_, i) => dot(stored, trapdoor, i * knn.dims));
      const { slope, shift, worst } = fit(plain, scores);
      assert.ok(slope >= 0.49 && slope <= 2.01, `r = ${slope}`);
      assert.ok(Math.abs(shift) <= bits + 1, `t = ${shift}`);
      // A lattice step is 2: a hundredth of it cannot turn a ranking.
      assert.ok(worst / slope < 0.02, `off by ${worst / slope}`);
      for (let i = 0; i < count; i++)
        for (let j = 0; j < i; j++)
          if (plain[i] !== plain[j]) assert.is(plain[i]! > plain[j]!, scores[i]! > scores[j]!, `${i}, ${j}`);
    });

test('int8: known numbers of the definition, and what it leaves of the shift', () => {
  const knn = new SecureKnn(kernels, { key, bits: 64, noise: 2, split: 3 });
  const vector = knn.seal(bytes(8, 3));
  const rounded = knn.round(vector);
  assert.is(rounded.length, knn.dims + 4);
  assert.equal(knn.round(vector), rounded);
  const scale = scaleOf(rounded);
  assert.is(scale, Math.fround(Math.max(...vector.map(Math.abs)) / 127));
  const numbers = numbersOf(rounded);
  const errors = vector.map((number, i) => number - numbers[i]!);
  // Hardly more than rounding each number by itself, whose errors lie in half a scale.
  const plain = vector.map((number) => number - scale * Math.round(number / scale));
  const length = (values: Float32Array): number => Math.hypot(...values);
  assert.ok(length(errors) < 1.1 * length(plain), `${length(errors)} of ${length(plain)}`);
});

test('int8: the last entry, which the shift t multiplies, survives the rounding, taken apart by the definition', () => {
  const knn = new SecureKnn(kernels, { key, bits: 8, noise: 2, split: 3 });
  const reference = new ReferenceKnn(key, 8);
  /** Both shares of it: 1, or 2 where it is copied. */
  const last = (sealed: Float32Array): number => {
    const { shares } = reference.openStored(sealed);
    return shares[0][8 + 32]! + shares[1][8 + 32]!;
  };
  let [plain, ours] = [0, 0];
  for (let i = 0; i < 40; i++) {
    const vector = knn.seal(bytes(1, i));
    const rounded = knn.round(vector);
    const scale = scaleOf(rounded);
    plain += Math.abs(last(vector.map((number) => scale * Math.round(number / scale))) - last(vector));
    ours += Math.abs(last(numbersOf(rounded)) - last(vector));
  }
  assert.ok(ours < plain / 4, `${ours} of ${plain}`);
});

for (const bits of [64, 832])
  test(`int8: scores are off by little beside the default noise, whatever the shift: ${bits} bits`, () => {
    const knn = new SecureKnn(kernels, { key, bits, noise: 0, split: 3 });
    const count = 100;
    const codes = bytes((count * bits) / 8, 3);
    const stored = knn.sealMany(codes, count);
    const rows = Array.from({ length: count }, (_, i) => stored.subarray(i * knn.dims, (i + 1) * knn.dims));
    const rounded = rows.map((row) => numbersOf(knn.round(row)));
    const query = Float32Array.from(bytes(bits, 4), (byte) => (byte & 1 ? 1 : -1));
    for (let round = 0; round < 20; round++) {
      const trapdoor = knn.trapdoor(query);
      const errors = rows.map((row, i) => dot(row, trapdoor) - dot(rounded[i]!, trapdoor));
      const deviation = Math.hypot(...errors) / Math.sqrt(count);
      // The default noise is 8, times r, of 0.5 to 2. At 832 bits the error without regard to the shift is about 8.
      assert.ok(deviation < 4, String(deviation));
    }
  });

test('int8: a vector of zeros, and what it cannot use', () => {
  const knn = new SecureKnn(kernels, { key, bits: 8, noise: 2, split: 3 });
  assert.equal(knn.round(new Float32Array(82)), new Int8Array(86));
  assert.throws(() => knn.round(new Float32Array(81)), /"vector" expected 82 numbers, got 81/);
  assert.throws(() => knn.round(new Float32Array(82).fill(Infinity)), /"vector" expected finite numbers/);
  assert.throws(() => knn.round(new Int8Array(82) as unknown as Float32Array), TypeError);
  knn.wipe();
  assert.throws(() => knn.round(new Float32Array(82)), RangeError);
});

test('the noise has the deviation that was asked for', () => {
  for (const noise of [2, 8]) {
    const count = 1500;
    const knn = new SecureKnn(kernels, { key, bits: 64, noise, split: 1 });
    const codes = bytes(count * 8, 3);
    const stored = knn.sealMany(codes, count);
    const query = floats(64, 4);
    const trapdoor = knn.trapdoor(query);
    // r from the same trapdoor: it is the length of the query's part, seen through noiseless codes.
    const clean = new SecureKnn(kernels, { key, bits: 64, noise: 0, split: 1 }).sealMany(codes, count);
    const plain = Array.from({ length: count }, (_, i) => plainScore(codes.subarray(8 * i, 8 * i + 8), query));
    const { slope } = fit(
      plain,
      plain.map((_, i) => dot(clean, trapdoor, i * knn.dims)),
    );
    const { deviation } = fit(
      plain,
      plain.map((_, i) => dot(stored, trapdoor, i * knn.dims)),
    );
    // Of the query's own length, and of the 16 slots that it looks at.
    const expected = noise * Math.sqrt((query.reduce((sum, entry) => sum + entry * entry, 0) + 16) / 64);
    assert.ok(Math.abs(deviation / slope / expected - 1) < 0.1, `sigma ${noise}, measured ${deviation / slope}`);
  }
});

test('randomness is fresh: two ciphertexts of one code, and two trapdoors of one query, differ everywhere', () => {
  const knn = new SecureKnn(kernels, { key, bits: 64, noise: 2, split: 1 });
  const [a, b] = [knn.seal(bytes(8, 1)), knn.seal(bytes(8, 1))];
  assert.ok(a.filter((entry, i) => entry === b[i]).length < 3);
  const query = floats(64, 1);
  const [c, d] = [knn.trapdoor(query), knn.trapdoor(query)];
  assert.ok(c.filter((entry, i) => entry === d[i]).length < 3);
});

test('one key makes one cipher: another object opens the same space, another key does not', () => {
  const options = { key, bits: 128, noise: 0, split: 1 };
  const code = bytes(16, 7);
  const query = Float32Array.from({ length: 128 }, (_, i) => ((code[i >> 3]! >> (i & 7)) & 1 ? 1 : -1));
  const other = bytes(16, 8);
  const gap = (stored: SecureKnn, asked: SecureKnn): number => {
    const trapdoor = asked.trapdoor(query);
    return dot(stored.seal(code), trapdoor) - dot(stored.seal(other), trapdoor);
  };
  const expected = 128 - plainScore(other, query);
  const same = gap(new SecureKnn(kernels, options), new SecureKnn(kernels, options));
  assert.ok(same > 0.49 * expected && same < 2.01 * expected);
  const stranger = gap(new SecureKnn(kernels, options), new SecureKnn(kernels, { ...options, key: bytes(32, 2) }));
  assert.ok(Math.abs(stranger) < 1e6);
});

test('batches of any length equal single ciphertexts in what they rank', () => {
  const knn = new SecureKnn(kernels, { key, bits: 64, noise: 0, split: 1 });
  const query = floats(64, 9);
  const trapdoor = knn.trapdoor(query);
  for (const count of [0, 1, 15, 16, 17, 33]) {
    const codes = bytes(8 * count, count);
    const many = knn.sealMany(codes, count);
    assert.is(many.length, count * knn.dims);
    for (let i = 0; i < count; i++) {
      const one = dot(knn.seal(codes.subarray(8 * i, 8 * i + 8)), trapdoor);
      assert.ok(Math.abs(dot(many, trapdoor, i * knn.dims) - one) < 1e-2);
    }
  }
});

test('rejects what it cannot use', () => {
  const type = (error: unknown): boolean => error instanceof TypeError;
  const range = (error: unknown): boolean => error instanceof RangeError;
  const options = { key, bits: 64, noise: 1, split: 1 };
  for (const bad of NOT_BYTES) {
    assert.throws(() => new SecureKnn(kernels, { ...options, key: bad as Uint8Array }), type);
    assert.throws(() => new SecureKnn(kernels, options).seal(bad as Uint8Array), type);
    assert.throws(() => new SecureKnn(kernels, options).trapdoor(bad as Float32Array), type);
  }
  for (const bits of [0, 7, 12, 1032, NaN]) assert.throws(() => new SecureKnn(kernels, { ...options, bits }), range);
  for (const noise of [-1, NaN, Infinity]) {
    assert.throws(() => new SecureKnn(kernels, { ...options, noise }), range);
    assert.throws(() => new SecureKnn(kernels, { ...options, split: noise }), range);
  }
  const knn = new SecureKnn(kernels, options);
  assert.throws(() => knn.seal(new Uint8Array(9)), /"code" expected 8 bytes, got 9/);
  assert.throws(() => knn.sealMany(new Uint8Array(9), 1), /"codes" expected 8 bytes, got 9/);
  assert.throws(() => knn.trapdoor(new Float32Array(63)), /"query" expected 64 numbers, got 63/);
  assert.throws(() => knn.trapdoor(new Float32Array(64).fill(NaN)), range);
  knn.seal(new Uint8Array(8));
  knn.wipe();
  assert.throws(() => knn.seal(new Uint8Array(8)), range);
  assert.ok(
    key.some((byte) => byte !== 0),
    "the caller's key is left alone",
  );
});

test.run();
