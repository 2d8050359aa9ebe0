/**
 * Features of many photo files, kept in a folder, so that training and evaluation go on where they were stopped.
 * @module
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FeatureExtractor, type LocalSettings } from '../features/feature-extractor.ts';
import type { DeepModel } from '../features/deep.ts';
import { ImageReader } from '../image/decode.ts';
import type { Decoder } from '../image/decoder.ts';
import { FeatureCache, roundLocal, type CollectedFeatures, type FeatureStore } from '../train/feature-cache.ts';

/** Names the steps before the cache; another number never finds features of this one. */
const PIPELINE = 'blindsight/features/0';

/** Collects features before any vocabulary is applied. */
export class Collector {
  readonly #reader: ImageReader;
  readonly #extractor: FeatureExtractor;
  readonly #cache: FeatureCache | undefined;

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
    const settings = JSON.stringify([
      PIPELINE,
      local,
      model.sha256,
      model.inputSide,
      model.inputFit,
      decoders.map(({ name }) => name),
    ]);
    this.#cache = folder === undefined ? undefined : new FeatureCache(folderStore(folder), settings);
  }

  /**
   * @param bytes - A whole image file.
   * @throws `empty-file`, `not-an-image`, `unsupported-format`, `corrupt-image`, `image-too-large`. {@link RetrievalError}
   */
  async collect(bytes: Uint8Array): Promise<CollectedFeatures> {
    const cached = await this.#cache?.get(bytes);
    if (cached !== undefined) return cached;
    const { image } = await this.#reader.read(bytes);
    const { ehd, local, deep } = await this.#extractor.describe(image);
    // Rounded as the cache rounds them, so that a run with a cache gives the figures of one without.
    const features = { ehd, deep, local: roundLocal(local.descriptors) };
    await this.#cache?.put(bytes, features);
    return features;
  }
}

/** A folder of files, by name, in sub-folders of 256. */
function folderStore(folder: string): FeatureStore {
  const path = (name: string): string => join(folder, name.slice(0, 2), name);
  return {
    get: (name) => readFile(path(name)).catch(() => undefined),
    async put(name, bytes) {
      await mkdir(join(folder, name.slice(0, 2)), { recursive: true });
      const partial = `${path(name)}.${process.pid}`;
      await writeFile(partial, bytes);
      await rename(partial, path(name));
    },
  };
}
