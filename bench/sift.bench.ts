/**
 * Local features of one image: kernels against plain TypeScript.
 *
 *     npm run bench -- sift
 *
 * Blur alone, against tuned loops over Float32Array; whole SIFT, against the definition of the tests, which is plain
 * loops over Float64Array with gradients computed once a plane, but not tuned further; dense SIFT alone, in
 * descriptors per second. Checks first that both sides agree.
 */
import { ok } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { DenseSift } from '../src/features/dense-sift.ts';
import { Sift } from '../src/features/sift.ts';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { reduce, sift } from '../test/reference/sift.ts';
import { floats, kernels as module } from '../test/support.ts';
import { texture } from '../test/textures.ts';
import { report } from './report.ts';

/** The best plain loop we know: both directions walk along rows, the inner loop without a branch. */
function blurTs(
  source: Float32Array,
  out: Float32Array,
  width: number,
  height: number,
  weights: Float32Array,
  row: Float32Array,
): void {
  const radius = weights.length - 1;
  for (let y = 0; y < height; y++) {
    const middle = weights[0]!;
    for (let x = 0; x < width; x++) row[radius + x] = middle * source[y * width + x]!;
    for (let i = 1; i <= radius; i++) {
      const weight = weights[i]!;
      const above = Math.max(0, y - i) * width;
      const below = Math.min(height - 1, y + i) * width;
      for (let x = 0; x < width; x++) row[radius + x]! += weight * (source[above + x]! + source[below + x]!);
    }
    row.fill(row[radius]!, 0, radius);
    row.fill(row[radius + width - 1]!, radius + width);
    for (let x = 0; x < width; x++) {
      let sum = middle * row[radius + x]!;
      for (let i = 1; i <= radius; i++) sum += weights[i]! * (row[radius + x - i]! + row[radius + x + i]!);
      out[y * width + x] = sum;
    }
  }
}

const [width, height] = [320, 240];
for (const [sigma, radius] of [
  [1.2, 4],
  [3.1, 10],
] as const) {
  const kernels = instantiateKernels(module);
  const planeBytes = 4 * width * height;
  const at = layOut(kernels, { source: planeBytes, out: planeBytes, weights: 64, row: 4 * (width + 2 * radius) });
  const { buffer } = kernels.memory;
  const source = floats(width * height, 1);
  new Float32Array(buffer, at.source, source.length).set(source);
  kernels.gaussianWeights(sigma, radius, at.weights);
  const weights = new Float32Array(buffer, at.weights, radius + 1).slice();
  const [out, row] = [new Float32Array(source.length), new Float32Array(width + 2 * radius)];
  const wasm = (): void => kernels.gaussianBlur(at.source, at.out, width, height, width, at.weights, radius, at.row);
  wasm();
  blurTs(source, out, width, height, weights, row);
  const fast = new Float32Array(buffer, at.out, source.length);
  ok(out.every((value, i) => Math.abs(value - fast[i]!) < 1e-5));

  const bench = new Bench({ name: `blur ${width} x ${height}, radius ${radius}`, time: 300 });
  bench.add('wasm', wasm);
  bench.add('ts', () => blurTs(source, out, width, height, weights, row));
  await bench.run();
  report(bench, { unit: 'pixels', perRun: width * height });
}

for (const [w, h] of [
  [256, 192],
  [320, 240],
] as const) {
  const luma = texture(w, h, 1);
  const fast = new Sift(module, { doubleBelow: 0 });
  const slow = (): number => sift(reduce(luma.data, w, h, w, h), { contrast: 0.04, camera: 0.5 }).slice(0, 500).length;
  const { count } = fast.describe(luma);
  ok(Math.abs(count - slow()) <= 0.02 * count);

  const bench = new Bench({ name: `SIFT ${w} x ${h}, ${count} features`, time: 300 });
  bench.add('wasm', () => void fast.describe(luma));
  bench.add('ts', () => void slow());
  await bench.run();
  report(bench, { unit: 'pixels', perRun: w * h });

  const dense = new DenseSift(module);
  const grid = dense.describe(luma).count;
  const alone = new Bench({ name: `dense SIFT ${w} x ${h}, ${grid} features`, time: 300 });
  alone.add('wasm', () => void dense.describe(luma));
  await alone.run();
  report(alone, { unit: 'features', perRun: grid });
}
