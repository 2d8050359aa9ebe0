/**
 * From the bytes of a file to the working image that all features are computed from.
 *
 * The header is read and refused first: no decoder sees a file that declares more pixels than the limit.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import type { DecodedPixels, Decoder } from './decoder.ts';
import { readHeader, type ImageHeader } from './header.ts';
import { workingSize, type Image } from './image.ts';
import { MAX_SIDE, Pixels } from './pixels.ts';

export interface ImageReaderOptions {
  /** Most pixels a file may declare. Default 100 million. */
  readonly maxPixels?: number;
}

const DEFAULT_MAX_PIXELS = 100_000_000;

/**
 * Reads image files.
 * @example
 * ```ts
 * const reader = new ImageReader(module, [await createJimpDecoder()]);
 * const { image } = await reader.read(bytes);
 * ```
 */
export class ImageReader {
  readonly #pixels: Pixels;
  readonly #decoders: readonly Decoder[];
  readonly #maxPixels: number;

  /**
   * @param module - Compiled kernels.
   * @param decoders - The first that lists a file's format reads it.
   */
  constructor(module: WebAssembly.Module, decoders: readonly Decoder[], options: ImageReaderOptions = {}) {
    const { maxPixels = DEFAULT_MAX_PIXELS } = options;
    assertInteger(maxPixels, 'maxPixels', 1, Number.MAX_SAFE_INTEGER);
    this.#pixels = new Pixels(module);
    this.#decoders = [...decoders];
    this.#maxPixels = maxPixels;
  }

  /**
   * The working image: upright, transparent pixels over white, the longer side at most 512 pixels.
   * @param bytes - The whole file.
   * @throws `empty-file`, `not-an-image`, `image-too-large`, `unsupported-format` or `corrupt-image`. {@link RetrievalError}
   */
  async read(bytes: Uint8Array): Promise<{ image: Image; header: ImageHeader }> {
    const { decoded, header } = await this.#decode(bytes);
    const size = workingSize(decoded.width, decoded.height);
    return { image: this.#upright(decoded, size, header), header };
  }

  /**
   * All pixels of a file: upright, transparent ones over white.
   * @throws As {@link read}. {@link RetrievalError}
   */
  async readWhole(bytes: Uint8Array): Promise<Image> {
    const { decoded, header } = await this.#decode(bytes);
    return this.#upright(decoded, decoded, header);
  }

  #upright(decoded: DecodedPixels, { width, height }: { width: number; height: number }, header: ImageHeader): Image {
    // The average of a turned image is the turned average, to the byte: turn the small one.
    const reduced = this.#pixels.reduce(decoded, width, height);
    return header.orientation === 1 ? reduced : this.#pixels.orient(reduced, header.orientation);
  }

  async #decode(bytes: Uint8Array): Promise<{ decoded: DecodedPixels; header: ImageHeader }> {
    assertBytes(bytes, 'bytes');
    const header = readHeader(bytes);
    const { format, width, height } = header;
    if (width * height > this.#maxPixels || Math.max(width, height) > MAX_SIDE)
      throw new RetrievalError(
        'image-too-large',
        `expected at most ${this.#maxPixels} pixels, got ${width} x ${height}`,
      );
    const decoder = this.#decoders.find(({ formats }) => formats.has(format));
    if (decoder === undefined) throw new RetrievalError('unsupported-format', `no decoder for ${format} is installed`);
    if (width === 0) throw new RetrievalError('corrupt-image', `expected a whole ${format} header`);
    return { decoded: await decode(decoder, bytes, header), header };
  }
}

async function decode(decoder: Decoder, bytes: Uint8Array, header: ImageHeader): Promise<DecodedPixels> {
  const { format, width, height } = header;
  let decoded: DecodedPixels;
  try {
    decoded = await decoder.decode(bytes, header);
  } catch (error) {
    if (error instanceof RetrievalError) throw error;
    throw new RetrievalError('corrupt-image', `the ${format} file is damaged or cut short`, { cause: error });
  }
  const same = decoded.width === width && decoded.height === height;
  // AVIF turns by properties of its own, which its decoder applies.
  const turned = format === 'avif' && decoded.width === height && decoded.height === width;
  if ((!same && !turned) || decoded.data.length !== decoded.channels * width * height)
    throw new RetrievalError(
      'corrupt-image',
      `expected ${width} x ${height} pixels, got ${decoded.width} x ${decoded.height}`,
    );
  return decoded;
}
