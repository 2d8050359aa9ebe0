/**
 * Assigns vectors to their nearest centroids, by squared L2.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';
import { SCRATCH_F32_BYTES } from '../wasm/matrix.ts';
import { project } from './principal-axes.ts';

/** Centroids a block of the kernel. */
const BLOCK = 8;
/** Vectors the kernel takes at a time; its counts are multiples of this. */
const ROWS = 4;
/** Vectors copied in at a time: they stay in the second-level cache. */
const BATCH = 256;
/** Norm of a vector of the kernel's integers, and the least norm that it scales by. */
const LEVELS = 32700;
const LEAST_NORM = 1e-18;
/** Half a unit in the last place of f32. */
const EPSILON = 2 ** -24;
/** Axes that vectors are projected to. */
const AXES = 24;
/** Fewer centroids are all looked at. */
const MIN_CENTROIDS = 64;
/** Projected vectors rule out little where less than this share of the centroids' squared norms is along the axes. */
const MIN_SHARE = 0.95;

/** What {@link NearestCentroid.assignWithDistances} gives. */
export interface Assignment {
  /** u32[count]: centroid of each vector, the lower one on a tie. */
  readonly indices: Uint32Array<ArrayBuffer>;
  /** f32[count]: squared L2 to it, at least 0. */
  readonly distances: Float32Array<ArrayBuffer>;
}

/**
 * A fixed set of centroids.
 * @example
 * ```ts
 * const nearest = new NearestCentroid(module, codebook, 128);
 * const words = nearest.assign(descriptors, count); // u32[count]
 * ```
 */
export class NearestCentroid {
  readonly count: number;
  readonly dims: number;
  readonly #kernels: Kernels;
  /** Numbers of a projected vector: all of them where it is not projected. */
  readonly #kept: number;
  readonly #at: Record<
    | 'vectors'
    | 'axes'
    | 'projected'
    | 'scratch'
    | 'rounded'
    | 'norms'
    | 'centroids'
    | 'packed'
    | 'halfNorms'
    | 'scores'
    | 'indices'
    | 'margins',
    number
  >;
  /** See the kernel. */
  readonly #bounds: Record<'reach' | 'unit' | 'slack' | 'doubt' | 'least' | 'rounding', number>;
  readonly #vectors: Float32Array;
  readonly #indices: Uint32Array;
  readonly #margins: Float32Array;

