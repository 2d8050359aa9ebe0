/**
 * What prefilters of many sizes find and cost, measured together: recall of the full scan's first 20, share of the records touched,
 * tokens and bytes a query. `blindsight tune` chooses by it, and docs/TUNING.md is made with it.
 *
 * Works on plaintext buckets: a token is one bucket's name, so they find the same records. Probes are ordered, and so are tables and
 * assigned centroids; hence one pass notes, for each record, the least probe that reaches it, and tells every size at once.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import type { Prefilter } from '../client/index-parameters.ts';
import { sampledBlocks } from '../client/library-tokens.ts';
import { FEATURES } from '../codes/block.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { CentroidBuckets, bucketScale } from '../crypto/centroid-buckets.ts';
import { cheapestSets, samplePositions } from '../crypto/lsh-tokens.ts';
import type { TokenQuery } from '../crypto/token-family.ts';
import { AsymmetricTable } from '../search/asymmetric-table.ts';

/** A query, and which record it is itself, -1 for none: that one is left out. */
export interface MeasuredQuery extends TokenQuery {
  readonly own: number;
}

/** One prefilter, measured. */
export interface PrefilterFigures {
  readonly prefilter: Prefilter;
  /** Of one query. */
  readonly tokens: number;
  /** Of those tokens, in a request. */
  readonly bytes: number;
  /** Share of the full scan's first 20 that are reached. */
  readonly recall20: number;
  /** Share of the records that are reached. */
  readonly touched: number;
}

/** What is measured on. */
export interface MeasuredRecords {
  readonly kernels: WebAssembly.Module;
  readonly vocabulary: Vocabulary;
  /** u8[count * codeBytes] */
  readonly codes: Uint8Array;
  readonly queries: readonly MeasuredQuery[];
  /** `index/lsh-sample`, 32 bytes: which bits are sampled. */
  readonly sampleKey: Uint8Array;
  /** Called as a table, or a centroid, is done. */
  readonly onStep?: () => Promise<void> | void;
}

/** More bits a table are not measured: one number a bucket is held. */
export const MAX_MEASURED_BITS = 20;

const TOP = 20;
const TOKEN_BYTES = 8;
/** No probe reaches the record. */
const NEVER = 0xffff;

/** The figures of each prefilter, in their order. @throws On codes or sizes that do not fit. {@link RangeError} */
export async function measurePrefilters(
  prefilters: readonly Prefilter[],
  records: MeasuredRecords,
): Promise<PrefilterFigures[]> {
  const { kernels, vocabulary, codes, queries } = records;
  assertBytes(codes, 'codes');
  assertInteger(codes.length / vocabulary.codeBytes, 'codes', 1, 1 << 24);
  const table = new AsymmetricTable(kernels, vocabulary.codeBytes);
  table.add(codes);
  const best = queries.map(({ query, own }) =>
    table
      .top(query, TOP + 1)
      .indices.filter((record) => record !== own)
      .subarray(0, TOP),
  );
  const figures = new Map<Prefilter, PrefilterFigures>();
  const note = (prefilter: Prefilter, reach: readonly Uint16Array[]): void => {
    figures.set(prefilter, { prefilter, ...cost(prefilter, vocabulary), ...found(reach, best, prefilter.probes) });
  };
  const sampled = new Set(prefilters.map((prefilter) => (prefilter.family === 'lsh' ? prefilter.sampledBits : 0)));
  for (const bits of sampled)
    if (bits > 0)
      await measureLsh(
        bits,
        prefilters.filter((prefilter) => prefilter.family === 'lsh' && prefilter.sampledBits === bits),
        records,
        note,
      );
  await measureCentroids(
    prefilters.filter(({ family }) => family === 'centroids'),
    table,
    records,
    note,
  );
  return prefilters.map((prefilter) => figures.get(prefilter)!);
}

function cost(prefilter: Prefilter, vocabulary: Vocabulary): { tokens: number; bytes: number } {
  const { probes } = prefilter;
  const tokens =
    prefilter.family === 'lsh'
      ? prefilter.tables * Math.min(probes, 2 ** prefilter.sampledBits)
      : Math.min(probes, vocabulary.centroids.length / vocabulary.bits);
  return { tokens, bytes: TOKEN_BYTES * tokens };
}

/** @param reach - A query: for each record, the least probe that reaches it, from 0. */
function found(
  reach: readonly Uint16Array[],
  best: readonly Uint32Array[],
  probes: number,
): { recall20: number; touched: number } {
  let [hits, wanted, touched] = [0, 0, 0];
  reach.forEach((least, i) => {
    for (const record of best[i]!) if (least[record]! < probes) hits++;
    wanted += best[i]!.length;
    let own = 0;
    for (const probe of least) if (probe < probes) own++;
    touched += own / least.length;
  });
  return { recall20: hits / wanted, touched: touched / reach.length };
}

