/** Planes in f32: the kernels that blur, reduce, halve and double them, held against slow loops. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { blur, double, reduce, type Plane } from './reference/sift.ts';
import { builds, bytes, floats } from './support.ts';

const test = suite('planes');

// Below, at and above the 4 and 16 columns of the kernel's steps.
const SIZES: [width: number, height: number][] = [
  [1, 1],
  [1, 7],
  [3, 2],
  [4, 4],
  [5, 3],
  [15, 9],
  [16, 16],
  [17, 5],
  [37, 21],
];

const strideOf = (width: number): number => Math.ceil(width / 4) * 4;

/** Rows with a stride, the gaps filled with what must not matter. */
function padded({ width, height, data }: Plane): Float32Array {
  const out = new Float32Array(strideOf(width) * height).fill(1e9);
  for (let y = 0; y < height; y++) out.set(data.subarray(y * width, (y + 1) * width), y * strideOf(width));
  return out;
}

function assertNear(out: Float32Array, expected: Plane, tolerance: number, what: string): void {
  const { width, height, data } = expected;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [got, want] = [out[y * strideOf(width) + x]!, data[y * width + x]!];
      assert.ok(Math.abs(got - want) <= tolerance, `${what}: (${x}, ${y}) expected ${want}, got ${got}`);
    }
}

const random = (width: number, height: number): Plane => ({
  width,
  height,
  data: Float64Array.from(floats(width * height, width + 100 * height)),
});

for (const [build, module] of Object.entries(builds)) {
  const kernels = instantiateKernels(module);

  test(`${build}: weights are those of a Gaussian, and their sum is 1`, () => {
    const at = layOut(kernels, { weights: 4 * 17 });
    for (const [sigma, radius] of [
      [0.3, 1],
      [1, 3],
      [1.5198684, 5],
      [3.0901, 10],
      [5, 16],
    ] as const) {
      kernels.gaussianWeights(sigma, radius, at.weights);
      const weights = new Float32Array(kernels.memory.buffer, at.weights, radius + 1);
      const raw = Array.from({ length: radius + 1 }, (_, i) => Math.exp((-i * i) / (2 * sigma * sigma)));
      const sum = 2 * raw.reduce((a, b) => a + b) - 1;
      raw.forEach((value, i) => assert.is(weights[i], Math.fround(value / sum), `sigma ${sigma}, tap ${i}`));
    }
  });

  test(`${build}: blur equals the definition, planes narrower than the kernel included`, () => {
    for (const [width, height] of SIZES)
      for (const [sigma, radius] of [
        [0.5, 1],
        [0.6, 2],
        [1, 3],
        [1.6, 5],
        [3, 10],
      ] as const) {
        const plane = random(width, height);
        const stride = strideOf(width);
        const bytesOf = 4 * stride * height;
        const at = layOut(kernels, {
          source: bytesOf,
          out: bytesOf,
          weights: 64,
          row: 4 * (stride + 2 * radius),
          end: 16,
        });
        const guard = new Uint8Array(kernels.memory.buffer, at.end, 16).fill(7);
        new Float32Array(kernels.memory.buffer, at.source, stride * height).set(padded(plane));
        kernels.gaussianWeights(sigma, radius, at.weights);
        kernels.gaussianBlur(at.source, at.out, width, height, stride, at.weights, radius, at.row);
        const out = new Float32Array(kernels.memory.buffer, at.out, stride * height);
        assertNear(out, blur(plane, sigma, radius), 1e-6, `${width} x ${height}, radius ${radius}`);
        assert.ok(guard.every((byte) => byte === 7));
      }
  });

  test(`${build}: reduction is the mean over the area`, () => {
    for (const [width, height] of SIZES)
      for (const [outWidth, outHeight] of [
        [width, height],
        [Math.ceil(width / 2), Math.ceil(height / 2)],
        [Math.ceil(width / 1.7), Math.ceil(height / 1.7)],
        [1, height],
        [1, 1],
      ] as const) {
        const source = bytes(width * height, width);
        const stride = strideOf(outWidth);
        const at = layOut(kernels, { source: source.length + 16, out: 4 * stride * outHeight, row: 4 * (width + 4) });
        new Uint8Array(kernels.memory.buffer, at.source, source.length).set(source);
        kernels.reduceF32(at.source, width, height, at.out, outWidth, outHeight, stride, at.row);
        const out = new Float32Array(kernels.memory.buffer, at.out, stride * outHeight);
        const what = `${width} x ${height} to ${outWidth} x ${outHeight}`;
        assertNear(out, reduce(source, width, height, outWidth, outHeight), 1e-6, what);
      }
  });

  test(`${build}: doubling is bilinear, halving takes every second pixel`, () => {
    for (const [width, height] of SIZES) {
      const plane = random(width, height);
      const stride = strideOf(width);
      const outStride = strideOf(2 * width);
      const at = layOut(kernels, { source: 4 * stride * height, out: 8 * outStride * height });
      new Float32Array(kernels.memory.buffer, at.source, stride * height).set(padded(plane));
      kernels.doublePlane(at.source, width, height, stride, at.out, outStride);
      const twice = new Float32Array(kernels.memory.buffer, at.out, 2 * outStride * height);
      assertNear(twice, double(plane), 1e-6, `${width} x ${height} doubled`);

      const [w, h] = [(width + 1) >> 1, (height + 1) >> 1];
      kernels.halvePlane(at.source, stride, at.out, w, h, strideOf(w));
      const half = new Float32Array(kernels.memory.buffer, at.out, strideOf(w) * h);
      const every = Float64Array.from(
        { length: w * h },
        (_, i) => plane.data[2 * Math.floor(i / w) * width + 2 * (i % w)]!,
      );
      assertNear(half, { width: w, height: h, data: every }, 1e-6, `${width} x ${height} halved`);
    }
  });

  test(`${build}: gradients have the right length and direction, in every octant and on the axes`, () => {
    const [width, height, stride] = [37, 21, 40];
    const at = layOut(kernels, { plane: 4 * stride * height, length: 4 * stride * height, angle: 4 * stride * height });
    const values = floats(stride * height, 5).map((value, i) => (i % 3 === 0 ? Math.round(2 * value) : value));
    new Float32Array(kernels.memory.buffer, at.plane, values.length).set(values);
    kernels.siftGradient(at.plane, width, height, stride, at.length, at.angle);
    const length = new Float32Array(kernels.memory.buffer, at.length, values.length);
    const angle = new Float32Array(kernels.memory.buffer, at.angle, values.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < stride; x++) {
        const i = y * stride + x;
        if (x === 0 || y === 0 || x >= width - 1 || y === height - 1) {
          assert.is(length[i], 0);
          continue;
        }
        const dx = Math.fround(values[i + 1]! - values[i - 1]!);
        const dy = Math.fround(values[i + stride]! - values[i - stride]!);
        assert.ok(Math.abs(length[i]! - Math.hypot(dx, dy)) < 1e-6);
        assert.ok(angle[i]! >= 0 && angle[i]! < 1);
        const apart = Math.abs(angle[i]! - Math.atan2(dy, dx) / (2 * Math.PI) + 1) % 1;
        assert.ok(Math.min(apart, 1 - apart) < 1e-6, `(${dx}, ${dy}): ${angle[i]}`);
      }
  });
}

test.run();
