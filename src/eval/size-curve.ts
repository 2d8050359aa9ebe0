/**
 * Search time against collection size, in a real client and a real server: the whole library ranked, and prefiltered.
 *
 * Collections larger than the photos at hand are filled up by mixing: the descriptors of two photos drawn at random, 0.7 of one and
 * 0.3 of the other, feature by feature.
 * @module
 */
import { seededRandom } from '../base/random.ts';
import type { IndexParameters } from '../client/index-parameters.ts';
import { FEATURES } from '../codes/block.ts';
import type { Descriptors } from '../codes/descriptors.ts';
import type { PutItem } from '../protocol/messages.ts';
import type { Collection } from './collection.ts';
import type { Photo } from './evaluate.ts';
import { openMemoryLibrary } from './memory-library.ts';
import { evenly, median } from './query-sample.ts';

/** One size. Milliseconds a query, medians: client, messages and server. */
export interface SizeRow {
  readonly images: number;
  readonly scan: number;
  readonly prefiltered: number;
  /** Share of the library that the prefiltered search ranked. */
  readonly touched: number;
}

const QUERIES = 20;
const SMALLEST = 250;
const BATCH = 64;
const SHARE = 0.7;

/** Sizes up to `largest`, each twice the one before. */
function collectionSizes(largest: number): number[] {
  const sizes = [largest];
  while (sizes[0]! / 2 >= SMALLEST) sizes.unshift(Math.round(sizes[0]! / 2));
  return sizes;
}

/** @param onStep - Called after each image that is added. */
export async function sizeCurve(
  kernels: WebAssembly.Module,
  collection: Collection,
  photos: readonly Photo[],
  options: {
    readonly index: IndexParameters;
    readonly largest: number;
    readonly onStep: () => void;
  },
): Promise<SizeRow[]> {
  const { index, largest, onStep } = options;
  const random = seededRandom(1);
  const pick = (): Descriptors => photos[Math.floor(random() * photos.length)]!.descriptors;
  const library = await openMemoryLibrary({
    ...{ kernels, vocabulary: collection.vocabulary, index },
    descriptors: (photo) => photos[photo]?.descriptors ?? mix(pick(), pick()),
  });
  const rows: SizeRow[] = [];
  let count = 0;
  for (const images of collectionSizes(largest)) {
    while (count < images) {
      const items: PutItem[] = [];
      for (; items.length < BATCH && count < images; count++) {
        items.push(await library.prepare(count));
        onStep();
      }
      await library.put(items);
    }
    const times: Record<'scan' | 'prefiltered', number[]> = { scan: [], prefiltered: [] };
    let touched = 0;
    const queries = evenly(Math.min(photos.length, images), QUERIES);
    for (const query of queries) {
      const { projections } = collection.encoded[query]!;
      const asked = {
        ...{ projections, margins: collection.encoder.margins(projections) },
        weights: collection.weights(query, 'adaptive'),
      };
      for (const way of ['scan', 'prefiltered'] as const) {
        const start = performance.now();
        const { candidates, records } = await library.client.rank(asked, { k: 20, scan: way === 'scan' });
        times[way].push(performance.now() - start);
        if (way === 'prefiltered') touched += candidates / records;
      }
    }
    rows.push({
      ...{ images, scan: median(times.scan), prefiltered: median(times.prefiltered) },
      touched: touched / queries.length,
    });
  }
  await library.close();
  return rows;
}

function mix(a: Descriptors, b: Descriptors): Descriptors {
  const out = {} as Descriptors;
  for (const feature of FEATURES)
    out[feature] = a[feature].map((value, i) => SHARE * value + (1 - SHARE) * b[feature][i]!);
  return out;
}
