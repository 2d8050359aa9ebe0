/**
 * Pixel arithmetic: alpha, orientation, luma, resizing. Integers and plain f64, so that every engine gives the same bytes.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';
import type { DecodedPixels } from './decoder.ts';
import type { Image, Luma } from './image.ts';

/** Longest side, in pixels: column sums are kept in 32 bits. */
export const MAX_SIDE: number = 2 ** 24 - 1;

/** Source bytes brought into WASM memory at a time. Larger images go through in strips, so that memory stays small. */
const STRIP_BYTES = 1 << 22;

/**
 * Pixel arithmetic on one kernel instance.
 * @example
 * ```ts
 * const pixels = new Pixels(module);
 * const luma = pixels.luma(pixels.resizeArea(image, 320, 240));
 * ```
 */
export class Pixels {
  readonly #kernels: Kernels;

  /** @param module - Compiled kernels. */
  constructor(module: WebAssembly.Module) {
    this.#kernels = instantiateKernels(module);
  }

  /**
   * Transparent pixels over white.
   * @param decoded - RGB (copied) or RGBA.
   */
  flatten(decoded: DecodedPixels): Image {
    const { width, height, channels, data } = decoded;
    assertPixels(width, height, channels, data);
    if (channels === 3) return { width, height, data: data.slice() };
    const out = new Uint8Array(3 * width * height);
    const step = STRIP_BYTES / 4;
    const at = layOut(this.#kernels, { pixels: 4 * Math.min(step, width * height) });
    const memory = new Uint8Array(this.#kernels.memory.buffer);
    for (let from = 0; from < width * height; from += step) {
      const count = Math.min(step, width * height - from);
      memory.set(data.subarray(4 * from, 4 * (from + count)), at.pixels);
      this.#kernels.flatten(at.pixels, count, at.pixels);
      out.set(memory.subarray(at.pixels, at.pixels + 3 * count), 3 * from);
    }
    return { width, height, data: out };
  }

  /**
   * Turns and mirrors as EXIF says.
   * @param orientation - 1..=8.
   */
  orient(image: Image, orientation: number): Image {
    assertPixels(image.width, image.height, 3, image.data);
    assertInteger(orientation, 'orientation', 1, 8);
    const { width, height, data } = image;
    const at = layOut(this.#kernels, { source: data.length, out: data.length });
    const memory = new Uint8Array(this.#kernels.memory.buffer);
    memory.set(data, at.source);
    this.#kernels.orient(at.source, width, height, orientation, at.out);
    const turned = orientation >= 5;
    return {
      width: turned ? height : width,
      height: turned ? width : height,
      data: memory.slice(at.out, at.out + data.length),
    };
  }

  /** `round(0.299 R + 0.587 G + 0.114 B)` of every pixel. */
  luma(image: Image): Luma {
    assertPixels(image.width, image.height, 3, image.data);
    const { width, height, data } = image;
    const count = width * height;
    const at = layOut(this.#kernels, { rgb: data.length, out: count });
    const memory = new Uint8Array(this.#kernels.memory.buffer);
    memory.set(data, at.rgb);
    this.#kernels.luma(at.rgb, count, at.out);
    return { width, height, data: memory.slice(at.out, at.out + count) };
  }

  /**
   * Exact area average of an image or a luma plane (by the length of its data).
   * @param outWidth - 1 ..= width.
   * @param outHeight - 1 ..= height.
   */
  resizeArea<Plane extends Image | Luma>(image: Plane, outWidth: number, outHeight: number): Plane {
    const channels = channelsOf(image);
    assertInteger(outWidth, 'outWidth', 1, image.width);
    assertInteger(outHeight, 'outHeight', 1, image.height);
    return this.#area(image, channels, outWidth, outHeight) as Plane;
  }

  /**
   * {@link Pixels.flatten}, then {@link Pixels.resizeArea}, without a second copy of the whole image.
   * @param outWidth - 1 ..= width.
   * @param outHeight - 1 ..= height.
   */
  reduce(decoded: DecodedPixels, outWidth: number, outHeight: number): Image {
    const { width, height, channels, data } = decoded;
    assertPixels(width, height, channels, data);
    assertInteger(outWidth, 'outWidth', 1, width);
    assertInteger(outHeight, 'outHeight', 1, height);
    if (outWidth === width && outHeight === height) return this.flatten(decoded);
    return this.#area(decoded, channels, outWidth, outHeight);
  }

  /** Averages strip by strip; RGBA is flattened on the way. */
  #area(image: Image | Luma, stored: 1 | 3 | 4, outWidth: number, outHeight: number): Image | Luma {
    const { width, height, data } = image;
    const channels = stored === 1 ? 1 : 3;
    const firstSource = (row: number): number => Math.floor((row * height) / outHeight);
    const lastSource = (row: number): number => Math.ceil((row * height) / outHeight);
    const rows = Math.max(1, Math.min(outHeight, Math.floor((STRIP_BYTES * outHeight) / (stored * width * height))));
    const sourceRows = Math.min(height, Math.ceil((rows * height) / outHeight) + 1);
    const at = layOut(this.#kernels, {
      source: stored * width * sourceRows,
      sums: 4 * channels * width,
      out: channels * outWidth * rows,
    });
    const memory = new Uint8Array(this.#kernels.memory.buffer);
    const out = new Uint8Array(channels * outWidth * outHeight);
    for (let from = 0; from < outHeight; from += rows) {
      const to = Math.min(outHeight, from + rows);
      const first = firstSource(from);
      const last = lastSource(to);
      memory.set(data.subarray(stored * width * first, stored * width * last), at.source);
      if (stored === 4) this.#kernels.flatten(at.source, width * (last - first), at.source);
      this.#kernels.resizeArea(at.source, width, height, channels, outWidth, outHeight, from, to, at.sums, at.out);
      out.set(memory.subarray(at.out, at.out + channels * outWidth * (to - from)), channels * outWidth * from);
    }
    return { width: outWidth, height: outHeight, data: out };
  }

  /**
   * Bilinear interpolation of an image or a luma plane (by the length of its data), pixel centres at +0.5.
   * Blurs nothing: for making images larger.
   * @param outWidth - In pixels.
   * @param outHeight - In pixels.
   */
  resizeBilinear<Plane extends Image | Luma>(image: Plane, outWidth: number, outHeight: number): Plane {
    const channels = channelsOf(image);
    assertInteger(outWidth, 'outWidth', 1, MAX_SIDE);
    assertInteger(outHeight, 'outHeight', 1, MAX_SIDE);
    const { width, height, data } = image;
    const outBytes = channels * outWidth * outHeight;
    const at = layOut(this.#kernels, { source: data.length, out: outBytes });
    const memory = new Uint8Array(this.#kernels.memory.buffer);
    memory.set(data, at.source);
    this.#kernels.resizeBilinear(at.source, width, height, channels, outWidth, outHeight, at.out);
    return { width: outWidth, height: outHeight, data: memory.slice(at.out, at.out + outBytes) } as Plane;
  }
}

function assertPixels(width: number, height: number, channels: number, data: Uint8Array): void {
  assertInteger(width, 'width', 1, MAX_SIDE);
  assertInteger(height, 'height', 1, MAX_SIDE);
  assertBytes(data, 'data', channels * width * height);
}

function channelsOf({ width, height, data }: Image | Luma): 1 | 3 {
  assertBytes(data, 'data');
  const channels = data.length === width * height ? 1 : 3;
  assertPixels(width, height, channels, data);
  return channels;
}
