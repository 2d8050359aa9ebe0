/**
 * Inner products with the ten largest: WASM kernel against the same loop in TypeScript.
 *
 *     npm run bench -- inner-product
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { VectorTable } from '../src/search/vector-table.ts';
import { topK } from '../test/reference/top-k.ts';
import { floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

/** Four sums at a time, so that additions do not wait for each other. */
function productsTs(query: Float32Array, rows: Float32Array, out: Float32Array): Float32Array {
  const dims = query.length;
  for (let i = 0, at = 0; i < out.length; i++, at += dims) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let j = 0; j < dims; j += 4) {
      a += query[j]! * rows[at + j]!;
      b += query[j + 1]! * rows[at + j + 1]!;
      c += query[j + 2]! * rows[at + j + 2]!;
      d += query[j + 3]! * rows[at + j + 3]!;
    }
    out[i] = a + b + (c + d);
  }
  return out;
}

for (const dims of [128, 512])
  for (const count of [1_000, 20_000]) {
    const rows = floats(count * dims, 1).map((value) => Math.round(20 * value));
    const query = floats(dims, 2).map((value) => Math.round(20 * value));
    const table = new VectorTable(kernels, dims);
    table.append(rows);
    const out = new Float32Array(count);
    const { indices, scores } = table.top(query, 10);
    deepEqual({ indices: [...indices], scores: [...scores] }, topK(productsTs(query, rows, out), 10));

    const bench = new Bench({ name: `${count} rows x ${dims} f32`, time: 300 });
    bench.add('wasm', () => void table.top(query, 10));
    bench.add('ts', () => void productsTs(query, rows, out));
    await bench.run();
    report(bench, { unit: 'products', perRun: count * dims });
  }
