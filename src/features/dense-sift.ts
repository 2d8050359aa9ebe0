/**
 * SIFT descriptors on a grid, upright, at several sizes; RootSIFT.
 *
 * No keypoints are sought: every place counts, so that even a blurred photo has features. The order is fixed:
 * cell sizes as given, then row by row.
 * @module
 */
import { assertInteger, assertNumber } from '../base/assert.ts';
import type { Luma } from '../image/image.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';
import { SIFT_DIMS, type LocalFeatures } from './local-features.ts';
import { assertLuma, reducedSize } from './working-plane.ts';

/** Blur before gradients are taken, in pixels. */
const SIGMA = 1;
const RADIUS = 3;
/** A SIFT cell is three times its keypoint's scale. */
const CELL_SCALES = 3;
/** Above this many pixels a cell, the sums of the kernel would not fit. */
const MAX_CELL = 24;

/** What {@link DenseSift} can be told. */
export interface DenseSiftOptions {
  /** The image is area-averaged until its longer side is at most this, in pixels. Default 320. */
  readonly maxSide?: number;
  /** Pixels between descriptors. Default 8. */
  readonly step?: number;
  /** Pixels a cell, 4 cells a side: one grid for each. Default 6, 9, 14. */
  readonly cells?: readonly number[];
  /** Least L2 norm of a descriptor before it is normalised, in mean gradient lengths of a range of 1. Default 0.01. */
  readonly contrast?: number;
}

/**
 * Upright SIFT descriptors on a regular grid.
 * @example
 * ```ts
 * const { count, descriptors } = new DenseSift(module).describe(luma); // descriptors: f32[128 * count]
 * ```
 */
export class DenseSift {
  readonly #kernels: Kernels;
  readonly #maxSide: number;
  readonly #step: number;
  readonly #cells: readonly number[];
  readonly #contrast: number;

  /**
   * @param module - Compiled kernels.
   * @param options - See {@link DenseSiftOptions}.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On values out of range. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, options: DenseSiftOptions = {}) {
    const { maxSide = 320, step = 8, cells = [6, 9, 14], contrast = 0.01 } = options;
    assertInteger(maxSide, 'maxSide', 16, 4096);
    assertInteger(step, 'step', 1, 1024);
    if (!Array.isArray(cells)) throw new TypeError(`"cells" expected array, got ${typeof cells}`);
    assertInteger(cells.length, 'cells.length', 1, 16);
    for (const cell of cells) assertInteger(cell, 'cells', 2, MAX_CELL);
    // Above 0: a flat place has no direction.
    assertNumber(contrast, 'contrast', 1e-6, 1);
    this.#kernels = instantiateKernels(module);
    this.#maxSide = maxSide;
    this.#step = step;
    this.#cells = [...cells];
    this.#contrast = contrast;
  }

  /**
   * Describes every place of the grids that is not flat.
   * @param luma - Brightness of the image.
   * @returns The features; none on a flat image, or one smaller than 5 cells.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On an empty plane, or data of another length. {@link RangeError}
   */
  describe(luma: Luma): LocalFeatures {
    const local = this.view(luma);
    return { ...local, descriptors: local.descriptors.slice() };
  }

  /**
   * Like {@link describe}, but the descriptors are a view of this instance's memory, which the next call overwrites: for whoever
   * uses them up at once, a megabyte less to throw away an image.
   */
  view(luma: Luma): LocalFeatures {
    assertLuma(luma);
    const kernels = this.#kernels;
    const size = reducedSize(luma, this.#maxSide);
    const { width, height, stride } = size;
    const most = this.#cells.reduce((sum, cell) => sum + this.#along(width, cell) * this.#along(height, cell), 0);
    if (most === 0) return { count: 0, points: new Float32Array(0), descriptors: new Float32Array(0) };
    const planeBytes = 4 * stride * height;
    const at = layOut(kernels, {
      source: luma.data.length + 16,
      plane: planeBytes,
      blurred: planeBytes,
      length: planeBytes,
      angle: planeBytes,
      weights: 4 * (RADIUS + 1),
      row: 4 * (Math.max(luma.width, stride) + 64),
      column: 32 * (width + 1),
      sums: 32 * (width + 1) * (height + 1),
      places: 8 * (most + 1),
      // One more: a flat place is computed before it is dropped.
      descriptors: 4 * SIFT_DIMS * (most + 1),
    });
    const { buffer } = kernels.memory;
    new Uint8Array(buffer, at.source, luma.data.length).set(luma.data);
    kernels.reduceF32(at.source, luma.width, luma.height, at.plane, width, height, stride, at.row);
    kernels.gaussianWeights(SIGMA, RADIUS, at.weights);
    kernels.gaussianBlur(at.plane, at.blurred, width, height, stride, at.weights, RADIUS, at.row);
    kernels.siftGradient(at.blurred, width, height, stride, at.length, at.angle);
    kernels.denseSiftSums(at.length, at.angle, width, height, stride, at.column, at.sums);

    const middles = new Float32Array(buffer, at.places, 2 * most);
    const points = new Float32Array(4 * most);
    const across = luma.width / width;
    const down = luma.height / height;
    let count = 0;
    for (const cell of this.#cells) {
      if (5 * cell > Math.min(width, height)) continue;
      const found = kernels.denseSiftGrid(
        at.sums,
        width,
        height,
        cell,
        this.#step,
        this.#contrast,
        at.places + 8 * count,
        at.descriptors + 4 * SIFT_DIMS * count,
      );
      const scale = (cell / CELL_SCALES) * Math.sqrt(across * down);
      for (const end = count + found; count < end; count++) {
        points[4 * count] = (middles[2 * count]! + 0.5) * across - 0.5;
        points[4 * count + 1] = (middles[2 * count + 1]! + 0.5) * down - 0.5;
        points[4 * count + 2] = scale;
      }
    }
    const descriptors = new Float32Array(buffer, at.descriptors, SIFT_DIMS * count);
    return { count, points: points.slice(0, 4 * count), descriptors };
  }

  /** Places along one axis. */
  #along(pixels: number, cell: number): number {
    return pixels < 5 * cell ? 0 : Math.floor((pixels - 5 * cell) / this.#step) + 1;
  }
}