  /**
   * @param module - Compiled kernels.
   * @param centroids - f32[count * dims], row-major, at least one. Copied.
   * @param dims - Numbers a vector: a multiple of 4, 4 ..= 4096.
   * @throws On wrong argument types. {@link TypeError}
   * @throws If `dims` is no such multiple, or `centroids` is not a whole number of them. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, centroids: Float32Array, dims: number) {
    assertInteger(dims, 'dims', 4, 4096);
    if (dims % 4 !== 0) throw new RangeError(`"dims" expected multiple of 4, got ${dims}`);
    assertFloats(centroids, 'centroids');
    if (centroids.length === 0 || centroids.length % dims !== 0)
      throw new RangeError(`"centroids" expected a positive multiple of ${dims} numbers, got ${centroids.length}`);
    this.count = centroids.length / dims;
    this.dims = dims;
    this.#kernels = instantiateKernels(module);
    const projection = this.count < MIN_CENTROIDS ? undefined : project(module, centroids, dims, AXES, MIN_SHARE);
    const kept = projection === undefined ? dims : AXES;
    this.#kept = kept;
    const padded = Math.ceil(this.count / BLOCK) * BLOCK;
    this.#at = layOut(this.#kernels, {
      vectors: 4 * dims * BATCH,
      axes: projection?.axes.byteLength ?? 0,
      projected: 4 * kept * BATCH,
      scratch: SCRATCH_F32_BYTES,
      rounded: 2 * (kept + 2) * BATCH,
      norms: 4 * BATCH,
      centroids: 4 * dims * padded,
      packed: 2 * (kept + 2) * padded,
      halfNorms: 4 * padded,
      scores: 2 * ROWS * padded,
      indices: 4 * BATCH,
      margins: 4 * BATCH,
    });
    const { buffer } = this.#kernels.memory;
    this.#vectors = new Float32Array(buffer, this.#at.vectors, dims * BATCH);
    this.#indices = new Uint32Array(buffer, this.#at.indices, BATCH);
    this.#margins = new Float32Array(buffer, this.#at.margins, BATCH);
    new Float32Array(buffer, this.#at.axes, projection?.axes.length ?? 0).set(projection?.axes ?? []);
    new Float32Array(buffer, this.#at.centroids, dims * padded).set(centroids);
    const squares = Float64Array.from({ length: this.count }, (_, c) => squaredNorm(centroids, c, dims));
    new Float32Array(buffer, this.#at.halfNorms, padded).fill(Infinity).set(squares.map((square) => square / 2));
    const norm = Math.max(LEAST_NORM, Math.sqrt(squares.reduce((a, b) => Math.max(a, b))));
    const reach = Math.fround(norm);
    const roundings = (dims + 8) * EPSILON;
    // |Px|^2 is off by twice what its numbers are off, each by a rounding a product.
    const slack = 2 * roundings * (Math.sqrt(kept) + 2);
    const numbers = extend(squares, projection?.projected ?? centroids, kept, reach, slack);
    const most = Math.sqrt(
      squares.reduce((most, _, c) => Math.max(most, squaredNorm(numbers, c, kept + 2)), LEAST_NORM ** 2),
    );
    const packed = new Int16Array(buffer, this.#at.packed, (kept + 2) * padded);
    for (let c = 0; c < padded; c++)
      for (let d = 0; d < kept + 2; d++)
        // A block is filled up with the last centroid, so that no guess is worse than a real one.
        packed[(c - (c % BLOCK)) * (kept + 2) + (d - (d % 2)) * BLOCK + 2 * (c % BLOCK) + (d % 2)] = Math.round(
          (numbers[Math.min(c, this.count - 1) * (kept + 2) + d]! * LEVELS) / most,
        );
    this.#bounds = {
      ...{ reach, slack },
      unit: LEVELS ** 2 / most,
      // Three sums of as many products, or two and both projections.
      doubt: norm * roundings * (2 * Math.sqrt(kept) + 6),
      least: 8 * norm * norm * EPSILON,
      // Each factor is off by half a unit a number: by Cauchy-Schwarz, half a unit times the root of the numbers times
      // the other's norm.
      rounding: 1.05 * Math.sqrt(kept + 2) * LEVELS,
    };
  }

  /**
   * Nearest centroid of each vector; the lower one on a tie.
   * @param vectors - f32[count * dims], row-major.
   * @param count - How many.
   * @returns A new array, u32[count].
   * @throws On wrong argument types. {@link TypeError}
   * @throws On a negative count, or vectors of another length. {@link RangeError}
   */
  assign(vectors: Float32Array, count: number): Uint32Array<ArrayBuffer> {
    this.#check(vectors, count);
    const indices = new Uint32Array(count);
    for (let from = 0; from < count; from += BATCH) {
      const rows = this.#run(vectors, from, count);
      indices.set(this.#indices.subarray(0, rows), from);
    }
    return indices;
  }

  /**
   * Like {@link assign}, with the squared distance to the nearest centroid. The distance is a difference of f32
   * sums: near 0 it is good to some millionths of the squared norms.
   * @param vectors - f32[count * dims], row-major.
   * @param count - How many.
   * @returns New arrays.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On a negative count, or vectors of another length. {@link RangeError}
   */
  assignWithDistances(vectors: Float32Array, count: number): Assignment {
    this.#check(vectors, count);
    const { dims } = this;
    const indices = new Uint32Array(count);
    const distances = new Float32Array(count);
    for (let from = 0; from < count; from += BATCH) {
      const rows = this.#run(vectors, from, count);
      indices.set(this.#indices.subarray(0, rows), from);
      const at = this.#at;
      this.#kernels.centroidMargins(at.vectors, rows, dims, at.centroids, at.halfNorms, at.indices, at.margins);
      for (let i = 0; i < rows; i++) {
        let norm = 0;
        for (let d = (from + i) * dims; d < (from + i + 1) * dims; d++) norm += vectors[d]! * vectors[d]!;
        distances[from + i] = Math.max(0, norm - 2 * this.#margins[i]!);
      }
    }
    return { indices, distances };
  }

  #check(vectors: Float32Array, count: number): void {
    assertInteger(count, 'count', 0, 2 ** 32 - 1);
    assertFloats(vectors, 'vectors', count * this.dims);
  }

  /** One batch, filled up to whole rows of the kernel with what lies there; returns how many are real. */
  #run(vectors: Float32Array, from: number, count: number): number {
    const rows = Math.min(BATCH, count - from);
    this.#vectors.set(vectors.subarray(from * this.dims, (from + rows) * this.dims));
    const { dims } = this;
    const [kernels, at, kept, bounds] = [this.#kernels, this.#at, this.#kept, this.#bounds];
    const padded = Math.ceil(rows / ROWS) * ROWS;
    if (kept < dims) kernels.multiplyTransposedF32(at.vectors, at.axes, padded, dims, kept, at.projected, at.scratch);
    const projected = kept < dims ? at.projected : at.vectors;
    const { reach, unit, slack, doubt, least, rounding } = bounds;
    kernels.roundVectors(at.vectors, projected, padded, dims, kept, reach, slack, at.rounded, at.norms);
    kernels.nearestCentroids(
      ...[at.vectors, at.rounded, at.norms, padded, dims, kept, at.centroids, at.packed, at.halfNorms],
      ...[Math.ceil(this.count / BLOCK), reach, unit, doubt, least, rounding, at.scores, at.indices],
    );
    return rows;
  }
}

/** f64[count * (kept + 2)]: `[t(c), -|c|^2 / (2 reach), Pc]` of each centroid; see the kernel. */
function extend(
  squares: Float64Array,
  projected: Float32Array,
  kept: number,
  reach: number,
  slack: number,
): Float64Array {
  const out = new Float64Array(squares.length * (kept + 2));
  squares.forEach((square, c) => {
    // Where nothing is projected, this is what rounding may hide, and does no harm.
    const rest = Math.max(0, square - squaredNorm(projected, c, kept)) + slack * square;
    out.set([Math.sqrt(rest), -square / (2 * reach)], c * (kept + 2));
    out.set(projected.subarray(c * kept, (c + 1) * kept), c * (kept + 2) + 2);
  });
  return out;
}

function squaredNorm(rows: Float32Array | Float64Array, row: number, dims: number): number {
  let sum = 0;
  for (let d = row * dims; d < (row + 1) * dims; d++) sum += rows[d]! * rows[d]!;
  return sum;
}
