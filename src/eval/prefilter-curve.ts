/**
 * What a prefilter finds, and costs: recall of the full scan's first 20, share of the collection that is ranked, tokens and time a
 * query, for families of tokens of different sizes. Codes are plaintext here: a token of one is the token of the other.
 * @module
 */
import type { TokenFamily } from '../crypto/token-family.ts';
import { AsymmetricTable } from '../search/asymmetric-table.ts';
import { PostingTable } from '../search/posting-table.ts';
import type { Collection } from './collection.ts';
import { rank } from './metrics.ts';
import { evenly, median } from './query-sample.ts';

/** One family, under one key. */
export interface PrefilterSetting {
  readonly tokens: TokenFamily;
  /** Its size, for people: '32 tables'. */
  readonly size: string;
  /** Buckets looked at, in each table. */
  readonly probes: readonly number[];
}

/** One point. */
export interface PrefilterRow {
  readonly family: string;
  readonly size: string;
  readonly probes: number;
  /** Tokens of one query. */
  readonly tokens: number;
  /** Share of the full scan's first 20 that are among the candidates. */
  readonly recall20: number;
  /** Share of the collection that is ranked. */
  readonly touched: number;
  /** Of one query: its tokens, looking them up, and ranking what they name by plaintext codes. Median. */
  readonly ms: number;
}

const TOP = 20;
const MOST_QUERIES = 100;

export function prefilterRows(
  kernels: WebAssembly.Module,
  collection: Collection,
  { tokens: family, size, probes }: PrefilterSetting,
): PrefilterRow[] {
  const { encoded, encoder, vocabulary } = collection;
  const lists = new Map<bigint, number[]>();
  const table = new AsymmetricTable(kernels, vocabulary.codeBytes);
  encoded.forEach(({ code }, record) => {
    table.add(code);
    for (const token of family.tokens(code)) {
      const list = lists.get(token);
      if (list === undefined) lists.set(token, [record]);
      // A record may have a token twice.
      else if (list.at(-1) !== record) list.push(record);
    }
  });
  const tokens = BigUint64Array.from(lists.keys()).sort();
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((token, i) => (offsets[i + 1] = offsets[i]! + lists.get(token)!.length));
  const records = new Uint32Array(offsets.at(-1)!);
  tokens.forEach((token, i) => records.set(lists.get(token)!, offsets[i]));
  const postings = new PostingTable(kernels, { tokens, offsets, records, recordCount: encoded.length });

  const queries = evenly(encoded.length, MOST_QUERIES);
  const best = queries.map((query) =>
    rank(collection.scores(collection.query(query, 'adaptive')), query).subarray(0, TOP),
  );
  return probes.map((perTable) => {
    let [found, wanted, touched, asked] = [0, 0, 0, 0];
    const times: number[] = [];
    queries.forEach((query, i) => {
      const vector = collection.query(query, 'adaptive');
      const margins = encoder.margins(encoded[query]!.projections);
      const start = performance.now();
      const sent = family.probes({ margins, query: vector }, perTable);
      const candidates = postings.lookUp(sent);
      if (candidates.length > 0) table.top(vector, TOP + 1, candidates);
      times.push(performance.now() - start);
      const seen = new Set(candidates);
      found += best[i]!.filter((record) => seen.has(record)).length;
      wanted += best[i]!.length;
      touched += candidates.length / encoded.length;
      asked = sent.length;
    });
    return {
      ...{ family: family.name, size, probes: perTable, tokens: asked, ms: median(times) },
      ...{ recall20: found / wanted, touched: touched / queries.length },
    };
  });
}
