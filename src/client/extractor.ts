/**
 * From the bytes of an image file to its descriptors, under one vocabulary.
 * @module
 */
import type { Descriptors } from '../codes/descriptors.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { RetrievalError } from '../base/errors.ts';
import { MAX_THUMBNAIL_BYTES } from '../crypto/image-cipher.ts';
import { BagOfWords } from '../features/bag-of-words.ts';
import type { DeepModel } from '../features/deep.ts';
import { FeatureExtractor } from '../features/feature-extractor.ts';
import type { ImageReader } from '../image/decode.ts';
import type { ImageHeader } from '../image/header.ts';
import type { Image } from '../image/image.ts';
import { Pixels } from '../image/pixels.ts';
import { makeThumbnail, type JpegEncoder } from '../image/thumbnail.ts';

/** Descriptors of one image, and what its header said. */
export interface Described {
  readonly header: ImageHeader;
  readonly descriptors: Descriptors;
  /** A small JPEG of it, at most {@link MAX_THUMBNAIL_BYTES}. Absent where none was asked for or is small enough, and without an encoder. */
  readonly thumbnail?: Uint8Array;
}

/** What is wanted besides descriptors. */
export interface DescribeOptions {
  readonly thumbnail?: boolean;
}

/** Image file -> descriptors. */
export interface Extractor {
  /**
   * @param bytes - A whole image file.
   * @param options - `thumbnail`: makes one as well.
   * @throws `empty-file`, `not-an-image`, `unsupported-format`, `corrupt-image`, `image-too-large`. {@link RetrievalError}
   */
  describe(bytes: Uint8Array, options?: DescribeOptions): Promise<Described>;
}

/** What of a vocabulary describing an image takes: all of it public. */
export type ExtractorParameters = Pick<Vocabulary, 'model' | 'local' | 'codebook' | 'idf'>;

/** The extractor of one vocabulary: decode, all three features, bag of words. */
export class VocabularyExtractor implements Extractor {
  readonly #reader: ImageReader;
  readonly #features: FeatureExtractor;
  readonly #words: BagOfWords;
  readonly #makeThumbnail: (image: Image) => Promise<Uint8Array | undefined>;

  /**
   * @param module - Compiled kernels.
   * @param vocabulary - Names the model, and holds the codebook.
   * @param model - The model the vocabulary was trained with.
   * @param reader - Decoders and limits.
   * @param encode - For thumbnails; none are made without it.
   * @throws `parameter-mismatch` when the model is another one than the vocabulary's. {@link RetrievalError}
   */
  constructor(
    module: WebAssembly.Module,
    vocabulary: ExtractorParameters,
    model: DeepModel,
    reader: ImageReader,
    encode?: JpegEncoder,
  ) {
    const { sha256, inputSide, inputFit } = vocabulary.model;
    if (model.sha256 !== sha256 || model.inputSide !== inputSide || model.inputFit !== inputFit)
      throw new RetrievalError(
        'parameter-mismatch',
        `the vocabulary was trained with model ${vocabulary.model.id}, not with ${model.id}`,
      );
    this.#reader = reader;
    this.#features = new FeatureExtractor(module, vocabulary.local, model);
    this.#words = new BagOfWords(module, vocabulary.codebook, vocabulary.idf);
    const pixels = new Pixels(module);
    this.#makeThumbnail = async (image) =>
      encode === undefined ? undefined : makeThumbnail(pixels, encode, image, MAX_THUMBNAIL_BYTES);
  }

  async describe(bytes: Uint8Array, { thumbnail: wanted = false }: DescribeOptions = {}): Promise<Described> {
    const { image, header } = await this.#reader.read(bytes);
    // Begun first and waited for last: what works beside this thread has the others' time.
    const deep = this.#features.describeDeep(image);
    const encoding = wanted ? this.#makeThumbnail(image) : undefined;
    // Without this, a throw below would leave their failures unhandled.
    for (const begun of [deep, encoding]) begun?.catch(() => undefined);
    const { ehd, local } = this.#features.viewLuma(image);
    const bow = this.#words.describe(local);
    const descriptors = { ehd, bow, deep: await deep };
    const thumbnail = await encoding;
    return { header, descriptors, ...(thumbnail === undefined ? {} : { thumbnail }) };
  }
}
