/**
 * Retrieval measured as the field measures it: every photo is a query, photos of its class are relevant, the query
 * itself is left out. Once over plaintext codes, once through a real client and a real server.
 * @module
 */
import { joinRows } from '../base/bytes.ts';
import type { Query } from '../client/client.ts';
import type { IndexParameters } from '../client/index-parameters.ts';
import { FEATURES, type Feature } from '../codes/block.ts';
import type { Descriptors } from '../codes/descriptors.ts';
import { Encoder, type Encoded } from '../codes/encoder.ts';
import { Fusion, type Weights } from '../codes/fusion.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { AsymmetricTable } from '../search/asymmetric-table.ts';
import { figuresOf, type Figures } from './figures.ts';
import { cosines, yardstick } from './float-cosine.ts';
import { openMemoryLibrary, type MemoryLibrary } from './memory-library.ts';
import { rank } from './metrics.ts';

/** What is ranked by: the float yardstick, one feature's code, or a fusion of the three. */
export type Ranked = 'float' | Feature | 'equal' | 'adaptive';

/** One row of the table. */
export interface Row extends Figures {
  readonly feature: Ranked;
  readonly side: 'plain' | 'encrypted';
}

/** A photo to evaluate. */
export interface Photo {
  readonly label: string;
  readonly descriptors: Descriptors;
}

/** How to evaluate. */
export interface EvaluationOptions {
  readonly kernels: WebAssembly.Module;
  readonly vocabulary: Vocabulary;
  readonly index: IndexParameters;
  /** Leaves out the encrypted side. */
  readonly plainOnly?: boolean;
  /** Called after each query of each pass. */
  readonly onStep?: (pass: string, passes: number) => void;
}

/** What came out. */
export interface Evaluation {
  readonly photos: number;
  readonly classes: number;
  readonly rows: readonly Row[];
  /** Adaptive weights, averaged over the queries. */
  readonly weights: Weights;
  readonly prefilter?: {
    /** Share of the full scan's first 20 that the prefiltered search returns. */
    readonly recall20: number;
    /** Share of the library that was ranked. */
    readonly touched: number;
    /** Tokens of one query. */
    readonly tokens: number;
  };
  /** Share of queries whose first 20, without noise and prefilter, are those of the plaintext codes, ties aside. */
  readonly agreement20?: number;
  /** Milliseconds, medians. */
  readonly times: Readonly<Record<string, number>>;
}

const TOP = 20;

