import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import {
  EDGE_BINS,
  EXPANDED_EDGE_BINS,
  EdgeHistogram,
  dequantizeEdges,
  expandEdges,
  quantizeEdges,
} from '../src/features/edge-histogram.ts';
import type { Luma } from '../src/image/image.ts';
import { edgeHistogram, prepare } from './reference/edge-histogram.ts';
import { NOT_BYTES, builds, bytes, kernels } from './support.ts';

const test = suite('EdgeHistogram');

const paint = (width: number, height: number, at: (x: number, y: number) => number): Luma => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width))),
});

const describe = (luma: Luma): Float32Array => new EdgeHistogram(kernels).describe(luma);

/** 80 bins that are equal in every sub-image. */
const everywhere = (...kinds: number[]): number[] => Array.from({ length: 16 }, () => kinds).flat();

// 96 x 96: floor(9216 / 1100) = 8, floor(sqrt(8) / 2) = 1, so blocks of 2 x 2: quadrants are pixels,
// 48 x 48 blocks, 12 x 12 in each sub-image.
test('known answers: 2 x 2 blocks of one kind', () => {
  const tile = (d1: number, d2: number, d3: number, d4: number): Luma =>
    paint(96, 96, (x, y) => [d1, d2, d3, d4][2 * (y % 2) + (x % 2)]!);
  assert.equal([...describe(tile(7, 7, 7, 7))], everywhere(0, 0, 0, 0, 0));
  assert.equal([...describe(tile(200, 0, 200, 0))], everywhere(1, 0, 0, 0, 0));
  assert.equal([...describe(tile(0, 0, 200, 200))], everywhere(0, 1, 0, 0, 0));
  // |d1 + d3 - d2 - d4| = 100 and as much horizontally, sqrt2 * 100 on the diagonal, 2 * |100 - 50 - 50 + 0| = 0.
  assert.equal([...describe(tile(100, 50, 50, 0))], everywhere(0, 0, 1, 0, 0));
  assert.equal([...describe(tile(50, 100, 0, 50))], everywhere(0, 0, 0, 1, 0));
  assert.equal([...describe(tile(200, 0, 0, 200))], everywhere(0, 0, 0, 0, 1));
  // Vertical and horizontal tie at 10 + 10, the diagonal has sqrt2 * 20.
  assert.equal([...describe(tile(20, 10, 10, 0))], everywhere(0, 0, 1, 0, 0));
  // 5.5 + 5.5 = 11 is not below the threshold, 10 is.
  assert.equal([...describe(tile(6, 0, 5, 0))], everywhere(1, 0, 0, 0, 0));
  assert.equal([...describe(tile(5, 0, 5, 0))], everywhere(0, 0, 0, 0, 0));
  // A single bright pixel: 2 * 100 is the largest.
  assert.equal([...describe(tile(100, 0, 0, 0))], everywhere(0, 0, 0, 0, 1));
});

test('known answers: one step, and the blocks that count', () => {
  // The step lies inside the blocks that begin at x = 46; no other block has an edge.
  const bins = describe(paint(96, 96, (x) => (x < 47 ? 0 : 255)));
  for (let sub = 0; sub < 16; sub++)
    assert.equal([...bins.subarray(5 * sub, 5 * sub + 5)], [sub % 4 === 1 ? Math.fround(12 / 144) : 0, 0, 0, 0, 0]);
  // A checkerboard of 12 pixels with 2 x 2 blocks: every border lies between blocks.
  assert.equal(
    [...describe(paint(96, 96, (x, y) => 255 * ((Math.floor(x / 12) + Math.floor(y / 12)) % 2)))],
    everywhere(0, 0, 0, 0, 0),
  );
});

const SIZES: readonly (readonly [number, number])[] = [
  [1, 1],
  [2, 2],
  [3, 70],
  [69, 71],
  [70, 70],
  [71, 97],
  [1, 64],
  [65, 1],
  [200, 3],
  [130, 2],
  [127, 128],
  [211, 113],
  [150, 321],
  [512, 8],
  [512, 384],
  [399, 512],
];

for (const [build, module] of Object.entries(builds))
  for (const [width, height] of SIZES)
    test(`${build}: equals the definition: ${width} x ${height}`, () => {
      // Smooth enough for every kind to win somewhere, and low values, so that ties and the threshold are met.
      for (const [seed, depth] of [
        [1, 256],
        [2, 24],
        [3, 4],
      ] as const) {
        // The long ones are enlarged to 4480 x 70, slowly by the definition: once is enough.
        if (seed > 1 && Math.max(width, height) > 16 * Math.min(width, height)) continue;
        const noise = bytes(width * height, seed + width);
        const luma = paint(
          width,
          height,
          (x, y) => (noise[y * width + x]! % depth) + (seed === 1 ? 0 : (x + 2 * y) % 90),
        );
        const ready = prepare(luma.data, width, height);
        const expected = edgeHistogram(ready.data, ready.width, ready.height).map(Math.fround);
        assert.equal([...new EdgeHistogram(module).describe(luma)], expected, `depth ${depth}`);
      }
    });

