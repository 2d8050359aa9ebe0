import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../src/base/random.ts';
import { BitSampler } from '../src/wasm/bit-sampler.ts';
import { gatherBits } from './reference/gather-bits.ts';
import { NOT_BYTES, builds, bytes, kernels } from './support.ts';

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`BitSampler, ${build}`);

  test('known answers', () => {
    const code = Uint8Array.of(0b00000101, 0x80);
    assert.equal([...new BitSampler(module, 2, Uint32Array.of(0, 1, 2, 15, 3, 2), 3).sample(code)], [0b101, 0b101]);
    assert.equal([...new BitSampler(module, 2, Uint32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 15), 9).sample(code)], [0, 1]);
  });

  test('equals the definition at every length', () => {
    const random = seededRandom(1);
    const code = bytes(32, 2);
    for (let sampleBits = 1; sampleBits <= 40; sampleBits++)
      for (const sampleCount of [0, 1, 5]) {
        const positions = Uint32Array.from({ length: sampleCount * sampleBits }, () => Math.floor(256 * random()));
        const sampler = new BitSampler(module, 32, positions, sampleBits);
        assert.equal([...sampler.sample(code)], gatherBits(code, positions, sampleBits), `${sampleBits} bits`);
      }
  });

  test.run();
}

const test = suite('BitSampler');

test('rejects what it cannot use', () => {
  assert.throws(() => new BitSampler(kernels, 2, Uint32Array.of(16), 1), /"positions" expected bits below 16, got 16/);
  assert.throws(() => new BitSampler(kernels, 2, Uint32Array.of(1), 2), /"positions" expected multiple of 2/);
  assert.throws(() => new BitSampler(kernels, 2, [1] as never, 1), /"positions" expected Uint32Array/);
  assert.throws(() => new BitSampler(kernels, 129, Uint32Array.of(1), 1), /"codeBytes" expected integer/);
  assert.throws(() => new BitSampler(kernels, 2, Uint32Array.of(1), 0), /"sampleBits" expected integer/);
  const sampler = new BitSampler(kernels, 2, Uint32Array.of(1), 1);
  for (const bad of NOT_BYTES)
    assert.throws(
      () => sampler.sample(bad as Uint8Array),
      (error: Error) => error instanceof TypeError,
    );
  assert.throws(() => sampler.sample(new Uint8Array(3)), /"code" expected 2 bytes, got 3/);
});

test.run();
