import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { NearestCentroid } from '../src/features/nearest-centroid.ts';
import { nearestByF32, squaredDistances } from './reference/nearest-centroid.ts';
import { builds, floats, kernels } from './support.ts';

const test = suite('NearestCentroid');

test('known answers', () => {
  const nearest = new NearestCentroid(kernels, Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0), 4);
  const vectors = Float32Array.of(0, 0, 0, 0, 0.9, 0, 0, 0, 0, 5, 0, 0, 0.5, 0, 0, 0);
  const { indices, distances } = nearest.assignWithDistances(vectors, 4);
  // The last is as near to centroid 0 as to 1.
  assert.equal([...indices], [0, 1, 2, 0]);
  [0, 0.01, 9, 0.25].forEach((value, i) => assert.ok(Math.abs(distances[i]! - value) < 1e-6));
  assert.equal([...nearest.assign(vectors, 4)], [0, 1, 2, 0]);
});

for (const [build, module] of Object.entries(builds))
  for (const dims of [4, 12, 128])
    test(`${build}: equals the definition: ${dims} dims`, () => {
      for (const centroidCount of [1, 2, 3, 4, 5, 6, 7, 8, 9, 500])
        for (const count of [0, 1, 2, 3, 5, 8, 257]) {
          const centroids = floats(dims * centroidCount, centroidCount);
          const vectors = floats(dims * count, count + 1);
          const { indices, distances } = new NearestCentroid(module, centroids, dims).assignWithDistances(
            vectors,
            count,
          );
          assert.is(indices.length, count);
          for (let i = 0; i < count; i++) {
            const all = squaredDistances(vectors.subarray(i * dims, (i + 1) * dims), centroids);
            const least = Math.min(...all);
            // In f32 two centroids within rounding of each other may change places.
            assert.ok(all[indices[i]!]! <= least + 1e-5 * dims, `${count} x ${centroidCount}: vector ${i}`);
            assert.ok(Math.abs(distances[i]! - least) < 1e-5 * dims);
          }
        }
    });

for (const [build, module] of Object.entries(builds))
  test(`${build}: exact on small integers, ties to the lower index`, () => {
    const vector = (dims: number): fc.Arbitrary<number[]> =>
      fc.array(fc.integer({ min: -2, max: 2 }), { minLength: dims, maxLength: dims });
    fc.assert(
      fc.property(
        fc.array(vector(4), { minLength: 1, maxLength: 40 }),
        fc.array(vector(4), { minLength: 1, maxLength: 11 }),
        (centroids, vectors) => {
          const table = Float32Array.from(centroids.flat());
          const flat = Float32Array.from(vectors.flat());
          const { indices, distances } = new NearestCentroid(module, table, 4).assignWithDistances(
            flat,
            vectors.length,
          );
          vectors.forEach((_, i) => {
            const all = squaredDistances(flat.subarray(4 * i, 4 * i + 4), table);
            assert.is(indices[i], all.indexOf(Math.min(...all)));
            assert.is(distances[i], Math.min(...all));
          });
        },
      ),
      { seed: 42, numRuns: 200 },
    );
  });

// Centroids closer together than 16 bits can tell apart, and numbers far from 1.
for (const [build, module] of Object.entries(builds))
  for (const dims of [4, 8, 20, 128])
    test(`${build}: the answer of f32, to the bit: ${dims} dims`, () => {
      for (const spread of [0, 1e-7, 1e-5, 1e-3, 1])
        for (const scale of [1e-25, 1e-12, 1, 1e12, 2.6e18])
          for (const [centroidCount, count] of [
            [1, 3],
            [9, 8],
            [130, 21],
          ] as const) {
            const middle = floats(dims, 7);
            const near = (length: number, seed: number): Float32Array =>
              floats(length, seed).map((value, i) => scale * (middle[i % dims]! + spread * value));
            const centroids = near(dims * centroidCount, centroidCount);
            const vectors = near(dims * count, count + 1);
            // One vector of another size than the rest.
            vectors.subarray(0, dims).forEach((value, i, row) => (row[i] = 1000 * value));
            const indices = new NearestCentroid(module, centroids, dims).assign(vectors, count);
            for (let i = 0; i < count; i++) {
              const wanted = nearestByF32(vectors.subarray(i * dims, (i + 1) * dims), centroids);
              assert.is(
                indices[i],
                wanted.index,
                `spread ${spread}, scale ${scale}, ${count} x ${centroidCount}: ${i}`,
              );
            }
          }
    });

