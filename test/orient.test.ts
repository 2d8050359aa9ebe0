import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { Pixels } from '../src/image/pixels.ts';
import { builds, bytes, kernels } from './support.ts';

const test = suite('orient');

// The letters of Exif 2.32, tag 274: an F as it is stored for each orientation.
const F = {
  1: ['###', '#..', '##.', '#..'],
  2: ['###', '..#', '.##', '..#'],
  3: ['..#', '.##', '..#', '###'],
  4: ['#..', '##.', '#..', '###'],
  5: ['####', '#.#.', '#...'],
  6: ['#...', '#.#.', '####'],
  7: ['...#', '.#.#', '####'],
  8: ['####', '.#.#', '...#'],
} as const;

const draw = (rows: readonly string[]): { width: number; height: number; data: Uint8Array } => ({
  width: rows[0]!.length,
  height: rows.length,
  data: Uint8Array.from([...rows.join('')].flatMap((dot) => (dot === '#' ? [9, 8, 7] : [255, 254, 253]))),
});

test('known answers: a stored F stands upright', () => {
  const pixels = new Pixels(kernels);
  for (const [orientation, rows] of Object.entries(F))
    assert.equal(pixels.orient(draw(rows), Number(orientation)), draw(F[1]), `orientation ${orientation}`);
});

for (const [build, module] of Object.entries(builds))
  test(`${build}: equals the definition`, () => {
    const pixels = new Pixels(module);
    for (const [w, h] of [
      [1, 1],
      [1, 7],
      [7, 1],
      [2, 3],
      [16, 17],
      [33, 5],
    ] as const)
      for (let orientation = 1; orientation <= 8; orientation++) {
        const data = bytes(3 * w * h, w * h);
        const turned = orientation > 4;
        const [W, H] = turned ? [h, w] : [w, h];
        const from: Record<number, (x: number, y: number) => [number, number]> = {
          1: (x, y) => [x, y],
          2: (x, y) => [w - 1 - x, y],
          3: (x, y) => [w - 1 - x, h - 1 - y],
          4: (x, y) => [x, h - 1 - y],
          5: (x, y) => [y, x],
          6: (x, y) => [y, h - 1 - x],
          7: (x, y) => [w - 1 - y, h - 1 - x],
          8: (x, y) => [w - 1 - y, x],
        };
        const expected = new Uint8Array(3 * w * h);
        for (let y = 0; y < H; y++)
          for (let x = 0; x < W; x++) {
            const [px, py] = from[orientation]!(x, y);
            expected.set(data.subarray(3 * (py * w + px), 3 * (py * w + px) + 3), 3 * (y * W + x));
          }
        assert.equal(pixels.orient({ width: w, height: h, data }, orientation), {
          width: W,
          height: H,
          data: expected,
        });
      }
  });

test('turning back restores the image', () => {
  const pixels = new Pixels(kernels);
  const back = [0, 1, 2, 3, 4, 5, 8, 7, 6];
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 8 }),
      (w, h, o) => {
        const image = { width: w, height: h, data: bytes(3 * w * h, o) };
        assert.equal(pixels.orient(pixels.orient(image, o), back[o]!), image);
      },
    ),
    { seed: 42 },
  );
});

test('rejects what it cannot use', () => {
  const image = { width: 1, height: 1, data: new Uint8Array(3) };
  for (const bad of [0, 9, 1.5, NaN])
    assert.throws(() => new Pixels(kernels).orient(image, bad), /"orientation" expected integer 1..8/);
  assert.throws(
    () => new Pixels(kernels).orient({ ...image, data: new Uint8Array(4) }, 1),
    /"data" expected 3 bytes, got 4/,
  );
});

test.run();
