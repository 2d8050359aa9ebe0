/**
 * Area average to the working image, and luma: WASM kernels against plain TypeScript.
 *
 *     npm run bench -- resize
 *
 * One row per size. Checks first that both sides agree.
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { workingSize } from '../src/image/image.ts';
import { Pixels } from '../src/image/pixels.ts';
import { bytes, kernels } from '../test/support.ts';
import { report } from './report.ts';

/** The best plain loop we know: rows first into f64 column sums (exact: below 2^53), then columns. */
function areaTs(source: Uint8Array, width: number, height: number, outWidth: number, outHeight: number): Uint8Array {
  const out = new Uint8Array(3 * outWidth * outHeight);
  const sums = new Float64Array(3 * width);
  for (let row = 0; row < outHeight; row++) {
    const top = row * height;
    const bottom = top + height;
    sums.fill(0);
    for (let y = Math.floor(top / outHeight); y * outHeight < bottom; y++) {
      const weight = Math.min((y + 1) * outHeight, bottom) - Math.max(y * outHeight, top);
      const at = 3 * y * width;
      for (let i = 0; i < sums.length; i++) sums[i]! += weight * source[at + i]!;
    }
    for (let column = 0; column < outWidth; column++) {
      const left = column * width;
      const right = left + width;
      let r = 0;
      let g = 0;
      let b = 0;
      for (let x = Math.floor(left / outWidth); x * outWidth < right; x++) {
        const weight = Math.min((x + 1) * outWidth, right) - Math.max(x * outWidth, left);
        r += weight * sums[3 * x]!;
        g += weight * sums[3 * x + 1]!;
        b += weight * sums[3 * x + 2]!;
      }
      const to = 3 * (row * outWidth + column);
      out[to] = Math.floor(r / (width * height) + 0.5);
      out[to + 1] = Math.floor(g / (width * height) + 0.5);
      out[to + 2] = Math.floor(b / (width * height) + 0.5);
    }
  }
  return out;
}

function lumaTs(rgb: Uint8Array): Uint8Array {
  const out = new Uint8Array(rgb.length / 3);
  for (let i = 0, at = 0; i < out.length; i++, at += 3)
    out[i] = 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]! + 0.5;
  return out;
}

const pixels = new Pixels(kernels);
for (const [width, height] of [
  [1024, 768],
  [4000, 3000],
] as const) {
  const image = { width, height, data: bytes(3 * width * height, 1) };
  const to = workingSize(width, height);
  deepEqual(pixels.resizeArea(image, to.width, to.height).data, areaTs(image.data, width, height, to.width, to.height));

  const bench = new Bench({ name: `${width} x ${height} to ${to.width} x ${to.height}`, time: 300 });
  bench.add('wasm', () => void pixels.resizeArea(image, to.width, to.height));
  bench.add('ts', () => void areaTs(image.data, width, height, to.width, to.height));
  await bench.run();
  report(bench, { unit: 'pixels', perRun: width * height });
}

const image = { width: 512, height: 384, data: bytes(3 * 512 * 384, 2) };
deepEqual(pixels.luma(image).data, lumaTs(image.data));
const bench = new Bench({ name: 'luma of 512 x 384', time: 300 });
bench.add('wasm', () => void pixels.luma(image));
bench.add('ts', () => void lumaTs(image.data));
await bench.run();
report(bench, { unit: 'pixels', perRun: 512 * 384 });