/** Rows near a space of `rank` dims, and some off it: what a projection tells apart, and what it does not. */
function nearASpace(rows: number, dims: number, rank: number, noise: number, seed: number): Float32Array {
  const axes = floats(rank * dims, 1);
  const shares = floats(rank * rows, seed);
  return floats(rows * dims, seed + 1).map((value, at) => {
    let sum = noise * value;
    for (let r = 0; r < rank; r++) sum += shares[Math.floor(at / dims) * rank + r]! * axes[r * dims + (at % dims)]!;
    return sum;
  });
}

for (const [build, module] of Object.entries(builds))
  for (const dims of [48, 60, 128])
    test(`${build}: the answer of f32 where vectors are projected: ${dims} dims`, () => {
      for (const [rank, noise] of [
        [3, 0.01],
        [20, 0.6],
        [40, 0.01],
      ] as const)
        for (const [centroidCount, count] of [
          [64, 5],
          [203, 131],
        ] as const) {
          const centroids = nearASpace(centroidCount, dims, rank, noise, 2);
          // Two alike, and one of nothing.
          centroids.copyWithin(9 * dims, 60 * dims, 61 * dims);
          centroids.fill(0, 5 * dims, 6 * dims);
          const vectors = nearASpace(count, dims, rank, noise, 4);
          vectors.set(centroids.subarray(60 * dims, 61 * dims), 0);
          vectors.fill(0, dims, 2 * dims);
          // Neither no number nor one too large is ruled out, or hinders its neighbours.
          vectors[2 * dims + 5] = NaN;
          vectors[3 * dims + 7] = 3e38;
          const nearest = new NearestCentroid(module, centroids, dims);
          const { indices } = nearest.assignWithDistances(vectors, count);
          assert.equal(nearest.assign(vectors, count), indices);
          for (let i = 0; i < count; i++)
            assert.is(
              indices[i],
              nearestByF32(vectors.subarray(i * dims, (i + 1) * dims), centroids).index,
              `rank ${rank}, ${count} x ${centroidCount}: ${i}`,
            );
        }
    });

test('more vectors than one batch', () => {
  const count = 5000;
  const vectors = floats(4 * count, 3);
  const nearest = new NearestCentroid(kernels, floats(4 * 20, 4), 4);
  const all = nearest.assign(vectors, count);
  const halves = [
    nearest.assign(vectors.subarray(0, 4 * 1111), 1111),
    nearest.assign(vectors.subarray(4 * 1111), 3889),
  ];
  assert.equal([...all], [...halves[0]!, ...halves[1]!]);
  assert.equal(nearest.assignWithDistances(vectors, count).indices, all);
});

test('no number makes it answer a centroid that is not there', () => {
  const nearest = new NearestCentroid(kernels, floats(4 * 5, 1), 4);
  for (const bad of [NaN, Infinity, -Infinity, 3e38])
    for (const index of nearest.assign(new Float32Array(12).fill(bad), 3)) assert.ok(index < 5);
});

test('rejects what it cannot use', () => {
  for (const bad of [undefined, null, [1, 2, 3, 4], new Float64Array(4), 'four'] as unknown[])
    assert.throws(
      () => new NearestCentroid(kernels, bad as Float32Array, 4),
      (e: Error) => e instanceof TypeError,
    );
  for (const dims of [0, 3, 6, -4, NaN, 4100])
    assert.throws(
      () => new NearestCentroid(kernels, new Float32Array(24), dims),
      (e: Error) => e instanceof RangeError,
    );
  for (const length of [0, 5])
    assert.throws(
      () => new NearestCentroid(kernels, new Float32Array(length), 4),
      (e: Error) => e instanceof RangeError,
    );
  const nearest = new NearestCentroid(kernels, new Float32Array(8), 4);
  assert.throws(() => nearest.assign(new Float32Array(4), 2), /"vectors" expected 8 numbers, got 4/);
  assert.throws(
    () => nearest.assign(new Float32Array(4), -1),
    (e: Error) => e instanceof RangeError,
  );
});

test.run();
