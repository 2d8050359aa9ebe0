import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sift, type SiftOptions } from '../src/features/sift.ts';
import type { LocalFeatures } from '../src/features/local-features.ts';
import type { Luma } from '../src/image/image.ts';
import { double, reduce, sift, type Feature } from './reference/sift.ts';
import { builds, bytes, kernels, NOT_BYTES } from './support.ts';
import { blob, crop, texture, turn } from './textures.ts';

const test = suite('Sift');

interface Point {
  x: number;
  y: number;
  scale: number;
  direction: number;
  descriptor: Float32Array;
}

const list = ({ count, points, descriptors }: LocalFeatures): Point[] =>
  Array.from({ length: count }, (_, i) => ({
    x: points[4 * i]!,
    y: points[4 * i + 1]!,
    scale: points[4 * i + 2]!,
    direction: points[4 * i + 3]!,
    descriptor: descriptors.subarray(128 * i, 128 * (i + 1)),
  }));

const describe = (luma: Luma, options?: SiftOptions): Point[] => list(new Sift(kernels, options).describe(luma));

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

const turnApart = (a: number, b: number): number => {
  const difference = Math.abs(a - b) % (2 * Math.PI);
  return Math.min(difference, 2 * Math.PI - difference);
};

/** Share of `some` that `all` has at the same place, scale and direction with nearly the same descriptor. */
function shareFound(
  some: Point[],
  all: Point[],
  [pixels, ratio, radians, l2]: [number, number, number, number],
): number {
  const found = some.filter((a) =>
    all.some(
      (b) =>
        Math.hypot(a.x - b.x, a.y - b.y) < pixels &&
        Math.abs(Math.log(a.scale / b.scale)) < Math.log(ratio) &&
        turnApart(a.direction, b.direction) < radians &&
        apart(a.descriptor, b.descriptor) < l2,
    ),
  );
  return found.length / some.length;
}

test('a blob is found at its centre and scale', () => {
  // D responds most to a blob of deviation s where its middle blur is s (Lindeberg 1998), the camera's 0.5 included.
  for (const sigma of [2.5, 4, 6, 9])
    for (const [x, y] of [
      [64, 60],
      [61.3, 66.8],
    ] as const) {
      const features = describe(blob(128, 128, x, y, sigma), { doubleBelow: 0 });
      assert.ok(features.length > 0, `sigma ${sigma}: nothing found`);
      for (const feature of features) {
        assert.ok(Math.hypot(feature.x - x, feature.y - y) < 0.1, `at ${feature.x}, ${feature.y}, not ${x}, ${y}`);
        const ratio = feature.scale / sigma;
        assert.ok(ratio > 0.8 && ratio < 1.1, `sigma ${sigma}: scale ${feature.scale}`);
      }
    }
});

test('a flat or tiny image has no features', () => {
  for (const value of [0, 128, 255])
    assert.is(new Sift(kernels).describe({ width: 64, height: 48, data: new Uint8Array(3072).fill(value) }).count, 0);
  for (const [width, height] of [
    [1, 1],
    [8, 8],
    [1, 300],
    [700, 1],
    [5, 2000],
    [12, 12],
  ] as const) {
    const { count, points, descriptors } = new Sift(kernels).describe({
      width,
      height,
      data: bytes(width * height, 1),
    });
    assert.ok(count < 40, `${width} x ${height}: ${count}`);
    assert.is(points.length, 4 * count);
    assert.is(descriptors.length, 128 * count);
  }
});

for (const [build, module] of Object.entries(builds))
  for (const [width, height, maxSide, doubleBelow] of [
    [180, 141, 320, 0],
    [53, 40, 320, 64],
    [260, 187, 190, 0],
  ] as const)
    test(`${build}: equals the definition: ${width} x ${height}${doubleBelow > 0 ? ', doubled' : ''}`, () => {
      const luma = texture(width, height, width);
      const fast = list(new Sift(module, { maxSide, doubleBelow, maxKeypoints: 5000 }).describe(luma));
      const scale = Math.min(1, maxSide / Math.max(width, height));
      const reduced = reduce(luma.data, width, height, Math.round(width * scale), Math.round(height * scale));
      const base = doubleBelow > 0 ? double(reduced) : reduced;
      const [across, down] = [width / base.width, height / base.height];
      const slow = sift(base, { contrast: 0.04, camera: doubleBelow > 0 ? 1 : 0.5 }).map(
        ({ x, y, scale: size, direction, descriptor }: Feature): Point => ({
          x: (x + 0.5) * across - 0.5,
          y: (y + 0.5) * down - 0.5,
          scale: size * Math.sqrt(across * down),
          direction,
          descriptor: Float32Array.from(descriptor),
        }),
      );
      assert.ok(slow.length > 30, `${slow.length} features`);
      assert.ok(Math.abs(fast.length - slow.length) <= 0.02 * slow.length, `${fast.length} of ${slow.length}`);
      assert.ok(shareFound(slow, fast, [0.02, 1.01, 0.01, 0.01]) >= 0.98);
      assert.ok(shareFound(fast, slow, [0.02, 1.01, 0.01, 0.01]) >= 0.98);
    });

test('release and debug give the same bytes', () => {
  const luma = texture(160, 120, 3);
  assert.equal(new Sift(builds.release).describe(luma), new Sift(builds.debug).describe(luma));
});

