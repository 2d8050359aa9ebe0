/**
 * From the bytes of an image file to its descriptors, under one vocabulary.
 * @module
 */
import type { Descriptors } from '../codes/descriptors.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { RetrievalError } from '../base/errors.ts';
import { BagOfWords } from '../features/bag-of-words.ts';
import type { DeepModel } from '../features/deep.ts';
import { FeatureExtractor } from '../features/feature-extractor.ts';
import type { ImageReader } from '../image/decode.ts';
import type { ImageHeader } from '../image/header.ts';

/** Descriptors of one image, and what its header said. */
export interface Described {
  readonly header: ImageHeader;
  readonly descriptors: Descriptors;
}

/** Image file -> descriptors. */
export interface Extractor {
  /**
   * @param bytes - A whole image file.
   * @throws `empty-file`, `not-an-image`, `unsupported-format`, `corrupt-image`, `image-too-large`. {@link RetrievalError}
   */
  describe(bytes: Uint8Array): Promise<Described>;
}

/** The extractor of one vocabulary: decode, all three features, bag of words. */
export class VocabularyExtractor implements Extractor {
  readonly #reader: ImageReader;
  readonly #features: FeatureExtractor;
  readonly #words: BagOfWords;

  /**
   * @param module - Compiled kernels.
   * @param vocabulary - Names the model, and holds the codebook.
   * @param model - The model the vocabulary was trained with.
   * @param reader - Decoders and limits.
   * @throws `parameter-mismatch` when the model is another one than the vocabulary's. {@link RetrievalError}
   */
  constructor(module: WebAssembly.Module, vocabulary: Vocabulary, model: DeepModel, reader: ImageReader) {
    const { sha256, inputSide, inputFit } = vocabulary.model;
    if (model.sha256 !== sha256 || model.inputSide !== inputSide || model.inputFit !== inputFit)
      throw new RetrievalError(
        'parameter-mismatch',
        `the vocabulary was trained with model ${vocabulary.model.id}, not with ${model.id}`,
      );
    this.#reader = reader;
    this.#features = new FeatureExtractor(module, vocabulary.local, model);
    this.#words = new BagOfWords(module, vocabulary.codebook, vocabulary.idf);
  }

  async describe(bytes: Uint8Array): Promise<Described> {
    const { image, header } = await this.#reader.read(bytes);
    const { ehd, local, deep } = await this.#features.describe(image);
    return { header, descriptors: { ehd, bow: this.#words.describe(local), deep } };
  }
}
