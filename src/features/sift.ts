/**
 * SIFT: descriptors of keypoints that survive rotation and scale (Lowe, "Distinctive image features from
 * scale-invariant keypoints", IJCV 60(2), 2004), as RootSIFT.
 *
 * The order is fixed: keypoints by contrast, strongest first, then by octave, level, row and column. All numbers
 * come from the kernels, so they are equal on every engine.
 * @module
 */
import { assertInteger, assertNumber } from '../base/assert.ts';
import type { Luma } from '../image/image.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';
import { SIFT_DIMS, type LocalFeatures } from './local-features.ts';
import { assertLuma, planeSize, reducedSize, type PlaneSize } from './working-plane.ts';

/** Levels an octave whose extrema are searched (Lowe 2004, section 3.2). */
const LEVELS = 3;
/** Ratio of the blur of two levels, `2^(1 / LEVELS)`. */
const CUBE_ROOT_2 = 1.2599210498948732;
/** Blurred planes an octave: differences of neighbours, and one more on each side of the searched ones. */
const PLANES = LEVELS + 3;
/** Blur of an octave's first level, in its pixels (section 3.3). */
const SIGMA = 1.6;
/** Blur that the camera is taken to have left, in pixels of the image (section 3.3). */
const CAMERA_SIGMA = 0.5;
/** Octaves end where the shorter side is less. */
const MIN_SIDE = 12;
/** Largest ratio of principal curvatures (section 4.1). */
const EDGE = 10;
/** Bytes of an extremum's record; see `assembly/sift-extrema.ts`. */
const RECORD_BYTES = 32;
/** Directions that one keypoint can have: every second of 36 bins. */
const MAX_DIRECTIONS = 18;

/** Blur between one level and the next, in the octave's pixels: level l has `SIGMA * 2^(l / LEVELS)`. */
const STEP_SIGMAS: readonly number[] = Array.from({ length: PLANES }, (_, level) => {
  // By multiplication: the power function may differ between engines.
  let ratio = 1;
  for (let i = 1; i < level; i++) ratio *= CUBE_ROOT_2;
  return SIGMA * ratio * Math.sqrt(CUBE_ROOT_2 * CUBE_ROOT_2 - 1);
});

/** Weights of a Gaussian, cut at three deviations. */
const tapRadius = (sigma: number): number => Math.ceil(3 * sigma);
/** Room for one set of weights: no level is blurred by more than 4 pixels at a step. */
const WEIGHT_BYTES = 4 * 16;

/** What {@link Sift} can be told. */
export interface SiftOptions {
  /** The image is area-averaged until its longer side is at most this, in pixels. Default 320. */
  readonly maxSide?: number;
  /** Most features returned. Default 500. */
  readonly maxKeypoints?: number;
  /** Least contrast of a keypoint, over all levels of an octave, of a range of 1. Default 0.04. */
  readonly contrast?: number;
  /** An image whose shorter side is less than this, in pixels after `maxSide`, is doubled first. Default 128. */
  readonly doubleBelow?: number;
}

interface Feature {
  readonly keypoint: Keypoint;
  readonly turns: number;
  readonly descriptor: Float32Array;
}

/** An extremum: its octave and level, the rest in the octave's pixels. */
interface Keypoint {
  readonly octave: number;
  readonly level: number;
  readonly x: number;
  readonly y: number;
  readonly sigma: number;
  readonly contrast: number;
}

/**
 * SIFT keypoints and their descriptors.
 * @example
 * ```ts
 * const sift = new Sift(module);
 * const { count, descriptors } = sift.describe(luma); // descriptors: f32[128 * count]
 * ```
 */
export class Sift {
  readonly #kernels: Kernels;
  readonly #maxSide: number;
  readonly #maxKeypoints: number;
  readonly #contrast: number;
  readonly #doubleBelow: number;

