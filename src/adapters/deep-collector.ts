/**
 * Deep descriptors of one photo by several models at once: a photo is decoded only when some model has not seen it.
 * @module
 */
import { DeepExtractor, type DeepModel } from '../features/deep.ts';
import { ImageReader } from '../image/decode.ts';
import type { Decoder } from '../image/decoder.ts';
import type { FeatureCache } from '../train/feature-cache.ts';
import { FeatureFolder } from './feature-folder.ts';

const NO_LOCAL = new Float32Array(0);

/** Collects the descriptors of some models. */
export class DeepCollector {
  readonly #reader: ImageReader;
  readonly #parts: readonly { readonly extractor: DeepExtractor; readonly cache: FeatureCache | undefined }[];

  /**
   * @param folder - Where descriptors are kept; undefined: nowhere.
   */
  constructor(
    kernels: WebAssembly.Module,
    models: readonly DeepModel[],
    decoders: readonly Decoder[],
    folder?: string,
  ) {
    this.#reader = new ImageReader(kernels, decoders);
    const kept = folder === undefined ? undefined : new FeatureFolder(folder, decoders);
    this.#parts = models.map((model) => ({ extractor: new DeepExtractor(kernels, model), cache: kept?.deep(model) }));
  }

  /**
   * The descriptor of each model, in order.
   * @param bytes - A whole image file.
   * @throws `empty-file`, `not-an-image`, `unsupported-format`, `corrupt-image`, `image-too-large`. {@link RetrievalError}
   */
  async collect(bytes: Uint8Array): Promise<Float32Array[]> {
    const known = await Promise.all(this.#parts.map(({ cache }) => cache?.get(bytes)));
    if (known.every((features) => features !== undefined)) return known.map((features) => features!.descriptor);
    const { image } = await this.#reader.read(bytes);
    return Promise.all(
      this.#parts.map(async ({ extractor, cache }, i) => {
        const cached = known[i];
        if (cached !== undefined) return cached.descriptor;
        const descriptor = await extractor.describe(image);
        await cache?.put(bytes, { descriptor, local: NO_LOCAL });
        return descriptor;
      }),
    );
  }

  /**
   * Milliseconds from the working image to each model's descriptor, one after the other.
   * @param bytes - A whole image file. Decoding it is not counted.
   */
  async time(bytes: Uint8Array): Promise<number[]> {
    const { image } = await this.#reader.read(bytes);
    const times: number[] = [];
    for (const { extractor } of this.#parts) {
      const start = performance.now();
      await extractor.describe(image);
      times.push(performance.now() - start);
    }
    return times;
  }
}
