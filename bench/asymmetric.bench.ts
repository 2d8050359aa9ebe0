/**
 * Weighted asymmetric scan with the ten best: by bounds, by scoring every code, by the same tables in TypeScript, and, for a million codes, in C.
 *
 *     npm run bench -- asymmetric
 */
import { deepEqual } from 'node:assert/strict';
import { External, withFiles } from './external.ts';
import { Bench } from './harness.ts';
import { scansProgram } from './machine.ts';
import { AsymmetricTable } from '../src/search/asymmetric-table.ts';
import { topK } from '../test/reference/top-k.ts';
import { bytes, floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

/** Tables of 256 sums per byte, then one look-up a byte. */
function scoresTs(query: Float32Array, codes: Uint8Array): Float32Array {
  const codeBytes = query.length / 8;
  const tables = new Float32Array(codeBytes * 256);
  for (let byte = 0; byte < codeBytes; byte++)
    for (let value = 0; value < 256; value++) {
      let sum = 0;
      for (let bit = 0; bit < 8; bit++) sum += (value >> bit) & 1 ? query[8 * byte + bit]! : -query[8 * byte + bit]!;
      tables[256 * byte + value] = sum;
    }
  const out = new Float32Array(codes.length / codeBytes);
  for (let i = 0, at = 0; i < out.length; i++) {
    let sum = 0;
    for (let table = 0; table < tables.length; table += 256) sum += tables[table + codes[at++]!]!;
    out[i] = sum;
  }
  return out;
}

for (const codeBytes of [16, 32, 128])
  for (const count of [1_000, 100_000]) {
    const codes = bytes(count * codeBytes, 1);
    const query = floats(8 * codeBytes, 2).map((value) => Math.round(50 * value));
    const table = new AsymmetricTable(kernels, codeBytes);
    table.add(codes);
    deepEqual(table.scores(query), scoresTs(query, codes));
    const { indices, scores } = table.top(query, 10);
    deepEqual({ indices: [...indices], scores: [...scores] }, topK(scoresTs(query, codes), 10));

    const bench = new Bench({ name: `${count} codes x ${codeBytes} B`, time: 300 });
    bench.add('top 10', () => void table.top(query, 10));
    bench.add('every score', () => void table.scores(query));
    bench.add('ts', () => void scoresTs(query, codes));
    await bench.run();
    report(bench, { unit: 'codes', perRun: count });
  }

{
  const [count, dims, k] = [1_000_000, 512, 10];
  const rows = bytes((count * dims) / 8, 1);
  const query = floats(dims, 2);
  const table = new AsymmetricTable(kernels, dims / 8);
  table.add(rows);
  const bench = new Bench({ name: `${count} codes x ${dims / 8} B`, time: 1500 });
  bench.add('top 10', () => void table.top(query, k));
  bench.add('every score', () => void table.scores(query));
  await withFiles({ kind: 'asymmetric', rows, query, count, dims, k }, async (args) => {
    const program = await scansProgram();
    const c = program === undefined ? undefined : await External.start([program], args);
    const found = [...table.top(query, k).indices];
    deepEqual(found, topK(table.scores(query), k).indices);
    if (c !== undefined) {
      // Sums in another order may swap what is all but equal.
      const { indices } = await c.search();
      deepEqual([...indices].sort(), found.sort());
      bench.add(c.version, () => c.search());
    }
    await bench.run();
    c?.close();
  });
  report(bench, { unit: 'codes', perRun: count, bytes: (count * dims) / 8 });
}
