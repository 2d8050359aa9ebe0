/**
 * Sign packing: WASM kernel against the function the host uses for lists that lie there anyway.
 *
 *     npm run bench -- pack-signs
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

for (const count of [1_024, 1_000_000]) {
  const values = floats(count, 1);
  const instance = instantiateKernels(kernels);
  const at = layOut(instance, { values: 4 * count, out: count / 8 });
  const { buffer } = instance.memory;
  new Float32Array(buffer, at.values, count).set(values);
  instance.packSigns(at.values, count, at.out);
  deepEqual(new Uint8Array(buffer, at.out, count / 8).slice(), packSigns(values));

  const bench = new Bench({ name: `${count} numbers`, time: 300 });
  bench.add('wasm', () => instance.packSigns(at.values, count, at.out));
  bench.add('ts', () => void packSigns(values));
  await bench.run();
  report(bench, { unit: 'numbers', perRun: count });
}