test('all block sides up to a large one', () => {
  const histogram = new EdgeHistogram(kernels);
  for (let width = 100; width < 800; width += 157) {
    const height = 2 * width - 61;
    const noise = bytes(64 * 64, width);
    const luma = paint(width, height, (x, y) => noise[64 * ((y >> 3) % 64) + ((x >> 3) % 64)]!);
    assert.equal([...histogram.describe(luma)], edgeHistogram(luma.data, width, height).map(Math.fround), `${width}`);
  }
});

test('bins are shares: at most one in all, zero for a constant image', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), fc.integer(), (w, h, seed) => {
      const bins = describe({ width: w, height: h, data: bytes(w * h, seed) });
      for (let sub = 0; sub < 16; sub++) {
        const sum = bins.subarray(5 * sub, 5 * sub + 5).reduce((a, b) => a + b, 0);
        assert.ok(sum >= 0 && sum <= 1 + 1e-6);
      }
      assert.ok(describe({ width: w, height: h, data: new Uint8Array(w * h).fill(seed & 255) }).every((v) => v === 0));
    }),
    { seed: 42, numRuns: 40 },
  );
});

test('known answers: levels', () => {
  const bins = new Float32Array(EDGE_BINS);
  // Vertical: borders at 0.034391, ..., 0.4440795.
  bins[0] = 0.0343;
  bins[5] = 0.0345;
  bins[10] = 0.444;
  bins[15] = 0.4442;
  bins[20] = 1;
  const levels = quantizeEdges(bins);
  assert.equal([levels[0], levels[5], levels[10], levels[15], levels[20]], [0, 1, 6, 7, 7]);
  assert.is(dequantizeEdges(levels)[15], Math.fround(0.530128));
  // Every value of the table keeps its level.
  for (let level = 0; level < 8; level++) {
    const same = new Uint8Array(EDGE_BINS).fill(level);
    assert.equal(quantizeEdges(dequantizeEdges(same)), same);
  }
});

test('known answers: expansion', () => {
  const bins = new Float32Array(EDGE_BINS);
  bins[0] = 1; // vertical, top left sub-image
  const expanded = expandEdges(bins);
  assert.is(expanded.length, EXPANDED_EDGE_BINS);
  const set = [...expanded].flatMap((v, i) => (v === 0 ? [] : [[i, v]]));
  // Local; global 5 / 16; first column, first row, top left corner 1 / 4 each.
  assert.equal(set, [
    [0, 1],
    [80, 5 / 16],
    [85, 1 / 4],
    [85 + 5 * 4, 1 / 4],
    [85 + 5 * 8, 1 / 4],
  ]);
  const centre = new Float32Array(EDGE_BINS);
  centre[5 * 5 + 4] = 1; // non-directional, sub-image (1, 1)
  assert.is(expandEdges(centre)[85 + 5 * 12 + 4], 1 / 4);
});

test('keeps earlier results, and does not change its input', () => {
  const histogram = new EdgeHistogram(kernels);
  const luma = { width: 100, height: 80, data: bytes(8000, 1) };
  const first = histogram.describe(luma);
  const copy = first.slice();
  histogram.describe({ width: 300, height: 300, data: bytes(90_000, 2) });
  assert.equal(first, copy);
  assert.equal(luma.data, bytes(8000, 1));
});

test('rejects what it cannot use', () => {
  for (const bad of NOT_BYTES)
    assert.throws(
      () => describe({ width: 1, height: 1, data: bad as Uint8Array }),
      (e: unknown) => e instanceof TypeError,
    );
  assert.throws(() => describe({ width: 2, height: 2, data: new Uint8Array(5) }), /"data" expected 4 bytes, got 5/);
  assert.throws(() => describe({ width: 0, height: 2, data: new Uint8Array(0) }), /"width" expected integer/);
  assert.throws(() => quantizeEdges(new Float32Array(79)), /"bins" expected 80 numbers, got 79/);
  assert.throws(() => dequantizeEdges(new Uint8Array(80).fill(8)), /"levels" expected integer 0..7, got 8/);
});

test.run();
