/**
 * The ten best of many scores: WASM kernel against a short sorted list in TypeScript.
 *
 *     npm run bench -- top-k
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

const K = 10;

function topKTs(values: Float32Array, k: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const score = values[i]!;
    if (best.length === k && score <= values[best[k - 1]!]!) continue;
    let place = best.length;
    while (place > 0 && values[best[place - 1]!]! < score) place--;
    best.splice(place, 0, i);
    if (best.length > k) best.pop();
  }
  return best;
}

for (const count of [1_000, 1_000_000]) {
  const values = floats(count, 1);
  const instance = instantiateKernels(kernels);
  const at = layOut(instance, { values: 4 * count, scores: 4 * K, indices: 4 * K });
  const { buffer } = instance.memory;
  new Float32Array(buffer, at.values, count).set(values);
  const found = instance.topK(at.values, count, K, at.scores, at.indices);
  deepEqual([...new Uint32Array(buffer, at.indices, found)], topKTs(values, K));

  const bench = new Bench({ name: `${K} of ${count}`, time: 300 });
  bench.add('wasm', () => void instance.topK(at.values, count, K, at.scores, at.indices));
  bench.add('ts', () => void topKTs(values, K));
  await bench.run();
  report(bench, { unit: 'scores', perRun: count });
}
