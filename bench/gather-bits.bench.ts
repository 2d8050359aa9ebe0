/**
 * The LSH samples of one code (32 tables): WASM kernel against plain TypeScript.
 *
 *     npm run bench -- gather-bits
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { seededRandom } from '../src/base/random.ts';
import { BitSampler } from '../src/wasm/bit-sampler.ts';
import { bytes, kernels } from '../test/support.ts';
import { report } from './report.ts';

const TABLES = 32;

function sampleTs(code: Uint8Array, positions: Uint32Array, sampleBits: number): Uint8Array {
  const sampleBytes = Math.ceil(sampleBits / 8);
  const out = new Uint8Array((positions.length / sampleBits) * sampleBytes);
  for (let at = 0, to = 0; at < positions.length; at += sampleBits, to += sampleBytes)
    for (let i = 0; i < sampleBits; i++) {
      const position = positions[at + i]!;
      out[to + (i >> 3)]! |= ((code[position >> 3]! >> (position & 7)) & 1) << (i & 7);
    }
  return out;
}

for (const sampleBits of [12, 24]) {
  const random = seededRandom(1);
  const positions = Uint32Array.from({ length: TABLES * sampleBits }, () => Math.floor(512 * random()));
  const code = bytes(64, 2);
  const sampler = new BitSampler(kernels, 64, positions, sampleBits);
  deepEqual(sampler.sample(code), sampleTs(code, positions, sampleBits));

  const bench = new Bench({ name: `${TABLES} x ${sampleBits} bits`, time: 300 });
  bench.add('wasm', () => void sampler.sample(code));
  bench.add('ts', () => void sampleTs(code, positions, sampleBits));
  await bench.run();
  report(bench, { unit: 'bits', perRun: positions.length });
}
