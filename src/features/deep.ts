/**
 * Deep descriptor: one vector an image from a convolutional network, which is passed in.
 *
 * A network that ends in global pooling takes any shape, so the whole image is shown to it, in its own proportions, with
 * about `side * side` pixels (fit `area`). A network of fixed shape sees the middle square (fit `square`). The image is
 * averaged when it shrinks, interpolated when it grows, and normalised as ImageNet networks expect. On Caltech-101 the whole image
 * found more than its middle, and its middle more than a squashed one. These steps are part of the
 * format: two machines get the same input, to the bit.
 * @module
 */
import { assertInteger } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Image } from '../image/image.ts';
import { Pixels } from '../image/pixels.ts';

/** How an image is brought to the network's shape: in its own proportions, or cut to its middle square. */
export type InputFit = 'area' | 'square';

/** A loaded network. */
export interface DeepModel {
  /** Name in the manifest. */
  readonly id: string;
  /** Of the model file, in hexadecimal. */
  readonly sha256: string;
  /** Length of one descriptor. */
  readonly dims: number;
  /** Side of the square input, in pixels; with fit `area`, the input has about as many pixels as that square. */
  readonly inputSide: number;
  readonly inputFit: InputFit;
  /**
   * @param input - f32[3 * height * width]: colour planes, rows.
   * @returns f32[dims].
   */
  run(input: Float32Array, width: number, height: number): Promise<Float32Array>;
  /** Frees the network's memory. */
  close(): Promise<void>;
}

/** A network's input: f32[3 * height * width], colour planes, rows. */
export interface DeepInput {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Mean and deviation of ImageNet's R, G, B in [0, 1]. */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/** Smallest side of an input: below it, a network that halves the image five times has nothing left. */
const MIN_SIDE = 32;

/** The largest square in the middle; half a pixel of doubt goes to the left and to the top. */
function middleSquare(image: Image): Image {
  const { width, height, data } = image;
  const side = Math.min(width, height);
  if (width === height) return image;
  const [left, top] = [Math.floor((width - side) / 2), Math.floor((height - side) / 2)];
  const out = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    const from = 3 * ((top + y) * width + left);
    out.set(data.subarray(from, from + 3 * side), 3 * y * side);
  }
  return { width: side, height: side, data: out };
}

/** The shape with the image's proportions and about `side * side` pixels. */
function areaShape({ width, height }: Image, side: number): { width: number; height: number } {
  const ratio = side / Math.sqrt(width * height);
  const scaled = (length: number): number => Math.max(MIN_SIDE, Math.floor(length * ratio + 0.5));
  return { width: scaled(width), height: scaled(height) };
}

/**
 * The input of a network.
 * @param side - As {@link DeepModel.inputSide}.
 */
export function preprocess(pixels: Pixels, image: Image, side: number, fit: InputFit): DeepInput {
  assertInteger(side, 'side', 1, 4096);
  const source = fit === 'square' ? middleSquare(image) : image;
  const { width, height } = fit === 'square' ? { width: side, height: side } : areaShape(image, side);
  // Each axis by itself: an extreme shape may shrink along one and grow along the other.
  const smaller = pixels.resizeArea(source, Math.min(source.width, width), Math.min(source.height, height));
  const { data } =
    smaller.width === width && smaller.height === height ? smaller : pixels.resizeBilinear(smaller, width, height);
  const count = width * height;
  const out = new Float32Array(3 * count);
  for (let channel = 0; channel < 3; channel++) {
    const table = new Float32Array(256);
    for (let v = 0; v < 256; v++) table[v] = (v / 255 - MEAN[channel]!) / DEVIATION[channel]!;
    const plane = out.subarray(channel * count, (channel + 1) * count);
    for (let i = 0, from = channel; i < count; i++, from += 3) plane[i] = table[data[from]!]!;
  }
  return { width, height, data: out };
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

  /**
   * f32[dims] of one image.
   * @throws `parameter-mismatch` when the model answers with another number of numbers. {@link RetrievalError}
   */
  async describe(image: Image): Promise<Float32Array> {
    const { dims, inputSide, inputFit } = this.model;
    const { width, height, data } = preprocess(this.#pixels, image, inputSide, inputFit);
    const descriptor = await this.model.run(data, width, height);
    if (descriptor.length !== dims)
      throw new RetrievalError(
        'parameter-mismatch',
        `expected ${dims} numbers from the model, got ${descriptor.length}`,
      );
    return descriptor;
  }
}
