import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { topK } from './reference/top-k.ts';
import { builds, floats } from './support.ts';

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`topK, ${build}`);

  const run = (values: Float32Array, k: number): { indices: number[]; scores: number[] } => {
    const kernels = instantiateKernels(module);
    const at = layOut(kernels, { values: values.byteLength, scores: 4 * k, indices: 4 * k });
    const { buffer } = kernels.memory;
    new Float32Array(buffer, at.values, values.length).set(values);
    const found = kernels.topK(at.values, values.length, k, at.scores, at.indices);
    return {
      indices: [...new Uint32Array(buffer, at.indices, found)],
      scores: [...new Float32Array(buffer, at.scores, found)],
    };
  };

  test('known answers', () => {
    assert.equal(run(Float32Array.of(1, 3, 3, 2), 3), { indices: [1, 2, 3], scores: [3, 3, 2] });
    assert.equal(run(Float32Array.of(NaN, -Infinity, NaN), 2), { indices: [1], scores: [-Infinity] });
    assert.equal(run(new Float32Array(0), 2), { indices: [], scores: [] });
  });

  test('equals the definition at every length', () => {
    for (let count = 0; count <= 40; count++)
      for (const k of [1, 2, 3, 7, 40, 100]) {
        const values = floats(count, count).map((value) => Math.round(4 * value));
        assert.equal(run(values, k), topK(values, k), `${count} values, k = ${k}`);
      }
  });

  test('any numbers, NaN and ties among them', () => {
    const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(NaN, Infinity, -Infinity));
    fc.assert(
      fc.property(fc.array(number, { maxLength: 64 }), fc.integer({ min: 1, max: 20 }), (numbers, k) => {
        assert.equal(run(Float32Array.from(numbers), k), topK(numbers, k));
      }),
      { seed: 42 },
    );
  });

  test.run();
}
