/**
 * Logistic keystream: the kernel on one block, the whole face on one chunk, and the same lanes in TypeScript.
 *
 *     npm run bench -- logistic
 */
import { deepEqual } from 'node:assert/strict';
import { Bench } from './harness.ts';
import { LogisticStream } from '../src/crypto/logistic-stream.ts';
import { instantiateKernels, layOut } from '../src/wasm/kernels.ts';
import { seedOf, startOf } from '../test/reference/logistic.ts';
import { bytes, kernels } from '../test/support.ts';
import { report } from './report.ts';

const BLOCK_BYTES = 65536;

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);

/** One block in place, 32-bit words at a time. */
function xorTs(seed: Uint8Array, data: Uint32Array): void {
  const lanes = Array.from({ length: 8 }, (_, lane) => startOf(seed, lane));
  lanes.forEach(({ mu, x }, lane) => {
    for (let i = 0; i < 256; i++) x = mu * x * (1 - x);
    for (let at = lane; at < data.length; at += 8) {
      x = mu * x * (1 - x);
      bits[0] = x;
      data[at]! ^= words[0]!;
    }
  });
}

const key = bytes(32, 1);
const seed = seedOf(key, 0);
const data = bytes(BLOCK_BYTES, 2);
const instance = instantiateKernels(kernels);
const at = layOut(instance, { seed: 128, data: BLOCK_BYTES });
new Uint8Array(instance.memory.buffer, at.seed, 128).set(seed);
new Uint8Array(instance.memory.buffer, at.data, BLOCK_BYTES).set(data);
const stream = new LogisticStream(kernels);
const expected = data.slice();
xorTs(seed, new Uint32Array(expected.buffer));
instance.logisticXor(at.seed, at.data, BLOCK_BYTES);
deepEqual(new Uint8Array(instance.memory.buffer, at.data, BLOCK_BYTES).slice(), expected);
deepEqual(stream.xor(key, data), expected);

const scratch = new Uint32Array(data.slice().buffer);
const bench = new Bench({ name: `${BLOCK_BYTES} B`, time: 300 });
bench.add('wasm', () => instance.logisticXor(at.seed, at.data, BLOCK_BYTES));
bench.add('face', () => void stream.xor(key, data));
bench.add('ts', () => xorTs(seed, scratch));
await bench.run();
report(bench, { unit: 'B', perRun: BLOCK_BYTES });
