/**
 * Edge histogram descriptor (EHD) of MPEG-7 (ISO/IEC 15938-3:2002, 8.5): the share of five kinds of edges in each of
 * 4 x 4 sub-images.
 * @module
 */
import { assertBytes, assertFloats, assertInteger } from '../base/assert.ts';
import type { Luma } from '../image/image.ts';
import { MAX_SIDE, Pixels } from '../image/pixels.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';

const SUB_IMAGES = 16;
const KINDS = 5;

/** Bins of the descriptor: sub-image by sub-image, row-major; in each vertical, horizontal, 45, 135 degrees, non-directional. */
export const EDGE_BINS = 80;

/** Numbers of the expanded descriptor. */
export const EXPANDED_EDGE_BINS = 150;

/** Longest shape that is looked at whole. */
const MAX_ASPECT = 64;
/** Shortest side that gives blocks of use, in pixels. */
const MIN_SIDE = 70;
/** Desired number of blocks in an image. */
const BLOCKS = 1100;

/** Quantiser of each kind: the value of level 0 to 7 (ISO/IEC 15938-3:2002, table of 8.5.3). */
const LEVELS: readonly (readonly number[])[] = [
  [0.010867, 0.057915, 0.099526, 0.144849, 0.195573, 0.260504, 0.358031, 0.530128],
  [0.012266, 0.069934, 0.125879, 0.182307, 0.243396, 0.314563, 0.411728, 0.564319],
  [0.004193, 0.025852, 0.04686, 0.068519, 0.093286, 0.12349, 0.161505, 0.22896],
  [0.004174, 0.025924, 0.046232, 0.067163, 0.089655, 0.115391, 0.151904, 0.217745],
  [0.006778, 0.051667, 0.10865, 0.166257, 0.224226, 0.285691, 0.356375, 0.450972],
];

/** Semi-global groups of sub-images: 4 columns, 4 rows, the four 2 x 2 corners, the centre 2 x 2. */
const GROUPS: readonly (readonly number[])[] = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 1, 2, 3],
  [4, 5, 6, 7],
  [8, 9, 10, 11],
  [12, 13, 14, 15],
  [0, 1, 4, 5],
  [2, 3, 6, 7],
  [8, 9, 12, 13],
  [10, 11, 14, 15],
  [5, 6, 9, 10],
];

/** How much a global bin counts for. */
const GLOBAL_WEIGHT = 5;

/**
 * Extracts edge histograms.
 * @example
 * ```ts
 * const bins = new EdgeHistogram(module).describe(pixels.luma(image));
 * const levels = quantizeEdges(bins);
 * ```
 */
export class EdgeHistogram {
  readonly #kernels: Kernels;
  readonly #pixels: Pixels;

  /** @param module - Compiled kernels. */
  constructor(module: WebAssembly.Module) {
    this.#kernels = instantiateKernels(module);
    this.#pixels = new Pixels(module);
  }

