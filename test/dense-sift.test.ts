import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DenseSift } from '../src/features/dense-sift.ts';
import type { Luma } from '../src/image/image.ts';
import { denseSift } from './reference/dense-sift.ts';
import { reduce } from './reference/sift.ts';
import { builds, bytes, kernels, NOT_BYTES } from './support.ts';
import { texture } from './textures.ts';

const test = suite('DenseSift');

test('a ramp points one way', () => {
  // Brightness grows to the right: direction 0 in every cell, nothing in the others.
  const data = Uint8Array.from({ length: 64 * 64 }, (_, i) => 3 * (i % 64));
  const { count, descriptors } = new DenseSift(kernels, { cells: [6], step: 16 }).describe({
    width: 64,
    height: 64,
    data,
  });
  assert.is(count, 9);
  for (let i = 0; i < descriptors.length; i++) {
    if (i % 8 === 0) assert.ok(descriptors[i]! > 0.2);
    else assert.ok(descriptors[i]! < 0.02, `entry ${i % 128}: ${descriptors[i]}`);
  }
});

test('a flat or tiny image has no features', () => {
  const dense = new DenseSift(kernels);
  for (const value of [0, 128, 255])
    assert.is(dense.describe({ width: 64, height: 48, data: new Uint8Array(3072).fill(value) }).count, 0);
  for (const [width, height] of [
    [1, 1],
    [8, 8],
    [1, 300],
    [700, 1],
    [19, 100],
  ] as const)
    assert.is(dense.describe({ width, height, data: bytes(width * height, 1) }).count, 0);
  assert.is(dense.describe({ width: 30, height: 30, data: bytes(900, 1) }).count, 1);
});

for (const [build, module] of Object.entries(builds))
  for (const [width, height, maxSide, step] of [
    [61, 47, 320, 5],
    [40, 90, 320, 8],
    [150, 111, 100, 9],
  ] as const)
    test(`${build}: equals the definition: ${width} x ${height} to ${maxSide}, step ${step}`, () => {
      const cells = [2, 3, 4, 7, 24];
      const luma = texture(width, height, width);
      const { count, points, descriptors } = new DenseSift(module, { maxSide, step, cells }).describe(luma);
      const scale = Math.min(1, maxSide / Math.max(width, height));
      const base = reduce(luma.data, width, height, Math.round(width * scale), Math.round(height * scale));
      const slow = cells.flatMap((cell) => denseSift(base, cell, step)).filter(({ contrast }) => contrast >= 0.01);
      assert.is(count, slow.length);
      assert.ok(count > 20);
      slow.forEach(({ x, y, cell, descriptor }, i) => {
        const [across, down] = [width / base.width, height / base.height];
        assert.ok(Math.abs(points[4 * i]! - ((x + 0.5) * across - 0.5)) < 1e-3);
        assert.ok(Math.abs(points[4 * i + 1]! - ((y + 0.5) * down - 0.5)) < 1e-3);
        assert.ok(Math.abs(points[4 * i + 2]! - (cell / 3) * Math.sqrt(across * down)) < 1e-3);
        assert.is(points[4 * i + 3], 0);
        const apart = Math.hypot(...descriptor.map((value, d) => value - descriptors[128 * i + d]!));
        assert.ok(apart < 0.02, `cell ${cell} at ${x}, ${y}: ${apart} apart`);
      });
    });

test('the largest cells and the steepest edges stay within the integers of the sums', () => {
  const size = 240;
  const data = Uint8Array.from({ length: size * size }, (_, i) => (Math.floor(i / 3) % 2 === 0 ? 255 : 0));
  const [whole] = [new DenseSift(kernels, { cells: [24], step: 60 }).describe({ width: size, height: size, data })];
  const slow = denseSift(reduce(data, size, size, size, size), 24, 60);
  assert.is(whole.count, slow.length);
  slow.forEach(({ descriptor }, i) => {
    const apart = Math.hypot(...descriptor.map((value, d) => value - whole.descriptors[128 * i + d]!));
    assert.ok(apart < 0.02);
  });
});

test('release and debug give the same bytes; one image leaves no trace in the next', () => {
  const [small, large] = [texture(90, 70, 3), texture(160, 120, 4)];
  const dense = new DenseSift(builds.release);
  const first = dense.describe(small);
  const before = small.data.slice();
  dense.describe(large);
  assert.equal(dense.describe(small), first);
  assert.equal(new DenseSift(builds.debug).describe(small), first);
  assert.equal(small.data, before);
});

test('rejects what it cannot use', () => {
  const dense = new DenseSift(kernels);
  for (const bad of NOT_BYTES)
    assert.throws(
      () => dense.describe({ width: 1, height: 1, data: bad as Uint8Array }),
      (e: Error) => e instanceof TypeError,
    );
  assert.throws(
    () => dense.describe(null as unknown as Luma),
    (e: Error) => e instanceof TypeError,
  );
  assert.throws(
    () => dense.describe({ width: 2, height: 2, data: new Uint8Array(3) }),
    /"luma.data" expected 4 bytes, got 3/,
  );
  for (const options of [{ step: 0 }, { cells: [] }, { cells: [1] }, { cells: [25] }, { contrast: 0 }, { maxSide: 1 }])
    assert.throws(
      () => new DenseSift(kernels, options),
      (e: Error) => e instanceof RangeError,
    );
});

test.run();
