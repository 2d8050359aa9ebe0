import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packSigns } from '../src/codes/pack-signs.ts';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import * as reference from './reference/pack-signs.ts';
import { builds, floats } from './support.ts';

const ODD = Float32Array.of(0, -0, NaN, -NaN, Infinity, -Infinity, 1e-45, -1e-45, -1, 1);
const sides: Record<string, (values: Float32Array) => Uint8Array> = { 'on the host': packSigns };
for (const [build, module] of Object.entries(builds))
  sides[build] = (values) => {
    const kernels = instantiateKernels(module);
    const length = Math.ceil(values.length / 8);
    const at = layOut(kernels, { values: values.byteLength, out: length + 1 });
    const { buffer } = kernels.memory;
    new Float32Array(buffer, at.values, values.length).set(values);
    new Uint8Array(buffer, at.out, length + 1).fill(0xaa);
    kernels.packSigns(at.values, values.length, at.out);
    assert.is(new Uint8Array(buffer)[at.out + length], 0xaa, 'wrote behind the end');
    return new Uint8Array(buffer, at.out, length).slice();
  };

for (const [side, pack] of Object.entries(sides)) {
  const test = suite(`packSigns, ${side}`);

  test('known answers: 0 and -0 are positive, NaN is not', () => {
    assert.equal([...pack(Float32Array.of(1, -1, 1))], [0b101]);
    assert.equal([...pack(ODD)], [0b01010011, 0b10]);
    assert.equal([...pack(new Float32Array(0))], []);
  });

  test('equals the definition at every length', () => {
    for (let count = 0; count <= 70; count++) {
      const values = floats(count, count);
      assert.equal([...pack(values)], reference.packSigns(values), `${count} numbers`);
    }
  });

  test.run();
}
