import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { seededRandom } from '../src/base/random.ts';
import { LogisticStream } from '../src/crypto/logistic-stream.ts';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { blockStream, keystream, startOf, step } from './reference/logistic.ts';
import { LONG, NOT_BYTES, builds, bytes, kernels } from './support.ts';

interface Vectors {
  streams: { key: string; offset: number; stream: string }[];
  digests: { key: string; offset: number; length: number; sha256: string }[];
}

// From build/test, the sources lie two folders up.
const VECTORS = new URL('../../test/vectors/logistic.json', import.meta.url);
const { streams, digests } = JSON.parse(await readFile(VECTORS, 'utf8')) as Vectors;

for (const [build, module] of Object.entries(builds)) {
  const test = suite(`LogisticStream, ${build}`);
  const stream = new LogisticStream(module);

  test('known answers, computed outside', () => {
    for (const { key, offset, stream: expected } of streams)
      assert.is(toHex(stream.xor(fromHex(key)!, new Uint8Array(expected.length / 2), offset)), expected);
    for (const { key, offset, length, sha256 } of digests) {
      const got = stream.xor(fromHex(key)!, new Uint8Array(length), offset);
      assert.is(createHash('sha256').update(got).digest('hex'), sha256);
    }
  });

  test('the kernel equals the definition at every tail, and writes nothing behind the end', () => {
    const instance = instantiateKernels(module);
    const at = layOut(instance, { seed: 128, data: 65536 + 16 });
    const seed = bytes(128, 1);
    const data = bytes(65536, 2);
    const expected = blockStream(seed, 65536).map((byte, i) => byte ^ data[i]!);
    const lengths = Array.from({ length: 65 }, (_, i) => i);
    for (const count of [...lengths, 65503, 65504, 65505, 65535, 65536]) {
      const { buffer } = instance.memory;
      new Uint8Array(buffer, at.seed, 128).set(seed);
      const view = new Uint8Array(buffer, at.data, count + 16);
      view.fill(0x55);
      view.set(data.subarray(0, count));
      instance.logisticXor(at.seed, at.data, count);
      assert.equal(view.slice(0, count), expected.slice(0, count), `${count} bytes`);
      assert.ok(
        view.subarray(count).every((byte) => byte === 0x55),
        `${count} bytes`,
      );
    }
  });

  test('seeds at the ends of their range', () => {
    const instance = instantiateKernels(module);
    const at = layOut(instance, { seed: 128, data: 256 });
    for (const fill of [0, 0xff]) {
      new Uint8Array(instance.memory.buffer, at.seed, 128).fill(fill);
      const view = new Uint8Array(instance.memory.buffer, at.data, 256).fill(0);
      instance.logisticXor(at.seed, at.data, 256);
      assert.equal(view.slice(), blockStream(new Uint8Array(128).fill(fill), 256));
    }
  });

  test.run();
}

const test = suite('LogisticStream');
const stream = new LogisticStream(kernels);
const key = bytes(32, 3);

test('the definition equals the answers computed outside', () => {
  for (const { key, offset, stream: expected } of streams)
    assert.is(toHex(keystream(fromHex(key)!, offset, expected.length / 2)), expected);
});

test('any cut of the stream equals the whole', () => {
  const whole = stream.xor(key, new Uint8Array(200_000));
  const offset = fc.integer({ min: 0, max: 200_000 });
  fc.assert(
    fc.property(offset, offset, (a, b) => {
      const [from, to] = a < b ? [a, b] : [b, a];
      const part = stream.xor(key, new Uint8Array(to - from), from);
      assert.ok(Buffer.compare(part, whole.subarray(from, to)) === 0, `${from}..${to}`);
    }),
    { seed: 42, numRuns: 50 },
  );
});

test('is its own inverse, and does not change its input', () => {
  const data = bytes(70_000, 4);
  const before = data.slice();
  const hidden = stream.xor(key, data, 123);
  assert.equal(data, before);
  assert.equal(stream.xor(key, hidden, 123), data);
});

// 10^4 seeds; LONG=1 takes 10^6.
test('no lane repeats within 128 steps', () => {
  const random = seededRandom(5);
  const word = new Uint32Array(32);
  const seed = new Uint8Array(word.buffer);
  const orbit = new Float64Array(128);
  const seeds = LONG ? 1_000_000 : 10_000;
  for (let n = 0; n < seeds; n++) {
    for (let i = 0; i < 32; i++) word[i] = random() * 2 ** 32;
    for (let l = 0; l < 8; l++) {
      const lane = startOf(seed, l);
      for (let i = 0; i < 256; i++) step(lane);
      for (let i = 0; i < 128; i++) orbit[i] = step(lane);
      // Once an orbit repeats it repeats for ever: then its last number stands before, too.
      assert.is(orbit.indexOf(orbit[127]!), 127, `seed ${n} of seededRandom(5), lane ${l}`);
    }
  }
});

test('rejects what it cannot use', () => {
  for (const bad of NOT_BYTES) {
    assert.throws(
      () => stream.xor(bad as Uint8Array, key),
      (error: Error) => error instanceof TypeError,
    );
    assert.throws(
      () => stream.xor(key, bad as Uint8Array),
      (error: Error) => error instanceof TypeError,
    );
  }
  assert.throws(() => stream.xor(new Uint8Array(31), key), /"key" expected 32 bytes, got 31/);
  for (const offset of [-1, 0.5, NaN, 2 ** 53]) assert.throws(() => stream.xor(key, key, offset), /"offset" expected/);
});

test.run();
