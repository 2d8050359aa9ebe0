import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { CHI_SQUARE_LIMIT, byteHistogram, chiSquare, entropy } from '../src/eval/byte-histogram.ts';
import { cipherFigures } from '../src/eval/cipher-figures.ts';
import { NPCR_IDEAL, UACI_IDEAL, npcr, uaci } from '../src/eval/differential.ts';
import { neighbourCorrelation } from '../src/eval/neighbour-correlation.ts';
import { chiSquareOf, entropyOf, pearson } from './reference/cipher-figures.ts';
import { NOT_BYTES, bytes, kernels } from './support.ts';

const test = suite('cipher-figures');

function near(actual: number, expected: number, within = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= within, `expected ${expected}, got ${actual}`);
}

test('known answers: entropy and chi-square', () => {
  const each = Uint8Array.from({ length: 512 }, (_, i) => i);
  near(entropy(byteHistogram(each)), 8);
  near(chiSquare(byteHistogram(each)), 0);
  const one = new Uint8Array(256).fill(7);
  near(entropy(byteHistogram(one)), 0);
  // (256 - 1)^2 / 1 + 255 * 1
  near(chiSquare(byteHistogram(one)), 255 * 255 + 255);
  near(entropy(byteHistogram(Uint8Array.of(1, 1, 2, 2))), 1);
  assert.is(entropy(byteHistogram(new Uint8Array(0))), 0);
  assert.is(chiSquare(byteHistogram(new Uint8Array(0))), 0);
});

test('known answers: NPCR, UACI and their ideals', () => {
  near(100 * NPCR_IDEAL, 99.6094, 5e-5);
  near(100 * UACI_IDEAL, 33.4635, 5e-5);
  assert.is(npcr(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(1, 2, 9, 4)), 0.25);
  assert.is(uaci(Uint8Array.of(0, 0), Uint8Array.of(255, 0)), 0.5);
  // The ideals are means over all pairs of bytes.
  let [changed, distance] = [0, 0];
  for (let a = 0; a < 256; a++)
    for (let b = 0; b < 256; b++) {
      changed += Number(a !== b);
      distance += Math.abs(a - b);
    }
  near(changed / 65536, NPCR_IDEAL);
  near(distance / 255 / 65536, UACI_IDEAL);
});

test('known answers: neighbours', () => {
  // A ramp to the right: beside, every pixel is one more; below, it is equal.
  const [width, height] = [8, 4];
  const ramp = Uint8Array.from({ length: 3 * width * height }, (_, i) => Math.floor(i / 3) % width);
  const { horizontal, vertical, diagonal } = neighbourCorrelation(ramp, width, height);
  near(horizontal, 1);
  near(vertical, 1);
  near(diagonal, 1);
  // A chessboard: neighbours are opposite, diagonal ones are equal.
  const board = Uint8Array.from(
    { length: 3 * 64 },
    (_, i) => 255 * (((Math.floor(i / 3) % 8) + Math.floor(i / 24)) % 2),
  );
  const chess = neighbourCorrelation(board, 8, 8);
  near(chess.horizontal, -1);
  near(chess.vertical, -1);
  near(chess.diagonal, 1);
  assert.equal(neighbourCorrelation(new Uint8Array(12), 2, 2), { horizontal: 0, vertical: 0, diagonal: 0 });
});

test('equal the definitions', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300, max: 9 }), (data) => {
      near(entropy(byteHistogram(data)), entropyOf([...data]), 1e-9);
      near(chiSquare(byteHistogram(data)), chiSquareOf([...data]), 1e-6);
    }),
    { seed: 4, numRuns: 30 },
  );
  const [width, height] = [9, 7];
  const data = bytes(3 * width * height, 3);
  const pairs = (dx: number, dy: number): [number[], number[]] => {
    const [x, y]: [number[], number[]] = [[], []];
    for (let row = 0; row + dy < height; row++)
      for (let column = 0; column + dx < width; column++)
        for (let channel = 0; channel < 3; channel++) {
          x.push(data[3 * (row * width + column) + channel]!);
          y.push(data[3 * ((row + dy) * width + column + dx) + channel]!);
        }
    return [x, y];
  };
  const found = neighbourCorrelation(data, width, height);
  near(found.horizontal, pearson(...pairs(1, 0)));
  near(found.vertical, pearson(...pairs(0, 1)));
  near(found.diagonal, pearson(...pairs(1, 1)));
});

test('the stream on a smooth picture: random by every figure, and yet one key used twice shows the pixel', () => {
  const [width, height] = [160, 120];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => i / 3 / width + ((i / 3) % width) / 2);
  const { figures, ciphertext } = cipherFigures(kernels, { width, height, data });
  assert.is(ciphertext.length, data.length);
  assert.ok(figures.plain.correlation.vertical > 0.9);
  assert.ok(figures.cipher.entropy > 7.99 && figures.cipher.entropy <= 8);
  // Fails for one key in some hundred thousand: the mean is 255, the deviation 22.6.
  assert.ok(figures.cipher.chiSquare < CHI_SQUARE_LIMIT + 60, String(figures.cipher.chiSquare));
  for (const value of Object.values(figures.cipher.correlation)) near(value, 0, 0.03);
  for (const difference of [figures.onePixel, figures.oneKeyBit]) {
    near(difference.npcr, NPCR_IDEAL, 0.003);
    near(difference.uaci, UACI_IDEAL, 0.01);
  }
  near(figures.oneKey.npcr, 1 / data.length);
  near(figures.wrongKey, 1 / 256, 0.003);
});

test('bad input', () => {
  for (const bad of NOT_BYTES) {
    assert.throws(() => byteHistogram(bad as Uint8Array), /"bytes" expected/);
    assert.throws(() => npcr(bad as Uint8Array, new Uint8Array(1)), /"a" expected/);
  }
  assert.throws(() => npcr(new Uint8Array(2), new Uint8Array(3)), RangeError);
  assert.throws(() => uaci(new Uint8Array(0), new Uint8Array(0)), RangeError);
  assert.throws(() => neighbourCorrelation(new Uint8Array(3), 1, 1), RangeError);
  assert.throws(() => neighbourCorrelation(new Uint8Array(13), 2, 2), RangeError);
});

test.run();
