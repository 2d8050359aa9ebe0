/**
 * Deep descriptor: one vector an image from a convolutional network, which is passed in.
 *
 * The image is squashed to the square that the network takes (no crop: what is at the border is part of the picture),
 * each axis averaged when it shrinks and interpolated when it grows, then normalised as ImageNet networks expect.
 * These steps are part of the format: two machines get the same input, to the bit.
 * @module
 */
import { assertInteger } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Image } from '../image/image.ts';
import { Pixels } from '../image/pixels.ts';

/** A loaded network. */
export interface DeepModel {
  /** Name in the manifest. */
  readonly id: string;
  /** Of the model file, in hexadecimal. */
  readonly sha256: string;
  /** Length of one descriptor. */
  readonly dims: number;
  /** Side of the square input, in pixels. */
  readonly inputSide: number;
  /**
   * @param input - f32[batch * 3 * inputSide * inputSide]: images, colour planes, rows.
   * @returns f32[batch * dims].
   */
  run(input: Float32Array, batch: number): Promise<Float32Array>;
  /** Frees the network's memory. */
  close(): Promise<void>;
}

/** Mean and deviation of ImageNet's R, G, B in [0, 1]. */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/** Images a run: a larger batch gains nothing on a CPU and takes memory. */
const BATCH = 8;

/** Squashes an image to `side * side` and normalises it: f32[3 * side * side], colour planes. */
export function preprocess(pixels: Pixels, image: Image, side: number): Float32Array<ArrayBuffer> {
  assertInteger(side, 'side', 1, 4096);
  const smaller = pixels.resizeArea(image, Math.min(image.width, side), Math.min(image.height, side));
  const { data } =
    smaller.width === side && smaller.height === side ? smaller : pixels.resizeBilinear(smaller, side, side);
  const count = side * side;
  const out = new Float32Array(3 * count);
  for (let channel = 0; channel < 3; channel++) {
    const table = Float32Array.from({ length: 256 }, (_, v) => (v / 255 - MEAN[channel]!) / DEVIATION[channel]!);
    const plane = out.subarray(channel * count, (channel + 1) * count);
    for (let i = 0, from = channel; i < count; i++, from += 3) plane[i] = table[data[from]!]!;
  }
  return out;
}

/**
 * Extracts deep descriptors.
 * @example
 * ```ts
 * const extractor = new DeepExtractor(module, model);
 * const descriptor = await extractor.describe(image); // f32[model.dims]
 * ```
 */
export class DeepExtractor {
  readonly model: DeepModel;
  readonly #pixels: Pixels;

  /**
   * @param module - Compiled kernels.
   * @param model - Stays the caller's to close.
   */
  constructor(module: WebAssembly.Module, model: DeepModel) {
    this.model = model;
    this.#pixels = new Pixels(module);
  }

  /** f32[dims] of one image. */
  async describe(image: Image): Promise<Float32Array> {
    const [descriptor] = await this.describeMany([image]);
    return descriptor!;
  }

  /** f32[dims] of every image, in order. */
  async describeMany(images: readonly Image[]): Promise<Float32Array[]> {
    const { dims, inputSide } = this.model;
    const step = 3 * inputSide * inputSide;
    const out: Float32Array[] = [];
    for (let from = 0; from < images.length; from += BATCH) {
      const batch = images.slice(from, from + BATCH);
      const input = new Float32Array(batch.length * step);
      batch.forEach((image, i) => input.set(preprocess(this.#pixels, image, inputSide), i * step));
      const descriptors = await this.model.run(input, batch.length);
      if (descriptors.length !== batch.length * dims)
        throw new RetrievalError(
          'parameter-mismatch',
          `expected ${batch.length} descriptors of ${dims} numbers from the model, got ${descriptors.length} numbers`,
        );
      for (let i = 0; i < batch.length; i++) out.push(descriptors.slice(i * dims, (i + 1) * dims));
    }
    return out;
  }
}