test('descriptors are RootSIFT: not negative, L2 norm 1; directions are in 0 ..< 2 pi', () => {
  const features = describe(texture(160, 120, 4));
  assert.ok(features.length > 50);
  for (const { descriptor, direction } of features) {
    assert.ok(Math.abs(apart(descriptor, new Float32Array(128)) - 1) < 1e-5);
    assert.ok(descriptor.every((value) => value >= 0));
    assert.ok(direction >= 0 && direction < 2 * Math.PI);
  }
});

test('a quarter turn turns the keypoints and keeps the descriptors', () => {
  // Odd sides: halving then keeps the same pixels after the turn.
  const luma = texture(129, 97, 5);
  const options = { maxKeypoints: 5000, doubleBelow: 0 };
  const turned = describe(turn(luma), options);
  const expected = describe(luma, options).map((point) => ({
    ...point,
    x: luma.height - 1 - point.y,
    y: point.x,
    direction: point.direction + Math.PI / 2,
  }));
  assert.ok(expected.length > 50);
  assert.ok(shareFound(expected, turned, [0.1, 1.02, 0.02, 0.05]) >= 0.95);
});

test('brightness and contrast change little', () => {
  const luma = texture(128, 96, 6);
  const dark = { ...luma, data: luma.data.map((value) => Math.round(30 + 0.5 * value)) };
  const matched = shareFound(describe(dark), describe(luma, { contrast: 0.02 }), [1, 1.2, 0.2, 0.25]);
  assert.ok(matched >= 0.85, `${matched}`);
});

test('half the size keeps many of the keypoints', () => {
  const luma = texture(256, 192, 7);
  const data = Uint8Array.from(reduce(luma.data, 256, 192, 128, 96).data, (value) => Math.round(255 * value));
  const small = describe({ width: 128, height: 96, data }, { doubleBelow: 0 }).map((point) => ({
    ...point,
    x: 2 * point.x + 0.5,
    y: 2 * point.y + 0.5,
    scale: 2 * point.scale,
  }));
  const large = describe(luma, { maxKeypoints: 5000, doubleBelow: 0 });
  assert.ok(small.length > 30);
  const matched = shareFound(small, large, [2, 1.3, 0.3, 0.4]);
  assert.ok(matched >= 0.7, `${matched}`);
});

test('a shifted copy matches by descriptor alone', () => {
  const whole = texture(240, 200, 8);
  const [left, top] = [13, 9];
  const first = describe(crop(whole, 0, 0, 200, 160));
  const second = describe(crop(whole, left, top, 200, 160));
  let [right, tried] = [0, 0];
  for (const a of first) {
    // Only what the copy holds too, with its neighbourhood.
    const reach = 12 * a.scale;
    if (a.x - left < reach || a.y - top < reach || a.x + reach > 200 || a.y + reach > 160) continue;
    tried++;
    const nearest = second.reduce((best, b) =>
      apart(a.descriptor, b.descriptor) < apart(a.descriptor, best.descriptor) ? b : best,
    );
    if (Math.hypot(nearest.x + left - a.x, nearest.y + top - a.y) < 2) right++;
  }
  assert.ok(tried > 30, `${tried}`);
  assert.ok(right / tried >= 0.9, `${right} of ${tried}`);
});

test('maxKeypoints keeps the strongest, in the same order', () => {
  const luma = texture(160, 120, 9);
  const all = new Sift(kernels, { maxKeypoints: 5000 }).describe(luma);
  for (const maxKeypoints of [1, 7, 50]) {
    const some = new Sift(kernels, { maxKeypoints }).describe(luma);
    assert.is(some.count, maxKeypoints);
    assert.equal(some.points, all.points.slice(0, 4 * maxKeypoints));
    assert.equal(some.descriptors, all.descriptors.slice(0, 128 * maxKeypoints));
  }
});

test('one image leaves no trace in the next, and inputs stay as they are', () => {
  const [small, large] = [texture(70, 60, 10), texture(200, 150, 11)];
  const before = small.data.slice();
  const one = new Sift(kernels);
  const first = one.describe(small);
  const copy = { points: first.points.slice(), descriptors: first.descriptors.slice() };
  one.describe(large);
  assert.equal(one.describe(small), first);
  assert.equal(first.points, copy.points);
  assert.equal(first.descriptors, copy.descriptors);
  assert.equal(small.data, before);
});

test('rejects what it cannot use', () => {
  const one = new Sift(kernels);
  for (const bad of NOT_BYTES)
    assert.throws(
      () => one.describe({ width: 1, height: 1, data: bad as Uint8Array }),
      (e: Error) => e instanceof TypeError,
    );
  assert.throws(
    () => one.describe(undefined as unknown as Luma),
    (e: Error) => e instanceof TypeError,
  );
  for (const [width, height] of [
    [0, 1],
    [1, 0],
    [2, 2],
    [1.5, 2],
    [-1, -3],
  ] as const)
    assert.throws(
      () => one.describe({ width, height, data: new Uint8Array(3) }),
      (e: Error) => e instanceof RangeError,
    );
  for (const options of [{ maxSide: 8 }, { maxKeypoints: 0 }, { contrast: 0 }, { contrast: NaN }, { doubleBelow: -1 }])
    assert.throws(
      () => new Sift(kernels, options),
      (e: Error) => e instanceof RangeError,
    );
});

test.run();