  /**
   * @param module - Compiled kernels.
   * @param options - See {@link SiftOptions}.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On values out of range. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, options: SiftOptions = {}) {
    const { maxSide = 320, maxKeypoints = 500, contrast = 0.04, doubleBelow = 128 } = options;
    assertInteger(maxSide, 'maxSide', 16, 4096);
    assertInteger(maxKeypoints, 'maxKeypoints', 1, 100_000);
    assertNumber(contrast, 'contrast', 0.0001, 1);
    assertInteger(doubleBelow, 'doubleBelow', 0, 4096);
    this.#kernels = instantiateKernels(module);
    this.#maxSide = maxSide;
    this.#maxKeypoints = maxKeypoints;
    this.#contrast = contrast;
    this.#doubleBelow = doubleBelow;
  }

  /**
   * Finds and describes keypoints.
   * @param luma - Brightness of the image.
   * @returns At most `maxKeypoints` features, strongest keypoint first; none on a flat or tiny image.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On an empty plane, or data of another length. {@link RangeError}
   */
  describe(luma: Luma): LocalFeatures {
    assertLuma(luma);
    const reduced = reducedSize(luma, this.#maxSide);
    const doubled = Math.min(reduced.width, reduced.height) < this.#doubleBelow;
    const base = doubled ? planeSize(2 * reduced.width, 2 * reduced.height) : reduced;
    const octaves = octaveSizes(base);
    if (octaves.length === 0) return { count: 0, points: new Float32Array(0), descriptors: new Float32Array(0) };
    const run = new Run(this.#kernels, luma, reduced, base, octaves, this.#maxKeypoints);
    run.reduce(luma, doubled);
    const keypoints = run.keypoints(doubled, this.#contrast / LEVELS);
    return run.describe(keypoints, luma);
  }
}

function octaveSizes(base: PlaneSize): PlaneSize[] {
  const sizes: PlaneSize[] = [];
  for (let size = base; Math.min(size.width, size.height) >= MIN_SIDE;) {
    sizes.push(size);
    size = planeSize((size.width + 1) >> 1, (size.height + 1) >> 1);
  }
  return sizes;
}

const planeBytes = (size: PlaneSize): number => 4 * size.stride * size.height;

type Region =
  | 'source'
  | 'reduced'
  | 'base'
  | 'pyramid'
  | 'stack'
  | 'length'
  | 'angle'
  | 'weights'
  | 'row'
  | 'records'
  | 'scratch'
  | 'directions'
  | 'descriptor';

/** One image on its way through the kernels: where its planes lie. */
class Run {
  readonly #kernels: Kernels;
  readonly #reduced: PlaneSize;
  readonly #base: PlaneSize;
  readonly #octaves: readonly PlaneSize[];
  readonly #maxKeypoints: number;
  readonly #at: Record<Region, number>;
  /** Byte offset of each octave in `pyramid`. */
  readonly #offsets: number[] = [];

  constructor(
    kernels: Kernels,
    luma: Luma,
    reduced: PlaneSize,
    base: PlaneSize,
    octaves: readonly PlaneSize[],
    maxKeypoints: number,
  ) {
    let pyramidBytes = 0;
    for (const octave of octaves) {
      this.#offsets.push(pyramidBytes);
      pyramidBytes += PLANES * planeBytes(octave);
    }
    this.#kernels = kernels;
    this.#reduced = reduced;
    this.#base = base;
    this.#octaves = octaves;
    this.#maxKeypoints = maxKeypoints;
    this.#at = layOut<Region>(kernels, {
      source: luma.data.length + 16,
      reduced: planeBytes(reduced),
      base: planeBytes(base),
      pyramid: pyramidBytes,
      stack: (PLANES - 1) * planeBytes(base),
      length: planeBytes(base),
      angle: planeBytes(base),
      weights: WEIGHT_BYTES,
      row: 4 * (Math.max(luma.width, base.stride) + 64),
      records: RECORD_BYTES * base.width * base.height,
      scratch: 4 * 1024,
      directions: 4 * MAX_DIRECTIONS,
      descriptor: 4 * SIFT_DIMS,
    });
  }

  #plane(octave: number, level: number): number {
    return this.#at.pyramid + this.#offsets[octave]! + level * planeBytes(this.#octaves[octave]!);
  }

