/**
 * Exhaustive Hamming scan with the ten nearest: WASM kernels against the same loop in TypeScript.
 *
 *     npm run bench -- hamming
 *
 * One row per (codeBytes, count) and variant. Reports the median and the codes compared per second;
 * checks first that all sides agree.
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { HammingTable } from '../src/search/hamming-table.ts';
import { bytes, kernels } from '../test/support.ts';
import { report } from './report.ts';

const K = 10;

/** The best plain loop we know: 32-bit words and a bit trick, and a short sorted list of the best. */
function nearestTs(query: Uint32Array, codes: Uint32Array, k: number): { indices: number[]; distances: number[] } {
  const words = query.length;
  const count = codes.length / words;
  const indices: number[] = [];
  const distances: number[] = [];
  let worst = Infinity;
  for (let i = 0, at = 0; i < count; i++) {
    let distance = 0;
    for (let w = 0; w < words; w++, at++) {
      let v = query[w]! ^ codes[at]!;
      v -= (v >>> 1) & 0x55555555;
      v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
      distance += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    if (distance >= worst) continue;
    let place = distances.length;
    while (place > 0 && distances[place - 1]! > distance) place--;
    distances.splice(place, 0, distance);
    indices.splice(place, 0, i);
    if (distances.length > k) {
      distances.pop();
      indices.pop();
    }
    if (distances.length === k) worst = distances[k - 1]!;
  }
  return { indices, distances };
}

for (const codeBytes of [8, 32, 128])
  for (const count of [1_000, 100_000]) {
    const codes = bytes(count * codeBytes, 1);
    const query = bytes(codeBytes, 2);
    const query32 = new Uint32Array(query.buffer);
    const codes32 = new Uint32Array(codes.buffer);
    const expected = nearestTs(query32, codes32, K);
    const bench = new Bench({ name: `${count} codes x ${codeBytes} B, top ${K}`, time: 300 });
    for (const variant of ['simd', 'scalar'] as const) {
      const table = new HammingTable(kernels, codeBytes, variant);
      table.add(codes);
      const { indices, distances } = table.nearest(query, K);
      deepEqual({ indices: [...indices], distances: [...distances] }, expected);
      bench.add(variant, () => void table.nearest(query, K));
    }
    bench.add('ts', () => void nearestTs(query32, codes32, K));
    await bench.run();
    report(bench, { unit: 'codes', perRun: count });
  }
