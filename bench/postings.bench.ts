/**
 * Tokens to records with duplicates removed: WASM kernel against a Map and a Set.
 *
 *     npm run bench -- postings
 *
 * 32 tokens a record, as 32 tables of locality-sensitive hashing give; 256 tokens a query.
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { seededRandom } from '../src/base/random.ts';
import { PostingTable } from '../src/search/posting-table.ts';
import { lookUp } from '../test/reference/postings.ts';
import { kernels } from '../test/support.ts';
import { report } from './report.ts';

const TABLES = 32;

for (const recordCount of [1_000, 20_000]) {
  const random = seededRandom(1);
  // Spread over 64 bits by an odd factor, as tokens are.
  const spread = (bucket: number): bigint => BigInt.asUintN(64, BigInt(bucket + 1) * 0x9e3779b97f4a7c15n);
  const bucket = (table: number): bigint => spread(4096 * table + Math.floor(4096 * random() ** 2));
  const lists = new Map<bigint, number[]>();
  for (let record = 0; record < recordCount; record++)
    for (let table = 0; table < TABLES; table++) {
      const token = bucket(table);
      const list = lists.get(token);
      if (list === undefined) lists.set(token, [record]);
      else if (list.at(-1) !== record) list.push(record);
    }
  const tokens = BigUint64Array.from(lists.keys()).sort();
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((token, t) => (offsets[t + 1] = offsets[t]! + lists.get(token)!.length));
  const records = Uint32Array.from([...tokens].flatMap((token) => lists.get(token)!));
  const table = new PostingTable(kernels, { tokens, offsets, records, recordCount });
  const query = BigUint64Array.from({ length: 256 }, (_, i) => bucket(i % TABLES));
  const found = lookUp(lists, query);
  deepEqual([...table.lookUp(query)], found);

  const bench = new Bench({ name: `${recordCount} records, ${found.length} found`, time: 300 });
  bench.add('wasm', () => void table.lookUp(query));
  bench.add('ts', () => void lookUp(lists, query));
  await bench.run();
  report(bench, { unit: 'tokens', perRun: query.length });
}
