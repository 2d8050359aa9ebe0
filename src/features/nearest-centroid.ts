/**
 * Assigns vectors to their nearest centroids, by squared L2.
 * @module
 */
import { assertFloats, assertInteger } from '../base/assert.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';

/** Centroids a block of the kernel. */
const BLOCK = 8;
/** Vectors the kernel takes at a time; its counts are multiples of this. */
const ROWS = 4;
/** Vectors copied in at a time, so that a million of them need no memory of their own. */
const BATCH = 2048;
/** Norm of a vector of the kernel's integers, and the least norm that it scales by. */
const LEVELS = 32700;
const LEAST_NORM = 1e-18;
/** Half a unit in the last place of f32. */
const EPSILON = 2 ** -24;

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
  readonly #at: Record<
    'vectors' | 'rounded' | 'norms' | 'centroids' | 'packed' | 'halfNorms' | 'scores' | 'indices' | 'margins',
    number
  >;
  /** Numbers of one integer's product, and bounds of the rounding; see the kernel. */
  readonly #unit: number;
  readonly #doubt: number;
  readonly #least: number;
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
    const padded = Math.ceil(this.count / BLOCK) * BLOCK;
    this.#at = layOut(this.#kernels, {
      vectors: 4 * dims * BATCH,
      rounded: 2 * dims * BATCH,
      norms: 4 * BATCH,
      centroids: 4 * dims * padded,
      packed: 2 * dims * padded,
      halfNorms: 4 * padded,
      scores: 4 * ROWS * padded,
      indices: 4 * BATCH,
      margins: 4 * BATCH,
    });
    const { buffer } = this.#kernels.memory;
    this.#vectors = new Float32Array(buffer, this.#at.vectors, dims * BATCH);
    this.#indices = new Uint32Array(buffer, this.#at.indices, BATCH);
    this.#margins = new Float32Array(buffer, this.#at.margins, BATCH);
    new Float32Array(buffer, this.#at.centroids, dims * padded).set(centroids);
    const halfNorms = new Float32Array(buffer, this.#at.halfNorms, padded).fill(Infinity);
    for (let c = 0; c < this.count; c++) {
      let sum = 0;
      for (let d = c * dims; d < (c + 1) * dims; d++) sum += centroids[d]! * centroids[d]!;
      halfNorms[c] = sum / 2;
    }
    const norm = Math.max(
      LEAST_NORM,
      Math.sqrt(2 * halfNorms.subarray(0, this.count).reduce((a, b) => Math.max(a, b))),
    );
    const packed = new Int16Array(buffer, this.#at.packed, dims * padded);
    for (let c = 0; c < this.count; c++)
      for (let d = 0; d < dims; d++)
        packed[(c - (c % BLOCK)) * dims + (d - (d % 2)) * BLOCK + 2 * (c % BLOCK) + (d % 2)] = Math.round(
          (centroids[c * dims + d]! * LEVELS) / norm,
        );
    this.#unit = norm / LEVELS ** 2;
    // Each factor is off by half a unit a number: by Cauchy-Schwarz, half a unit times the root of the dims times the
    // other's norm. A sum of f32 is off by a rounding a number; then come the product with `unit` and the half norm.
    this.#doubt = 2 * norm * ((1.03 * Math.sqrt(dims)) / LEVELS + (dims + 8) * EPSILON);
    this.#least = 4 * norm * norm * EPSILON;
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
    const at = this.#at;
    const padded = Math.ceil(rows / ROWS) * ROWS;
    this.#kernels.roundVectors(at.vectors, padded, this.dims, at.rounded, at.norms);
    this.#kernels.nearestCentroids(
      at.vectors,
      at.rounded,
      at.norms,
      padded,
      this.dims,
      at.centroids,
      at.packed,
      at.halfNorms,
      Math.ceil(this.count / BLOCK),
      this.#unit,
      this.#doubt,
      this.#least,
      at.scores,
      at.indices,
      at.margins,
    );
    return rows;
  }
}