  #blur(source: number, out: number, size: PlaneSize, sigma: number): void {
    const { weights, row } = this.#at;
    const radius = tapRadius(sigma);
    this.#kernels.gaussianWeights(sigma, radius, weights);
    this.#kernels.gaussianBlur(source, out, size.width, size.height, size.stride, weights, radius, row);
  }

  /** Luma to the f32 plane that the first octave starts from. */
  reduce(luma: Luma, doubled: boolean): void {
    const { source, reduced: small, base, row } = this.#at;
    const { width, height, stride } = this.#reduced;
    new Uint8Array(this.#kernels.memory.buffer, source, luma.data.length).set(luma.data);
    this.#kernels.reduceF32(source, luma.width, luma.height, doubled ? small : base, width, height, stride, row);
    if (doubled) this.#kernels.doublePlane(small, width, height, stride, base, this.#base.stride);
  }

  /** The strongest extrema of all octaves, in the order of their contrast. */
  keypoints(doubled: boolean, contrast: number): Keypoint[] {
    const kernels = this.#kernels;
    const { stack, records } = this.#at;
    const found: Keypoint[] = [];
    for (let octave = 0; octave < this.#octaves.length; octave++) {
      const size = this.#octaves[octave]!;
      const { width, height, stride } = size;
      const bytes = planeBytes(size);
      if (octave === 0) {
        const camera = doubled ? 2 * CAMERA_SIGMA : CAMERA_SIGMA;
        this.#blur(this.#at.base, this.#plane(0, 0), size, Math.sqrt(SIGMA * SIGMA - camera * camera));
      } else {
        // Level LEVELS has twice the blur of level 0: at half the size it is the next octave's level 0.
        const above = this.#plane(octave - 1, LEVELS);
        kernels.halvePlane(above, this.#octaves[octave - 1]!.stride, this.#plane(octave, 0), width, height, stride);
      }
      for (let level = 1; level < PLANES; level++) {
        const [below, here] = [this.#plane(octave, level - 1), this.#plane(octave, level)];
        this.#blur(below, here, size, STEP_SIGMAS[level]!);
        kernels.subtractPlanes(here, below, stack + (level - 1) * bytes, stride * height);
      }
      const capacity = width * height;
      const count = kernels.siftExtrema(stack, bytes, LEVELS, width, height, stride, contrast, EDGE, records, capacity);
      this.#read(octave, count, found);
    }
    found.sort((a, b) => b.contrast - a.contrast);
    return found.slice(0, this.#maxKeypoints);
  }

  /** Appends an octave's records; two starts that moved to the same pixel are one extremum. */
  #read(octave: number, count: number, found: Keypoint[]): void {
    const { buffer } = this.#kernels.memory;
    const reals = new Float32Array(buffer, this.#at.records, (count * RECORD_BYTES) / 4);
    const words = new Uint32Array(buffer, this.#at.records, (count * RECORD_BYTES) / 4);
    const { width, height } = this.#octaves[octave]!;
    const seen = new Set<number>();
    for (let i = 0; i < words.length; i += RECORD_BYTES / 4) {
      const level = words[i + 6]!;
      const place = (level * height + words[i + 5]!) * width + words[i + 4]!;
      if (seen.has(place)) continue;
      seen.add(place);
      found.push({ octave, level, x: reals[i]!, y: reals[i + 1]!, sigma: reals[i + 2]!, contrast: reals[i + 3]! });
    }
  }

  /** Directions and descriptors of keypoints; one with several directions gives as many features. */
  describe(keypoints: readonly Keypoint[], luma: Luma): LocalFeatures {
    const kernels = this.#kernels;
    const { length, angle, scratch, directions, descriptor } = this.#at;
    const turnsOut = new Float32Array(kernels.memory.buffer, directions, MAX_DIRECTIONS);
    const descriptorOut = new Float32Array(kernels.memory.buffer, descriptor, SIFT_DIMS);
    // Gradients are needed plane by plane, features by contrast: described by plane, then put in order.
    const features: Feature[][] = keypoints.map(() => []);
    for (let octave = 0; octave < this.#octaves.length; octave++)
      for (let level = 1; level <= LEVELS; level++) {
        const { width, height, stride } = this.#octaves[octave]!;
        let ready = false;
        for (const [rank, keypoint] of keypoints.entries()) {
          if (keypoint.octave !== octave || keypoint.level !== level) continue;
          if (!ready) kernels.siftGradient(this.#plane(octave, level), width, height, stride, length, angle);
          ready = true;
          const { x, y, sigma } = keypoint;
          const size = [length, angle, width, height, stride] as const;
          const count = kernels.siftOrientations(...size, x, y, sigma, scratch, directions);
          for (let i = 0; i < count; i++) {
            const turns = turnsOut[i]!;
            if (kernels.siftDescriptor(...size, x, y, sigma, turns, scratch, descriptor) === 1)
              features[rank]!.push({ keypoint, turns, descriptor: descriptorOut.slice() });
          }
        }
      }
    return this.#collect(features.flat().slice(0, this.#maxKeypoints), luma);
  }

  #collect(features: readonly Feature[], luma: Luma): LocalFeatures {
    const points = new Float32Array(4 * features.length);
    const descriptors = new Float32Array(SIFT_DIMS * features.length);
    const across = luma.width / this.#base.width;
    const down = luma.height / this.#base.height;
    // Doubling puts pixel centres at +0.5; halving keeps every second pixel, and so the first one's centre.
    features.forEach(({ keypoint, turns, descriptor }, i) => {
      const step = 2 ** keypoint.octave;
      const x = (keypoint.x * step + 0.5) * across - 0.5;
      const y = (keypoint.y * step + 0.5) * down - 0.5;
      points.set([x, y, keypoint.sigma * step * Math.sqrt(across * down), 2 * Math.PI * turns], 4 * i);
      descriptors.set(descriptor, SIFT_DIMS * i);
    });
    return { count: features.length, points, descriptors };
  }
}
