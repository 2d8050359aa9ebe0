import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { Pixels } from '../src/image/pixels.ts';
import { workingSize } from '../src/image/image.ts';
import { area, bilinear } from './reference/resize.ts';
import { NOT_BYTES, builds, bytes, kernels } from './support.ts';

const test = suite('resize');

test('known answers', () => {
  const pixels = new Pixels(kernels);
  const plane = { width: 4, height: 2, data: Uint8Array.of(0, 10, 20, 31, 2, 12, 22, 33) };
  // (0 + 10 + 2 + 12) / 4 = 6; (20 + 31 + 22 + 33) / 4 = 26.5, halves up.
  assert.equal([...pixels.resizeArea(plane, 2, 1).data], [6, 27]);
  // Three columns of 4/3 pixels: (0 + 10/3) / (4/3) = 2.5, (10 * 2/3 + 20 * 2/3) / (4/3) = 15, (20/3 + 31) / (4/3) = 28.25.
  assert.equal(
    [...pixels.resizeArea({ ...plane, height: 1, data: plane.data.subarray(0, 4) }, 3, 1).data],
    [3, 15, 28],
  );
  // Samples at -0.25, 0.25, 0.75, 1.25.
  assert.equal(
    [...pixels.resizeBilinear({ width: 2, height: 1, data: Uint8Array.of(0, 100) }, 4, 1).data],
    [0, 25, 75, 100],
  );
  assert.equal(
    [...pixels.resizeBilinear({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) }, 2, 1).data],
    [1, 2, 3, 1, 2, 3],
  );
});

for (const [build, module] of Object.entries(builds)) {
  const pixels = new Pixels(module);

  test(`${build}: area average equals the definition at every tail length`, () => {
    for (const channels of [1, 3])
      for (let width = 1; width <= 36; width++) {
        const height = 1 + (width % 5);
        const data = bytes(channels * width * height, width);
        for (const outWidth of new Set([1, Math.ceil(width / 3), width - 1 || 1, width]))
          for (const outHeight of new Set([1, Math.ceil(height / 2), height]))
            assert.equal(
              pixels.resizeArea({ width, height, data }, outWidth, outHeight).data,
              area(data, width, height, channels, outWidth, outHeight),
              `${width} x ${height} x ${channels} -> ${outWidth} x ${outHeight}`,
            );
      }
  });

  test(`${build}: bilinear equals the definition`, () => {
    for (const channels of [1, 3])
      for (const [width, height] of [
        [1, 1],
        [1, 5],
        [2, 2],
        [7, 3],
        [13, 17],
      ] as const)
        for (const [outWidth, outHeight] of [
          [1, 1],
          [2, 9],
          [14, 6],
          [23, 31],
        ] as const) {
          const data = bytes(channels * width * height, width);
          assert.equal(
            pixels.resizeBilinear({ width, height, data }, outWidth, outHeight).data,
            bilinear(data, width, height, channels, outWidth, outHeight),
          );
        }
  });
}

test('a tall image goes through in strips, with the same result', () => {
  const [width, height] = [700, 5001];
  const data = bytes(3 * width * height, 5);
  const out = new Pixels(kernels).resizeArea({ width, height, data }, 7, 37);
  // Column and row borders are whole in one direction only, so compare with sums over columns first.
  const columns = new Float64Array(3 * 7 * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) columns[3 * (y * 7 + Math.floor(x / 100)) + c]! += data[3 * (y * width + x) + c]!;
  for (let row = 0; row < 37; row++)
    for (let i = 0; i < 21; i++) {
      let sum = 0;
      for (let y = Math.floor((row * height) / 37); y < Math.ceil(((row + 1) * height) / 37); y++)
        sum += columns[21 * y + i]! * (Math.min((y + 1) * 37, (row + 1) * height) - Math.max(y * 37, row * height));
      assert.is(out.data[21 * row + i], Math.floor(sum / (100 * height) + 0.5));
    }
});

test('reducing RGBA is flattening, then averaging', () => {
  const pixels = new Pixels(kernels);
  const decoded = { width: 1100, height: 1001, channels: 4, data: bytes(4 * 1100 * 1001, 6) } as const;
  assert.equal(pixels.reduce(decoded, 64, 58), pixels.resizeArea(pixels.flatten(decoded), 64, 58));
  assert.equal(pixels.reduce(decoded, 1100, 1001), pixels.flatten(decoded));
});

test('constant images stay constant, the mean of a plane is kept', () => {
  const pixels = new Pixels(kernels);
  const side = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (w, h, W, H, value) => {
      const plane = { width: w, height: h, data: new Uint8Array(w * h).fill(value) };
      assert.ok(pixels.resizeBilinear(plane, W, H).data.every((v) => v === value));
      assert.ok(pixels.resizeArea(plane, Math.min(w, W), Math.min(h, H)).data.every((v) => v === value));
    }),
    { seed: 42 },
  );
});

test('averaging and turning commute', () => {
  const pixels = new Pixels(kernels);
  const image = { width: 31, height: 22, data: bytes(3 * 31 * 22, 8) };
  for (let o = 1; o <= 8; o++) {
    const turned = pixels.orient(image, o);
    const [W, H] = o > 4 ? [5, 9] : [9, 5];
    assert.equal(pixels.orient(pixels.resizeArea(image, 9, 5), o), pixels.resizeArea(turned, W, H));
  }
});

test('the working image', () => {
  assert.equal(workingSize(512, 512), { width: 512, height: 512 });
  assert.equal(workingSize(4000, 3000), { width: 512, height: 384 });
  assert.equal(workingSize(3000, 4000), { width: 384, height: 512 });
  assert.equal(workingSize(100_000, 10), { width: 512, height: 1 });
  assert.equal(workingSize(1024, 3), { width: 512, height: 2 });
  assert.equal(workingSize(1, 1), { width: 1, height: 1 });
});

test('rejects what it cannot use', () => {
  const pixels = new Pixels(kernels);
  const plane = { width: 4, height: 4, data: new Uint8Array(16) };
  for (const bad of NOT_BYTES)
    assert.throws(
      () => pixels.resizeArea({ ...plane, data: bad as Uint8Array }, 1, 1),
      (e: unknown) => e instanceof TypeError,
    );
  assert.throws(() => pixels.resizeArea(plane, 5, 1), /"outWidth" expected integer 1..4, got 5/);
  assert.throws(() => pixels.resizeBilinear(plane, 1, 0), /"outHeight" expected integer/);
  assert.throws(
    () => pixels.resizeArea({ ...plane, data: new Uint8Array(17) }, 1, 1),
    /"data" expected 48 bytes, got 17/,
  );
});

test.run();