async function measureLsh(
  bits: number,
  prefilters: readonly Prefilter[],
  { vocabulary, codes, queries, sampleKey, onStep }: MeasuredRecords,
  note: (prefilter: Prefilter, reach: readonly Uint16Array[]) => void,
): Promise<void> {
  assertInteger(bits, 'sampledBits', 1, MAX_MEASURED_BITS);
  const tables = Math.max(...prefilters.map((prefilter) => (prefilter.family === 'lsh' ? prefilter.tables : 0)));
  const probes = Math.min(2 ** bits, Math.max(...prefilters.map((prefilter) => prefilter.probes)));
  const positions = samplePositions(sampleKey, { tables, bitsPerTable: bits, blocks: sampledBlocks(vocabulary) });
  const { codeBytes } = vocabulary;
  const count = codes.length / codeBytes;
  const reach = queries.map(() => new Uint16Array(count).fill(NEVER));
  const buckets = new Uint32Array(count);
  const order = new Uint16Array(2 ** bits).fill(NEVER);
  for (let t = 0; t < tables; t++) {
    const own = positions.subarray(t * bits, (t + 1) * bits);
    for (let record = 0, at = 0; record < count; record++, at += codeBytes) {
      let bucket = 0;
      for (let i = 0; i < bits; i++) bucket |= ((codes[at + (own[i]! >> 3)]! >> (own[i]! & 7)) & 1) << i;
      buckets[record] = bucket;
    }
    queries.forEach(({ margins }, q) => {
      const probed = probedBuckets(margins, own, probes);
      probed.forEach((bucket, probe) => (order[bucket] = probe));
      const least = reach[q]!;
      for (let record = 0; record < count; record++) {
        const probe = order[buckets[record]!]!;
        if (probe < least[record]!) least[record] = probe;
      }
      for (const bucket of probed) order[bucket] = NEVER;
    });
    for (const prefilter of prefilters)
      if (prefilter.family === 'lsh' && prefilter.tables === t + 1) note(prefilter, reach);
    await onStep?.();
  }
}

/** Buckets of one table as numbers, cheapest first: as `LshTokens.probes` orders them. */
function probedBuckets(margins: Float32Array, positions: Uint16Array, count: number): number[] {
  const sampled = Array.from(positions, (position) => margins[position]!);
  const bucket = sampled.reduce((sum, margin, i) => sum | ((margin >= 0 ? 1 : 0) << i), 0);
  const ranked = sampled
    .map((margin, i) => ({ cost: Math.abs(margin), i }))
    .sort((a, b) => a.cost - b.cost || a.i - b.i);
  const costs = ranked.map(({ cost: each }) => each);
  return cheapestSets(costs, count).map((set) =>
    ranked.reduce((flipped, { i }, rank) => flipped ^ (((set >> rank) & 1) << i), bucket),
  );
}

async function measureCentroids(
  prefilters: readonly Prefilter[],
  table: AsymmetricTable,
  { vocabulary, queries, onStep }: MeasuredRecords,
  note: (prefilter: Prefilter, reach: readonly Uint16Array[]) => void,
): Promise<void> {
  if (prefilters.length === 0) return;
  const { centroids, blocks, staticWeights } = vocabulary;
  const weighted = FEATURES.map((feature) => ({ bits: blocks[feature].bits, weight: staticWeights[feature] }));
  const buckets = new CentroidBuckets(centroids, weighted);
  const most = Math.max(...prefilters.map((prefilter) => (prefilter.family === 'centroids' ? prefilter.assigned : 0)));
  assertInteger(most, 'assigned', 1, buckets.count);
  const nearest = await nearestCentroids(table, centroids, bucketScale(weighted), most, onStep);
  const orders = queries.map(({ query }) => {
    const order = new Uint16Array(buckets.count);
    buckets.ofQuery(query, buckets.count).forEach((centroid, probe) => (order[centroid] = probe));
    return order;
  });
  const reach = queries.map(() => new Uint16Array(table.count).fill(NEVER));
  for (let a = 0; a < most; a++) {
    orders.forEach((order, q) => {
      const least = reach[q]!;
      for (let record = 0; record < table.count; record++) {
        const probe = order[nearest[record * most + a]!]!;
        if (probe < least[record]!) least[record] = probe;
      }
    });
    for (const prefilter of prefilters)
      if (prefilter.family === 'centroids' && prefilter.assigned === a + 1) note(prefilter, reach);
  }
}

/**
 * The `most` nearest centroids of each record, nearest first: u16[count * most]. As `CentroidBuckets.ofCode`, by the asymmetric
 * kernel (in f32), a centroid in the place of a query: a thousand times a million records are out of reach of plain loops.
 */
async function nearestCentroids(
  table: AsymmetricTable,
  centroids: Float32Array,
  scale: Float64Array,
  most: number,
  onStep?: () => Promise<void> | void,
): Promise<Uint16Array> {
  const bits = scale.length;
  const { count } = table;
  const nearest = new Uint16Array(count * most);
  const scores = new Float32Array(count * most).fill(-Infinity);
  for (let c = 0; c < centroids.length / bits; c++) {
    const own = table.scores(centroids.slice(c * bits, (c + 1) * bits).map((value, i) => value * scale[i]!));
    for (let record = 0; record < count; record++) {
      const score = own[record]!;
      const first = record * most;
      let place = first + most;
      for (; place > first && scores[place - 1]! < score; place--)
        if (place < first + most) {
          scores[place] = scores[place - 1]!;
          nearest[place] = nearest[place - 1]!;
        }
      if (place === first + most) continue;
      scores[place] = score;
      nearest[place] = c;
    }
    await onStep?.();
  }
  return nearest;
}
