/**
 * Projection of one descriptor (matrix-vector product) and its signs: WASM kernel against plain TypeScript.
 *
 *     npm run bench -- projection
 */
import { ok } from 'node:assert/strict';
import { Bench } from './harness.ts';
import type { Block } from '../src/codes/block.ts';
import { Projection } from '../src/codes/projection.ts';
import { floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

function projectTs({ bits, dims, mean, matrix, offset }: Block, x: Float32Array): Float32Array {
  const centred = x.map((value, i) => value - mean[i]!);
  const out = new Float32Array(bits);
  for (let row = 0, at = 0; row < bits; row++) {
    let a = -offset[row]!;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let j = 0; j < dims; j += 4, at += 4) {
      a += centred[j]! * matrix[at]!;
      b += centred[j + 1]! * matrix[at + 1]!;
      c += centred[j + 2]! * matrix[at + 2]!;
      d += centred[j + 3]! * matrix[at + 3]!;
    }
    out[row] = a + b + (c + d);
  }
  return out;
}

for (const [dims, bits] of [
  [1024, 256],
  [512, 512],
] as const) {
  const block: Block = {
    feature: 'deep',
    dims,
    bits,
    normalise: false,
    mean: floats(dims, 1),
    matrix: floats(dims * bits, 2),
    offset: floats(bits, 3),
    deviation: new Float32Array(bits),
  };
  const x = floats(dims, 4);
  const projection = new Projection(kernels, block);
  const expected = projectTs(block, x);
  projection.project(x).forEach((value, i) => ok(Math.abs(value - expected[i]!) < 1e-3));

  const bench = new Bench({ name: `${dims} dims -> ${bits} bits`, time: 300 });
  bench.add('bits', () => void projection.binarise(x));
  bench.add('wasm', () => void projection.project(x));
  bench.add('ts', () => void projectTs(block, x));
  await bench.run();
  report(bench, { unit: 'flop', perRun: 2 * dims * bits });
}
