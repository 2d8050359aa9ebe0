/**
 * Matrix products, f32 and f64, copies in and out included: WASM kernels against a loop over rows in TypeScript.
 *
 *     npm run bench -- matmul
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { instantiateKernels } from '../src/wasm/kernels.ts';
import { multiplyF32, multiplyF64, multiplyTransposedF32, multiplyVectorF64, reflectF64 } from '../src/wasm/matrix.ts';
import { floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

const instance = instantiateKernels(kernels);

/** Row by row, so that both inner reads are in order. */
function multiplyTs(a: Float32Array, b: Float32Array, size: number, c: Float32Array): Float32Array {
  c.fill(0);
  for (let i = 0; i < size; i++)
    for (let p = 0; p < size; p++) {
      const factor = a[i * size + p]!;
      for (let j = 0, to = i * size, from = p * size; j < size; j++) c[to++]! += factor * b[from++]!;
    }
  return c;
}

/** The same in f64, as a function of its own: one function for both types would run slower in either. */
function multiplyWideTs(a: Float64Array, b: Float64Array, size: number, c: Float64Array): Float64Array {
  c.fill(0);
  for (let i = 0; i < size; i++)
    for (let p = 0; p < size; p++) {
      const factor = a[i * size + p]!;
      for (let j = 0, to = i * size, from = p * size; j < size; j++) c[to++]! += factor * b[from++]!;
    }
  return c;
}

function transposeTs(a: Float32Array, size: number): Float32Array {
  return a.map((_, i) => a[(i % size) * size + Math.floor(i / size)]!);
}

for (const size of [128, 512]) {
  // Small integers: every order of addition gives the same sums.
  const a = floats(size * size, 1).map((value) => Math.round(8 * value));
  const b = floats(size * size, 2).map((value) => Math.round(8 * value));
  const mirrored = transposeTs(b, size);
  const c = new Float32Array(size * size);
  const a64 = Float64Array.from(a);
  const b64 = Float64Array.from(b);
  const c64 = new Float64Array(size * size);
  deepEqual(multiplyF32(instance, a, b, size, size, size), multiplyTs(a, b, size, c));
  deepEqual(multiplyTransposedF32(instance, a, mirrored, size, size, size), c);
  deepEqual(multiplyF64(instance, a64, b64, size, size, size), multiplyWideTs(a64, b64, size, c64));

  const narrow = new Bench({ name: `${size} x ${size} f32`, time: 300 });
  narrow.add('A B^T', () => void multiplyTransposedF32(instance, a, mirrored, size, size, size));
  narrow.add('wasm', () => void multiplyF32(instance, a, b, size, size, size));
  narrow.add('ts', () => void multiplyTs(a, b, size, c));
  await narrow.run();
  report(narrow, { unit: 'flop', perRun: 2 * size ** 3 });

  const wide = new Bench({ name: `${size} x ${size} f64`, time: 300 });
  wide.add('wasm', () => void multiplyF64(instance, a64, b64, size, size, size));
  wide.add('ts', () => void multiplyWideTs(a64, b64, size, c64));
  await wide.run();
  report(wide, { unit: 'flop', perRun: 2 * size ** 3 });
}

/** One reflection after another, as `reflectF64` does. */
function reflectTs(matrix: Float64Array, size: number, vectors: Float64Array): Float64Array {
  const out = matrix.slice();
  const sums = new Float64Array(size);
  for (let at = 0; at < vectors.length; at += size) {
    const v = vectors.subarray(at, at + size);
    const squares = v.reduce((sum, value) => sum + value * value, 0);
    sums.fill(0);
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sums[j]! += v[i]! * out[i * size + j]!;
    for (let i = 0; i < size; i++)
      for (let j = 0, factor = (-2 / squares) * v[i]!; j < size; j++) out[i * size + j]! += factor * sums[j]!;
  }
  return out;
}

{
  const size = 289;
  const count = 16;
  const matrix = Float64Array.from(floats(size * size, 3));
  const vectors = Float64Array.from(floats(count * size, 4));
  deepEqual(reflectF64(instance, matrix, size, size, vectors), reflectTs(matrix, size, vectors));
  const bench = new Bench({ name: `${count} reflections of ${size} x ${size} f64`, time: 300 });
  bench.add('wasm', () => void reflectF64(instance, matrix, size, size, vectors));
  bench.add('ts', () => void reflectTs(matrix, size, vectors));
  await bench.run();
  report(bench, { unit: 'flop', perRun: 4 * count * size * size });
}

/** A matrix times a vector. */
function multiplyVectorTs(matrix: Float64Array, x: Float64Array, out: Float64Array): Float64Array {
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0;
    for (let j = 0; j < x.length; j++) sum += matrix[at++]! * x[j]!;
    out[row] = sum;
  }
  return out;
}

{
  const size = 289;
  const matrix = Float64Array.from(floats(size * size, 5), (value) => Math.round(8 * value));
  const x = Float64Array.from(floats(size, 6), (value) => Math.round(8 * value));
  const out = new Float64Array(size);
  deepEqual(multiplyVectorF64(instance, matrix, x, size, size), multiplyVectorTs(matrix, x, out));
  const bench = new Bench({ name: `${size} x ${size} f64 by a vector, matrix copied in`, time: 300 });
  bench.add('wasm', () => void multiplyVectorF64(instance, matrix, x, size, size));
  bench.add('ts', () => void multiplyVectorTs(matrix, x, out));
  await bench.run();
  report(bench, { unit: 'flop', perRun: 2 * size * size });
}
