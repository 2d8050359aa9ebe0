/**
 * What making one index entry and one trapdoor takes, step by step: milliseconds, medians over some photos.
 * @module
 */
import type { IndexParameters } from '../client/index-parameters.ts';
import type { TokenFamily } from '../crypto/token-family.ts';
import { ImageCipher, newImageKey } from '../crypto/image-cipher.ts';
import { LibraryKeys, newLibraryKey } from '../crypto/keys.ts';
import { SecureKnn } from '../crypto/secure-knn.ts';
import { BagOfWords } from '../features/bag-of-words.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import type { ImageReader } from '../image/decode.ts';
import type { Collection } from './collection.ts';
import { median } from './query-sample.ts';

/** One step; `index` once an image, `query` once a search, `both` in both. */
export interface StepTime {
  readonly step: string;
  readonly of: 'index' | 'query' | 'both';
  readonly ms: number;
}

/** What the steps are made with. */
export interface StepOptions {
  readonly kernels: WebAssembly.Module;
  readonly collection: Collection;
  readonly reader: ImageReader;
  readonly extractor: FeatureExtractor;
  readonly index: IndexParameters;
  readonly tokens: TokenFamily;
}

/** @param files - Whole image files; the first is done once more before anything is timed. */
export async function stepTimes(files: readonly Uint8Array[], options: StepOptions): Promise<StepTime[]> {
  const { kernels, collection, reader, extractor, index, tokens } = options;
  const { vocabulary, encoder, fusion } = collection;
  const bag = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);
  const keys = new LibraryKeys(newLibraryKey());
  const knn = new SecureKnn(kernels, {
    ...{ key: keys.get('knn'), bits: vocabulary.bits, noise: index.noise, split: index.split },
  });
  const cipher = new ImageCipher(kernels);
  const steps = new Map<string, { readonly of: StepTime['of']; readonly times: number[] }>();
  let warm = false;
  const timed = async <T>(step: string, of: StepTime['of'], work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    if (warm) {
      if (!steps.has(step)) steps.set(step, { of, times: [] });
      steps.get(step)!.times.push(performance.now() - start);
    }
    return result;
  };
  for (const bytes of [files[0]!, ...files]) {
    const { image } = await timed('decode', 'both', () => reader.read(bytes));
    const { ehd, local } = await timed('edges, local features', 'both', () => extractor.describeLuma(image));
    const deep = await timed('deep feature', 'both', () => extractor.describeDeep(image));
    const bow = await timed('visual words', 'both', () => bag.describe(local));
    const { projections, code } = await timed('code', 'both', () => encoder.encode({ ehd, bow, deep }));
    const margins = encoder.margins(projections);
    await timed('tokens stored', 'index', () => tokens.tokens(code));
    await timed('vector sealed', 'index', () => knn.seal(code));
    await timed('image sealed', 'index', () => cipher.seal(newImageKey(), new Uint8Array(16), bytes));
    const query = await timed('weights', 'query', () =>
      fusion.query(projections, fusion.weights(projections, 'adaptive')),
    );
    await timed('tokens asked', 'query', () => tokens.probes({ margins, query }, index.prefilter.probes));
    await timed('trapdoor vector', 'query', () => knn.trapdoor(query));
    warm = true;
  }
  knn.wipe();
  keys.wipe();
  return Array.from(steps, ([step, { of, times }]) => ({ step, of, ms: median(times) }));
}
