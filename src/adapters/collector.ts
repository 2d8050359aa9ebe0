/**
 * Features of many photo files, kept in a folder, so that training and evaluation go on where they were stopped.
 * @module
 */
import { FeatureExtractor, type LocalSettings } from '../features/feature-extractor.ts';
import type { DeepModel } from '../features/deep.ts';
import { ImageReader } from '../image/decode.ts';
import type { Image } from '../image/image.ts';
import type { Decoder } from '../image/decoder.ts';
import { roundLocal, type CachedFeatures, type FeatureCache } from '../train/feature-cache.ts';
import { FeatureFolder } from './feature-folder.ts';

/** What training and evaluation need of one image. */
export interface CollectedFeatures {
  /** f32[150] */
  readonly ehd: Float32Array;
  /** f32[model.dims] */
  readonly deep: Float32Array;
  /** f32[128 * count]: RootSIFT descriptors. */
  readonly local: Float32Array;
}

/** Collects features before any vocabulary is applied. */
export class Collector {
  readonly #reader: ImageReader;
  readonly #extractor: FeatureExtractor;
  readonly #lumaCache: FeatureCache | undefined;
  readonly #deepCache: FeatureCache | undefined;

  /**
   * @param folder - Where features are kept; undefined: nowhere.
   */
  constructor(
    kernels: WebAssembly.Module,
    local: LocalSettings,
    model: DeepModel,
    decoders: readonly Decoder[],
    folder?: string,
  ) {
    this.#reader = new ImageReader(kernels, decoders);
    this.#extractor = new FeatureExtractor(kernels, local, model);
    if (folder === undefined) return;
    const kept = new FeatureFolder(folder, decoders);
    this.#lumaCache = kept.luma(local);
    this.#deepCache = kept.deep(model);
  }

  /**
   * @param bytes - A whole image file.
   * @throws `empty-file`, `not-an-image`, `unsupported-format`, `corrupt-image`, `image-too-large`. {@link RetrievalError}
   */
  async collect(bytes: Uint8Array): Promise<CollectedFeatures> {
    const cached = { luma: await this.#lumaCache?.get(bytes), deep: await this.#deepCache?.get(bytes) };
    if (cached.luma !== undefined && cached.deep !== undefined) return join(cached.luma, cached.deep);
    const { image } = await this.#reader.read(bytes);
    // Started first, as in `FeatureExtractor.describe`.
    const running = cached.deep === undefined ? this.#extractor.describeDeep(image) : undefined;
    // Without this, a throw below would leave its failure unhandled.
    running?.catch(() => undefined);
    const luma = cached.luma ?? this.#describeLuma(image);
    const deep = cached.deep ?? { descriptor: await running!, local: new Float32Array(0) };
    if (cached.luma === undefined) await this.#lumaCache?.put(bytes, luma);
    if (cached.deep === undefined) await this.#deepCache?.put(bytes, deep);
    return join(luma, deep);
  }

  #describeLuma(image: Image): CachedFeatures {
    const { ehd, local } = this.#extractor.describeLuma(image);
    // Rounded as the cache rounds them, so that a run with a cache gives the figures of one without.
    return { descriptor: ehd, local: roundLocal(local.descriptors) };
  }
}

function join(luma: CachedFeatures, deep: CachedFeatures): CollectedFeatures {
  return { ehd: luma.descriptor, deep: deep.descriptor, local: luma.local };
}
