/**
 * The scans beside other libraries, and beside C, on equal work: the same rows, the same query, k = 10, one thread each.
 *
 *     npm run bench -- peers          what is installed of bench/peers
 *     COUNT=100000 npm run bench -- peers
 *
 * Rows are random, as ciphertext is; f32 rows have length 1, so that inner product and L2 order alike. An exact side must give the ten rows that we give; of
 * an approximate one the recall is reported; HNSW is built up to 20,000 rows only, since more take it minutes.
 */
import * as assert from 'uvu/assert';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AsymmetricTable } from '../src/search/asymmetric-table.ts';
import { HammingTable } from '../src/search/hamming-table.ts';
import { VectorTable } from '../src/search/vector-table.ts';
import { bytes, floats, kernels } from '../test/support.ts';
import { External, withFiles, type Task } from './external.ts';
import { Bench } from './harness.ts';
import { scansProgram } from './machine.ts';
import { report } from './report.ts';

const K = 10;
const COUNT = Number(process.env['COUNT'] ?? 1_000_000);
const FOLDER = join(import.meta.dirname, '..', '..', 'bench', 'peers');
/** Sides whose answer is approximate. */
const APPROXIMATE = /HNSW/;
/** Share of the true nearest below which an exact side has done other work: sums in another order may swap what is all but equal. */
const EXACT = 0.9;

async function startAll(args: readonly string[]): Promise<External[]> {
  const program = await scansProgram();
  const commands = program === undefined ? [] : [[program]];
  for (const file of (await readdir(FOLDER)).sort()) {
    if (file.endsWith('.js') && file !== 'serve.js') commands.push([process.execPath, join(FOLDER, file)]);
    // Debian's Python, which has Debian's packages.
    if (file.endsWith('.py')) commands.push(['/usr/bin/python3', join(FOLDER, file)]);
  }
  const started: External[] = [];
  for (const command of commands) {
    const side = await External.start(command, args);
    if (side !== undefined) started.push(side);
  }
  return started;
}

async function race(task: Task, rowBytes: number, nearest: () => Uint32Array): Promise<void> {
  await withFiles(task, async (args) => {
    const others = await startAll(args);
    const expected = [...nearest()];
    const recall: Record<string, number> = {};
    const unit = task.kind === 'inner-product' ? 'f32' : 'bit';
    const bench = new Bench({
      name: `${task.kind}, ${task.count} x ${task.dims} ${unit}, top ${K}`,
      time: 400,
    });
    bench.add('blindsight', () => void nearest());
    for (const other of others) {
      const { indices } = await other.search();
      const share = expected.filter((index) => indices.includes(index)).length / K;
      if (APPROXIMATE.test(other.version)) recall[other.version] = share;
      else assert.ok(share >= EXACT, `${other.version} found ${share} of the nearest`);
      bench.add(other.version, () => other.search());
    }
    await bench.run();
    for (const other of others) other.close();
    report(bench, { unit: 'rows', perRun: task.count, bytes: task.count * rowBytes, recall });
  });
}

for (const dims of [256, 512]) {
  const count = COUNT;
  const rows = bytes((count * dims) / 8, 1);
  const query = bytes(dims / 8, 2);
  const table = new HammingTable(kernels, dims / 8);
  table.add(rows);
  await race({ kind: 'hamming', rows, query, count, dims, k: K }, dims / 8, () => table.nearest(query, K).indices);
}
{
  const [count, dims] = [COUNT, 512];
  const rows = bytes((count * dims) / 8, 1);
  const query = floats(dims, 2);
  const table = new AsymmetricTable(kernels, dims / 8);
  table.add(rows);
  await race({ kind: 'asymmetric', rows, query, count, dims, k: K }, dims / 8, () => table.top(query, K).indices);
}
for (const count of [COUNT / 50, COUNT / 10]) {
  const dims = 512;
  const rows = floats(count * dims, 1);
  for (let at = 0; at < rows.length; at += dims) {
    const row = rows.subarray(at, at + dims);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    row.forEach((value, i) => (row[i] = value / length));
  }
  const query = floats(dims, 2);
  const table = new VectorTable(kernels, dims);
  table.append(rows);
  await race({ kind: 'inner-product', rows, query, count, dims, k: K }, 4 * dims, () => table.top(query, K).indices);
}