  /**
   * Describes a luma plane of any size. An aspect above 64:1 is cropped about the centre, a side below 70 pixels enlarged.
   * @returns f32[80], in [0, 1]: the share of the sub-image's blocks that hold an edge of the kind.
   */
  describe(luma: Luma): Float32Array<ArrayBuffer> {
    assertInteger(luma.width, 'width', 1, MAX_SIDE);
    assertInteger(luma.height, 'height', 1, MAX_SIDE);
    assertBytes(luma.data, 'data', luma.width * luma.height);
    const { width, height, data } = this.#enlarge(crop(luma));
    const side = Math.max(2, 2 * Math.floor(Math.sqrt(Math.floor((width * height) / BLOCKS)) / 2));
    const at = layOut(this.#kernels, {
      luma: data.length,
      sums: 4 * (width + 8 * side + 32),
      halves: 16 * (Math.floor(width / side) + 4),
      blocks: 4 * SUB_IMAGES,
      edges: 4 * EDGE_BINS,
    });
    const { buffer } = this.#kernels.memory;
    new Uint8Array(buffer, at.luma, data.length).set(data);
    this.#kernels.edgeHistogram(at.luma, width, height, side, at.sums, at.halves, at.blocks, at.edges);
    const blocks = new Uint32Array(buffer, at.blocks, SUB_IMAGES);
    const edges = new Uint32Array(buffer, at.edges, EDGE_BINS);
    const bins = new Float32Array(EDGE_BINS);
    for (let i = 0; i < EDGE_BINS; i++) if (edges[i]! > 0) bins[i] = edges[i]! / blocks[Math.floor(i / KINDS)]!;
    return bins;
  }

  #enlarge(luma: Luma): Luma {
    const { width, height } = luma;
    const shorter = Math.min(width, height);
    if (shorter >= MIN_SIDE) return luma;
    const scaled = (side: number): number => Math.floor((2 * side * MIN_SIDE + shorter) / (2 * shorter));
    return this.#pixels.resizeBilinear(luma, scaled(width), scaled(height));
  }
}

function crop(luma: Luma): Luma {
  const { width, height, data } = luma;
  const most = MAX_ASPECT * Math.min(width, height);
  if (Math.max(width, height) <= most) return luma;
  if (height > width) {
    const top = Math.floor((height - most) / 2);
    return { width, height: most, data: data.subarray(top * width, (top + most) * width) };
  }
  const left = Math.floor((width - most) / 2);
  const out = new Uint8Array(most * height);
  for (let y = 0; y < height; y++) out.set(data.subarray(y * width + left, y * width + left + most), y * most);
  return { width: most, height, data: out };
}

/**
 * 3-bit levels of the bins: the smallest level whose upper border, halfway to the next, is not exceeded.
 * @param bins - f32[80].
 * @returns u8[80], 0..=7.
 */
export function quantizeEdges(bins: Float32Array): Uint8Array<ArrayBuffer> {
  assertFloats(bins, 'bins', EDGE_BINS);
  return Uint8Array.from(bins, (share, i) => {
    const values = LEVELS[i % KINDS]!;
    let level = 0;
    while (level < 7 && share > (values[level]! + values[level + 1]!) / 2) level++;
    return level;
  });
}

/**
 * The shares that levels stand for.
 * @param levels - u8[80], 0..=7.
 * @returns f32[80].
 */
export function dequantizeEdges(levels: Uint8Array): Float32Array<ArrayBuffer> {
  assertBytes(levels, 'levels', EDGE_BINS);
  const out = new Float32Array(EDGE_BINS);
  for (let i = 0; i < EDGE_BINS; i++) {
    assertInteger(levels[i]!, 'levels', 0, 7);
    out[i] = LEVELS[i % KINDS]![levels[i]!]!;
  }
  return out;
}

/**
 * The bins, with what they say about larger parts of the image: local (80), global times 5 (5), semi-global (65:
 * 4 columns, 4 rows, four 2 x 2 corners, the centre 2 x 2). L1 between two of these is the distance of the standard.
 * @param bins - f32[80].
 * @returns f32[150].
 */
export function expandEdges(bins: Float32Array): Float32Array<ArrayBuffer> {
  assertFloats(bins, 'bins', EDGE_BINS);
  const out = new Float32Array(EXPANDED_EDGE_BINS);
  out.set(bins);
  for (let kind = 0; kind < KINDS; kind++) {
    let sum = 0;
    for (let sub = 0; sub < SUB_IMAGES; sub++) sum += bins[KINDS * sub + kind]!;
    out[EDGE_BINS + kind] = (GLOBAL_WEIGHT * sum) / SUB_IMAGES;
    GROUPS.forEach((group, g) => {
      const total = group.reduce((partial, sub) => partial + bins[KINDS * sub + kind]!, 0);
      out[EDGE_BINS + KINDS + KINDS * g + kind] = total / group.length;
    });
  }
  return out;
}
