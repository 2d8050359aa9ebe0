/**
 * Scans in one thread and in several that share the tables' memory.
 *
 *     npm run bench -- threads
 *
 * Random rows: the work is that of real ones, but for the bounds of asymmetric scores, which random codes make no better. Checks first that all give the same answer.
 */
import * as assert from 'uvu/assert';
import { availableParallelism } from 'node:os';
import { loadSharedKernels } from '../src/adapters/package-files.ts';
import { ScanThreads } from '../src/adapters/scan-threads.ts';
import { AsymmetricTable } from '../src/search/asymmetric-table.ts';
import { HammingTable } from '../src/search/hamming-table.ts';
import { Int8Table } from '../src/search/int8-table.ts';
import { VectorTable } from '../src/search/vector-table.ts';
import type { KernelSource } from '../src/wasm/scan-team.ts';
import { bytes, floats, kernels } from '../test/support.ts';
import { Bench } from './harness.ts';
import { report } from './report.ts';

const K = 10;
const DIMS = 1730;
const CODE_BYTES = 64;
const MILLION = 1_000_000;
const VECTORS = 100_000;
/** Rows made at a time. */
const PORTION = 10_000;

interface Scanned {
  readonly ask: () => { readonly indices: Uint32Array };
  readonly close: () => void;
}
type Kind = readonly [name: string, count: number, rowBytes: number, make: (source: KernelSource) => Scanned];

const code = bytes(CODE_BYTES, 1);
const weights = floats(8 * CODE_BYTES, 2);
const query = floats(DIMS, 3);

function fill(count: number, add: (seed: number) => void): void {
  for (let first = 0; first < count; first += PORTION) add(first + 10);
}

const kinds: readonly Kind[] = [
  [
    `hamming, ${MILLION} x ${8 * CODE_BYTES} bit`,
    MILLION,
    CODE_BYTES,
    (source) => {
      const table = new HammingTable(source, CODE_BYTES);
      fill(MILLION, (seed) => table.add(bytes(PORTION * CODE_BYTES, seed)));
      return { ask: () => table.nearest(code, K), close: () => table.close() };
    },
  ],
  [
    `asymmetric, ${MILLION} x ${8 * CODE_BYTES} bit`,
    MILLION,
    CODE_BYTES,
    (source) => {
      const table = new AsymmetricTable(source, CODE_BYTES);
      fill(MILLION, (seed) => table.add(bytes(PORTION * CODE_BYTES, seed)));
      return { ask: () => table.top(weights, K), close: () => table.close() };
    },
  ],
  [
    `secure kNN, ${VECTORS} x ${DIMS} f32`,
    VECTORS,
    4 * DIMS,
    (source) => {
      const table = new VectorTable(source, DIMS);
      fill(VECTORS, (seed) => table.append(floats(PORTION * DIMS, seed)));
      return { ask: () => table.top(query, K), close: () => table.close() };
    },
  ],
  [
    `secure kNN, ${VECTORS} x ${DIMS} int8`,
    VECTORS,
    DIMS,
    (source) => {
      const table = new Int8Table(source, DIMS);
      const row = new Int8Array(DIMS + 4);
      fill(VECTORS, (seed) => {
        for (let i = 0; i < PORTION; i++) {
          row.set(new Int8Array(bytes(DIMS, seed + i).buffer));
          new DataView(row.buffer).setFloat32(DIMS, 1, true);
          table.append(row);
        }
      });
      return { ask: () => table.top(query, K), close: () => table.close() };
    },
  ],
];

const cores = availableParallelism();
const counts = [2, 3, 4, 8].filter((count) => count < cores);
if (cores > 1) counts.push(cores);
const teams = await Promise.all(counts.map(async (count) => new ScanThreads(await loadSharedKernels(), count)));
for (const [name, count, rowBytes, make] of kinds) {
  const alone = make(kernels);
  const bench = new Bench({ name: `${name}, top ${K}`, time: 2000 });
  bench.add('one thread', () => void alone.ask());
  const others = teams.map(make);
  for (const [i, other] of others.entries()) {
    assert.equal(other.ask().indices, alone.ask().indices);
    bench.add(`${teams[i]!.size} threads`, () => void other.ask());
  }
  await bench.run();
  report(bench, { unit: 'rows', perRun: count, bytes: count * rowBytes });
  for (const table of [alone, ...others]) table.close();
}
for (const team of teams) await team.close();
