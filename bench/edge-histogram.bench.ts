/**
 * Edge histogram with the block side of the standard: WASM kernel against the same sums in TypeScript.
 *
 *     npm run bench -- edge-histogram
 *
 * One row per size; `kernel` is without copying the plane in. Checks first that both sides agree.
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { EdgeHistogram } from '../src/features/edge-histogram.ts';
import { kernels } from '../test/support.ts';
import { scene } from '../test/photos.ts';
import type { Luma } from '../src/image/image.ts';
import { Pixels } from '../src/image/pixels.ts';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { report } from './report.ts';

/** The best plain loop we know: four running sums a block, integers, one pass. */
function describeTs(luma: Uint8Array, width: number, height: number): Float32Array {
  const side = Math.max(2, 2 * Math.floor(Math.sqrt(Math.floor((width * height) / 1100)) / 2));
  const half = side / 2;
  const blocks = new Uint32Array(16);
  const edges = new Uint32Array(80);
  const least = 11 * half * half;
  for (let y = 0; y + side <= height; y += side)
    for (let x = 0; x + side <= width; x += side) {
      let d1 = 0;
      let d2 = 0;
      let d3 = 0;
      let d4 = 0;
      for (let j = 0; j < half; j++) {
        const upper = (y + j) * width + x;
        const lower = upper + half * width;
        for (let i = 0; i < half; i++) {
          d1 += luma[upper + i]!;
          d2 += luma[upper + half + i]!;
          d3 += luma[lower + i]!;
          d4 += luma[lower + half + i]!;
        }
      }
      const strengths = [
        Math.abs(d1 + d3 - d2 - d4),
        Math.abs(d1 + d2 - d3 - d4),
        Math.SQRT2 * Math.abs(d1 - d4),
        Math.SQRT2 * Math.abs(d2 - d3),
        2 * Math.abs(d1 - d2 - d3 + d4),
      ];
      let kind = 0;
      for (let k = 1; k < 5; k++) if (strengths[k]! > strengths[kind]!) kind = k;
      const sub = Math.floor((4 * x) / width) + 4 * Math.floor((4 * y) / height);
      blocks[sub]!++;
      if (strengths[kind]! >= least) edges[5 * sub + kind]!++;
    }
  return Float32Array.from(edges, (count, i) => (count === 0 ? 0 : count / blocks[Math.floor(i / 5)]!));
}

/** The kernel over a plane that lies in its memory already. */
function kernelAlone({ width, height, data }: Luma): () => void {
  const instance = instantiateKernels(kernels);
  const side = Math.max(2, 2 * Math.floor(Math.sqrt(Math.floor((width * height) / 1100)) / 2));
  const at = layOut(instance, {
    luma: data.length,
    sums: 4 * (width + 8 * side + 32),
    halves: 16 * (width / side + 4),
    blocks: 4 * 16,
    edges: 4 * 80,
  });
  new Uint8Array(instance.memory.buffer, at.luma, data.length).set(data);
  return () => instance.edgeHistogram(at.luma, width, height, side, at.sums, at.halves, at.blocks, at.edges);
}

const pixels = new Pixels(kernels);
for (const [width, height] of [
  [512, 384],
  [1024, 768],
] as const) {
  const rgb = scene(width, height).map((value, i) => value ^ ((i * 2654435761) >>> 28));
  const luma = pixels.luma({ width, height, data: rgb });
  const histogram = new EdgeHistogram(kernels);
  deepEqual(histogram.describe(luma), describeTs(luma.data, width, height));

  const bench = new Bench({ name: `${width} x ${height}`, time: 300 });
  bench.add('wasm', () => void histogram.describe(luma));
  bench.add('kernel', kernelAlone(luma));
  bench.add('ts', () => void describeTs(luma.data, width, height));
  await bench.run();
  report(bench, { unit: 'pixels', perRun: width * height });
}