/** Evaluates photos whose descriptors are at hand. */
export async function evaluate(photos: readonly Photo[], options: EvaluationOptions): Promise<Evaluation> {
  const { kernels, vocabulary, index } = options;
  const labels = photos.map(({ label }) => label);
  const encoder = new Encoder(kernels, vocabulary);
  const fusion = new Fusion(vocabulary);
  const times: Record<string, number[]> = {};
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    (times[name] ??= []).push(performance.now() - start);
    return result;
  };

  const encoded: Encoded[] = [];
  for (const { descriptors } of photos) encoded.push(await timed('encode', () => encoder.encode(descriptors)));
  const weigh = (i: number): Record<Exclude<Ranked, 'float'>, Weights> => ({
    ehd: { ehd: 1, bow: 0, deep: 0 },
    bow: { ehd: 0, bow: 1, deep: 0 },
    deep: { ehd: 0, bow: 0, deep: 1 },
    equal: fusion.weights(encoded[i]!.projections, 'equal'),
    adaptive: fusion.weights(encoded[i]!.projections, 'adaptive'),
  });

  const rows: Row[] = [];
  const measure = (feature: Ranked, side: Row['side'], rankings: readonly ArrayLike<number>[]): void => {
    rows.push({ feature, side, ...figuresOf(rankings, labels) });
  };

  // Plain: float cosine, then the codes.
  const passes = options.plainOnly === true ? 6 : 13;
  const step = (name: string): void => options.onStep?.(name, passes);
  const dims = vocabulary.model.dims;
  const units = yardstick(joinRows(photos.map(({ descriptors }) => descriptors.deep)), vocabulary.deepMean);
  const floats: Uint32Array[] = [];
  for (let i = 0; i < photos.length; i++) {
    floats.push(rank(cosines(units, dims, units.subarray(i * dims, (i + 1) * dims)), i));
    step('float');
  }
  measure('float', 'plain', floats);

  const table = new AsymmetricTable(kernels, vocabulary.codeBytes);
  for (const { code } of encoded) table.add(code);
  const weights = photos.map((_, i) => weigh(i));
  const plainScores = (query: number, feature: Exclude<Ranked, 'float'>): Float32Array =>
    table.scores(fusion.query(encoded[query]!.projections, weights[query]![feature]));
  for (const feature of [...FEATURES, 'equal', 'adaptive'] as const) {
    const rankings: Uint32Array[] = [];
    for (let i = 0; i < photos.length; i++) {
      rankings.push(rank(await timed('plain scan', () => plainScores(i, feature)), i));
      step(feature);
    }
    measure(feature, 'plain', rankings);
  }
  const adaptive: Weights = { ehd: 0, bow: 0, deep: 0 };
  for (const each of weights)
    for (const feature of FEATURES) adaptive[feature] += each.adaptive[feature] / photos.length;
  const classes = new Set(labels).size;
  const summary = { photos: photos.length, classes, weights: adaptive };
  if (options.plainOnly === true) return { ...summary, rows, times: medians(times) };

  // Encrypted: a client, a server, and messages between them.
  const queries = (i: number, feature: Exclude<Ranked, 'float'>): Query => ({
    projections: encoded[i]!.projections,
    margins: encoder.margins(encoded[i]!.projections),
    weights: weights[i]![feature],
  });
  const library = await encrypt(photos, options, index, timed);
  let prefilter: Evaluation['prefilter'];
  for (const feature of [...FEATURES, 'equal', 'adaptive'] as const) {
    const rankings: Uint32Array[] = [];
    for (let i = 0; i < photos.length; i++) {
      const ranked = await timed('encrypted scan', () =>
        library.client.rank(queries(i, feature), { k: Math.min(10_000, photos.length), scan: true }),
      );
      rankings.push(library.positions(ranked.ids, i));
      step(`${feature}, encrypted`);
    }
    measure(feature, 'encrypted', rankings);
    if (feature === 'adaptive') {
      let found = 0;
      let touched = 0;
      let tokens = 0;
      for (let i = 0; i < photos.length; i++) {
        const ranked = await timed('encrypted search', () => library.client.rank(queries(i, feature), { k: TOP + 1 }));
        const wanted = new Set(rankings[i]!.subarray(0, TOP));
        found += library.positions(ranked.ids, i).filter((position) => wanted.has(position)).length;
        touched += ranked.candidates / ranked.records;
        tokens += ranked.tokens;
        step('prefilter');
      }
      const most = Math.min(TOP, photos.length - 1);
      prefilter = {
        recall20: found / (most * photos.length),
        touched: touched / photos.length,
        tokens: tokens / photos.length,
      };
    }
  }
  await library.close();

  const exact = await encrypt(photos, options, { ...index, noise: 0 }, timed);
  let agreeing = 0;
  for (let i = 0; i < photos.length; i++) {
    const ranked = await exact.client.rank(queries(i, 'adaptive'), { k: TOP + 1, scan: true });
    const scores = plainScores(i, 'adaptive');
    const best = rank(scores, i).subarray(0, TOP);
    const got = exact.positions(ranked.ids, i).subarray(0, TOP);
    // Equal scores may come in any order, and f32 tells scores closer than this apart by chance.
    if (best.every((position, place) => Math.abs(scores[position]! - scores[got[place]!]!) < 1e-3)) agreeing++;
    step('without noise');
  }
  await exact.close();
  return {
    ...summary,
    rows,
    ...(prefilter === undefined ? {} : { prefilter }),
    agreement20: agreeing / photos.length,
    times: medians(times),
  };
}

/** A library of the photos on a server of its own. */
async function encrypt(
  photos: readonly Photo[],
  { kernels, vocabulary }: EvaluationOptions,
  index: IndexParameters,
  timed: <T>(name: string, work: () => Promise<T>) => Promise<T>,
): Promise<MemoryLibrary> {
  const library = await openMemoryLibrary({
    ...{ kernels, vocabulary, index },
    descriptors: (photo) => photos[photo]!.descriptors,
  });
  for (let i = 0; i < photos.length; i++) await library.put([await timed('seal', () => library.prepare(i))]);
  return library;
}

function medians(times: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [name, values] of Object.entries(times)) {
    const sorted = [...values].sort((a, b) => a - b);
    out[name] = Number(sorted[Math.floor(sorted.length / 2)]!.toFixed(3));
  }
  return out;
}
