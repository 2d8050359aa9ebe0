/**
 * k-means: the centroids of a codebook.
 *
 * Seeding after Arthur and Vassilvitskii ("k-means++", SODA 2007) on a random subset, then Lloyd's iterations over
 * a random subset that doubles up to all points in the last ones: early iterations only need rough means. A
 * centroid that loses all its points moves to the point that is farthest from its own.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import { seededRandom, shuffle } from '../base/random.ts';

/** Finds the nearest centroid of each point, squared distances; a tie goes to the lower centroid. */
export type Assign = (
  points: Float32Array,
  centroids: Float32Array,
  dims: number,
) => { readonly indices: Uint32Array; readonly distances: Float32Array };

/** How {@link kMeans} runs. */
export interface KMeansOptions {
  readonly seed: number;
  /** 15 unless told. */
  readonly iterations?: number;
  /** Points per centroid in the first iterations; 50 unless told. */
  readonly pointsPerCentroid?: number;
  /** Plain loops unless told. */
  readonly assign?: Assign;
  /** Called after each iteration: its number, from 1, of how many, and the mean squared distance over its points. */
  readonly onIteration?: (iteration: number, iterations: number, loss: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Points per centroid that seeding looks at. */
const SEEDING_POINTS = 10;

/**
 * The centroids.
 * @param points - f32[count * dims], at least as many as centroids.
 * @param dims - Numbers a point.
 * @param clusters - Centroids wanted.
 * @returns f32[clusters * dims], new.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On wrong lengths, or fewer points than centroids. {@link RangeError}
 * @throws `cancelled`. {@link RetrievalError}
 */
export async function kMeans(
  points: Float32Array,
  dims: number,
  clusters: number,
  options: KMeansOptions,
): Promise<Float32Array<ArrayBuffer>> {
  const { seed, iterations = 15, pointsPerCentroid = 50, assign = assignPlain, onIteration, signal } = options;
  assertFloats(points, 'points');
  assertInteger(dims, 'dims', 1, 1 << 16);
  assertInteger(iterations, 'iterations', 1, 10_000);
  assertInteger(pointsPerCentroid, 'pointsPerCentroid', 1, 1 << 20);
  const count = points.length / dims;
  assertInteger(count, 'count', 1, 2 ** 32 - 1);
  assertInteger(clusters, 'clusters', 1, count);
  const random = seededRandom(seed);
  const order = shuffle(
    Uint32Array.from({ length: count }, (_, i) => i),
    random,
  );
  const shuffled = gather(points, dims, order);
  const centroids = seedCentroids(shuffled, dims, clusters, random);
  for (let iteration = 1; iteration <= iterations; iteration++) {
    if (signal?.aborted) throw new RetrievalError('cancelled', 'training was cancelled');
    // All points in the last iteration, half of them before it, and so on down.
    const share = Math.floor(count / 2 ** (iterations - iteration));
    const used = Math.min(count, Math.max(share, pointsPerCentroid * clusters));
    const sample = shuffled.subarray(0, used * dims);
    const { indices, distances } = assign(sample, centroids, dims);
    update(sample, dims, centroids, indices, distances);
    onIteration?.(iteration, iterations, distances.reduce((sum, distance) => sum + distance, 0) / used);
    await breathe();
  }
  return centroids;
}

/** Lets timers and signals run. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function gather(points: Float32Array, dims: number, order: Uint32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(points.length);
  for (let i = 0; i < order.length; i++) out.set(points.subarray(order[i]! * dims, (order[i]! + 1) * dims), i * dims);
  return out;
}

/** k-means++: each further centroid is a point drawn with probability proportional to its squared distance. */
function seedCentroids(points: Float32Array, dims: number, clusters: number, random: () => number) {
  const count = Math.min(points.length / dims, SEEDING_POINTS * clusters);
  const centroids = new Float32Array(clusters * dims);
  const distances = new Float64Array(count).fill(Infinity);
  let drawn = Math.floor(random() * count);
  for (let c = 0; ; c++) {
    const centroid = points.subarray(drawn * dims, (drawn + 1) * dims);
    centroids.set(centroid, c * dims);
    if (c + 1 === clusters) return centroids;
    let total = 0;
    for (let i = 0; i < count; i++) {
      distances[i] = Math.min(distances[i]!, squaredDistance(points, i * dims, centroid, 0, dims, distances[i]!));
      total += distances[i]!;
    }
    let left = random() * total;
    // Where all points coincide with centroids, take them in turn: repair moves what stays empty.
    drawn = (c + 1) % count;
    for (let i = 0; i < count; i++) {
      if (distances[i] === 0) continue;
      drawn = i;
      left -= distances[i]!;
      if (left < 0) break;
    }
  }
}

/** Squared L2 distance, given up once it is above `limit`. */
function squaredDistance(
  a: Float32Array,
  at: number,
  b: Float32Array,
  bt: number,
  dims: number,
  limit: number,
): number {
  let sum = 0;
  for (let j = 0; j < dims;) {
    const end = Math.min(dims, j + 16);
    for (; j < end; j++) sum += (a[at + j]! - b[bt + j]!) ** 2;
    if (sum > limit) return sum;
  }
  return sum;
}

/** Plain loops, each left early once it is farther than the nearest so far. */
function assignPlain(points: Float32Array, centroids: Float32Array, dims: number): ReturnType<Assign> {
  const count = points.length / dims;
  const clusters = centroids.length / dims;
  const indices = new Uint32Array(count);
  const distances = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let least = Infinity;
    for (let c = 0; c < clusters; c++) {
      const distance = squaredDistance(points, i * dims, centroids, c * dims, dims, least);
      if (distance < least) {
        least = distance;
        indices[i] = c;
      }
    }
    distances[i] = least;
  }
  return { indices, distances };
}

/** Moves each centroid to the mean of its points, and the empty ones to the points that are farthest off. */
function update(
  points: Float32Array,
  dims: number,
  centroids: Float32Array,
  indices: Uint32Array,
  distances: Float32Array,
): void {
  const clusters = centroids.length / dims;
  const sums = new Float64Array(centroids.length);
  const sizes = new Uint32Array(clusters);
  for (let i = 0; i < indices.length; i++) {
    const c = indices[i]!;
    sizes[c]!++;
    for (let j = 0; j < dims; j++) sums[c * dims + j]! += points[i * dims + j]!;
  }
  const empty: number[] = [];
  for (let c = 0; c < clusters; c++)
    if (sizes[c] === 0) empty.push(c);
    else for (let j = 0; j < dims; j++) centroids[c * dims + j] = sums[c * dims + j]! / sizes[c]!;
  if (empty.length === 0) return;
  const farthest = Array.from(distances.keys()).sort((a, b) => distances[b]! - distances[a]! || a - b);
  empty.forEach((c, i) => {
    const at = farthest[i]! * dims;
    centroids.set(points.subarray(at, at + dims), c * dims);
  });
}
