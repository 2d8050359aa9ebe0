import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RetrievalError } from '../src/base/errors.ts';
import { gaussian, seededRandom } from '../src/base/random.ts';
import { LocalSample, inverseFrequencies } from '../src/train/codebook.ts';
import { kMeans } from '../src/train/kmeans.ts';
import { floats } from './support.ts';

const test = suite('kMeans');

/** Points around (10 c, -10 c) for cluster c. */
function planted(clusters: number, each: number, seed: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Float32Array.from({ length: clusters * each * 2 }, (_, i) => {
    const cluster = Math.floor(i / 2) % clusters;
    return (i % 2 === 0 ? 10 : -10) * cluster + 0.5 * gaussian(random);
  });
}

function sorted(centroids: Float32Array): number[][] {
  return Array.from({ length: centroids.length / 2 }, (_, c) => [centroids[2 * c]!, centroids[2 * c + 1]!]).sort(
    (a, b) => a[0]! - b[0]!,
  );
}

test('one cluster is the mean, and as many as points are the points', async () => {
  const points = Float32Array.from([0, 0, 2, 0, 4, 6]);
  assert.equal([...(await kMeans(points, 2, 1, { seed: 1 }))], [2, 2]);
  assert.equal(sorted(await kMeans(points, 2, 3, { seed: 1 })), [
    [0, 0],
    [2, 0],
    [4, 6],
  ]);
});

test('finds planted clusters', async () => {
  // Lloyd's iterations end in a local optimum: of three seeds the best is taken.
  const points = planted(7, 200, 1);
  let best = Infinity;
  let centroids: number[][] = [];
  for (const seed of [1, 2, 3]) {
    let last = Infinity;
    const found = await kMeans(points, 2, 7, { seed, onIteration: (_iteration, _of, loss) => (last = loss) });
    if (last >= best) continue;
    best = last;
    centroids = sorted(found);
  }
  centroids.forEach(([x, y], c) => assert.ok(Math.hypot(x! - 10 * c, y! + 10 * c) < 0.3, `${c}: ${x}, ${y}`));
});

test('the seed decides; inputs are not changed; the loss of full iterations never rises', async () => {
  const points = floats(500 * 8, 5);
  const before = points.slice();
  const losses: number[] = [];
  const onIteration = (_iteration: number, _of: number, loss: number) => void losses.push(loss);
  const options = { seed: 3, pointsPerCentroid: 500, onIteration };
  const first = await kMeans(points, 8, 20, options);
  assert.is(losses.length, 15);
  for (let i = 1; i < losses.length; i++) assert.ok(losses[i]! <= losses[i - 1]! * (1 + 1e-6));
  assert.equal(await kMeans(points, 8, 20, { seed: 3, pointsPerCentroid: 500 }), first);
  assert.not.equal(await kMeans(points, 8, 20, { seed: 4, pointsPerCentroid: 500 }), first);
  assert.equal(points, before);
});

test('early iterations look at fewer points, the last at all', async () => {
  const used: number[] = [];
  const assign = (points: Float32Array, centroids: Float32Array, dims: number) => {
    used.push(points.length / dims);
    assert.is(centroids.length, 2 * dims);
    return { indices: new Uint32Array(points.length / dims), distances: new Float32Array(points.length / dims) };
  };
  await kMeans(floats(1000 * 4, 1), 4, 2, { seed: 1, iterations: 6, assign });
  assert.equal(used, [100, 100, 125, 250, 500, 1000]);
});

test('an empty cluster moves to the farthest point', async () => {
  // All points but one coincide: k-means++ has only two distinct points to give to three centroids.
  const points = new Float32Array(2 * 20);
  points.set([8, 8], 2 * 13);
  const centroids = sorted(await kMeans(points, 2, 3, { seed: 1 }));
  assert.equal(centroids[2], [8, 8]);
  assert.ok(centroids.flat().every(Number.isFinite));
});

test('a sample of a stream is uniform, and whole while it fits', () => {
  const sample = new LocalSample(100, 2, 7);
  sample.add(Float32Array.from([1, 2, 3, 4]));
  assert.equal([...sample.rows()], [1, 2, 3, 4]);
  for (let i = 0; i < 100; i++) sample.add(Float32Array.from({ length: 20 }, () => i));
  const rows = sample.rows();
  assert.is(rows.length, 200);
  const late = rows.filter((value) => value >= 50).length / rows.length;
  assert.ok(late > 0.35 && late < 0.65, `${late}`);
});

test('inverse document frequencies, by hand', () => {
  const idf = inverseFrequencies(Uint32Array.from([10, 5, 1, 0]), 10);
  [0, Math.LN2, Math.log(10), Math.log(10)].forEach((value, i) => assert.ok(Math.abs(idf[i]! - value) < 1e-6));
});

test('stops when told to, and rejects what it cannot use', async () => {
  const fails = async (run: Promise<unknown>, expected: (error: unknown) => boolean) => {
    let error: unknown;
    await run.catch((caught) => (error = caught));
    assert.ok(expected(error), String(error));
  };
  const signal = AbortSignal.abort();
  await fails(
    kMeans(floats(40, 1), 2, 3, { seed: 1, signal }),
    (error) => error instanceof RetrievalError && error.code === 'cancelled',
  );
  for (const [points, dims, clusters] of [
    [floats(40, 1), 3, 3],
    [floats(40, 1), 2, 21],
    [floats(40, 1), 2, 0],
    [new Float32Array(0), 2, 1],
  ] as const)
    await fails(kMeans(points, dims, clusters, { seed: 1 }), (error) => error instanceof RangeError);
  await fails(kMeans([1] as unknown as Float32Array, 1, 1, { seed: 1 }), (error) => error instanceof TypeError);
});

test.run();
