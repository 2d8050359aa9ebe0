/**
 * Cached features in a folder: what keeps training and measuring from starting anew.
 * @module
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeepModel } from '../features/deep.ts';
import type { LocalSettings } from '../features/feature-extractor.ts';
import type { Decoder } from '../image/decoder.ts';
import { FeatureCache, type FeatureStore } from '../train/feature-cache.ts';

/** Names the steps before the cache; another number never finds features of this one. */
const PIPELINE = 'blindsight/features/1';

/** The caches of one folder. What one command collects, the others find. */
export class FeatureFolder {
  readonly #store: FeatureStore;
  readonly #decoders: readonly string[];

  /**
   * @param folder - Made when the first features are kept.
   * @param decoders - Those that the features are made with.
   */
  constructor(folder: string, decoders: readonly Decoder[]) {
    this.#store = folderStore(folder);
    this.#decoders = decoders.map(({ name }) => name);
  }

  /** Edge histograms and local features. */
  luma(local: LocalSettings): FeatureCache {
    return this.#cache('luma', local);
  }

  /** Deep descriptors. */
  deep({ sha256, inputSide, inputFit }: DeepModel): FeatureCache {
    return this.#cache('deep', sha256, inputSide, inputFit);
  }

  #cache(...settings: unknown[]): FeatureCache {
    return new FeatureCache(this.#store, JSON.stringify([PIPELINE, this.#decoders, ...settings]));
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
