/**
 * What reads the pixels of a file: passed in, so that this layer depends on no codec.
 * @module
 */
import type { ImageHeader } from './header.ts';

/** Pixels as a file stores them: not turned by EXIF, alpha still there. */
export interface DecodedPixels {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** RGB or RGBA. */
  readonly channels: 3 | 4;
  /** u8[channels * width * height], row-major; alpha is not premultiplied. */
  readonly data: Uint8Array;
}

export interface Decoder {
  readonly name: string;
  /** The values of `ImageHeader.format` it reads. */
  readonly formats: ReadonlySet<string>;
  /**
   * The first page of the file, as 8 bit sRGB. Must not apply the EXIF orientation.
   * @throws `corrupt-image`, `unsupported-format` or `image-too-large`; any other error is taken for `corrupt-image`.
   */
  decode(bytes: Uint8Array, header: ImageHeader): Promise<DecodedPixels>;
}
