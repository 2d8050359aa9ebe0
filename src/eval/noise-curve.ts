/**
 * What the noise on stored vectors costs: the same queries ranked by a real server at each noise, and by plaintext codes.
 * @module
 */
import type { IndexParameters } from '../client/index-parameters.ts';
import type { Collection } from './collection.ts';
import type { Photo } from './evaluate.ts';
import { openMemoryLibrary } from './memory-library.ts';
import { evenly } from './query-sample.ts';
import { retrievalCurves } from './retrieval-curves.ts';

/** Standard deviations of the noise on `<p, q>`. */
const NOISES: readonly number[] = [0, 0.5, 1, 2, 4, 8, 16, 32, 64, 128];
const MOST_QUERIES = 500;
/** Most answers of one search. */
const MOST_ANSWERS = 10_000;

/** Accuracy at one noise; `plain` where plaintext codes are ranked. */
export interface NoiseRow {
  readonly noise: number | 'plain';
  readonly p1: number;
  readonly p20: number;
  readonly map: number;
}

/** Noises measured: the usual ones, and the index's own. */
export function noiseLevels({ noise }: IndexParameters): number[] {
  return [...new Set([...NOISES, noise])].sort((a, b) => a - b);
}

/** Adaptive weights, whole library ranked, scores as the server gives them. */
export async function noiseRow(
  kernels: WebAssembly.Module,
  collection: Collection,
  photos: readonly Photo[],
  index: IndexParameters,
  noise: number | 'plain',
): Promise<NoiseRow> {
  const { labels, vocabulary } = collection;
  const queries = evenly(photos.length, MOST_QUERIES);
  const rankings: Uint32Array[] = [];
  if (noise === 'plain') for (const query of queries) rankings.push(collection.ranking(query, 'adaptive'));
  else {
    const library = await openMemoryLibrary({
      ...{ kernels, vocabulary, index: { ...index, noise } },
      descriptors: (photo) => photos[photo]!.descriptors,
    });
    for (let i = 0; i < photos.length; i++) await library.put([await library.prepare(i)]);
    for (const query of queries) {
      const { projections } = collection.encoded[query]!;
      const { ids } = await library.client.rank(
        {
          projections,
          margins: collection.encoder.margins(projections),
          weights: collection.weights(query, 'adaptive'),
        },
        { k: Math.min(MOST_ANSWERS, photos.length), scan: true },
      );
      rankings.push(library.positions(ids, query));
    }
    await library.close();
  }
  const { p1, p20, map } = retrievalCurves(rankings, labels, queries);
  return { noise, p1, p20, map };
}
