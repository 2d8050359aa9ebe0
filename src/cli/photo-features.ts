/**
 * Descriptors of photos, collected with a vocabulary's model and words, and kept in a cache folder if there is one.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { Collector } from '../adapters/collector.ts';
import { loadDecoders } from '../adapters/decoders.ts';
import { loadModel } from '../adapters/package-files.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import type { Photo } from '../eval/evaluate.ts';
import type { Labelled } from '../eval/labels.ts';
import { BagOfWords } from '../features/bag-of-words.ts';
import { SIFT_DIMS } from '../features/local-features.ts';
import { describeError } from './output.ts';
import { startProgress } from './progress.ts';

export interface CollectOptions {
  readonly kernels: WebAssembly.Module;
  readonly vocabulary: Vocabulary;
  readonly cache?: string | undefined;
  readonly quiet: boolean;
  readonly signal?: AbortSignal;
}

/** Photos that could not be read are told of, and left out. */
export interface Collected {
  readonly photos: readonly Photo[];
  readonly failed: readonly { path: string; code: string; message: string }[];
}

/** @throws `cancelled`. {@link RetrievalError} */
export async function collectPhotos(labelled: readonly Labelled[], options: CollectOptions): Promise<Collected> {
  const { kernels, vocabulary, cache, quiet, signal } = options;
  const model = await loadModel(vocabulary.model.sha256);
  const collector = new Collector(kernels, vocabulary.local, model, await loadDecoders(), cache);
  const bag = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);
  const photos: Photo[] = [];
  const failed: { path: string; code: string; message: string }[] = [];
  const progress = startProgress('features', labelled.length, 'photos', quiet);
  try {
    for (const { path, label } of labelled) {
      if (signal?.aborted) throw new RetrievalError('cancelled', 'stopped');
      try {
        const { ehd, deep, local } = await collector.collect(await readFile(path));
        const bow = bag.describe({ count: local.length / SIFT_DIMS, descriptors: local });
        photos.push({ label, descriptors: { ehd, bow, deep } });
      } catch (error) {
        failed.push({ path, ...describeError(error) });
      }
      progress.step();
    }
  } finally {
    progress.stop();
    await model.close();
  }
  return { photos, failed };
}
