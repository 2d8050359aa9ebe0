/**
 * Secure kNN: encrypting one code, by the WASM kernel against the same reflections in TypeScript.
 *
 *     npm run bench -- secure-knn
 *
 * One row per (bits, codes at a time). Checks first that both sides agree; then times key expansion, sealing and trapdoors.
 */
import * as assert from 'uvu/assert';
import { Bench } from './harness.ts';
import { Reflections, reflectionWords } from '../src/crypto/reflections.ts';
import { SecureKnn } from '../src/crypto/secure-knn.ts';
import { bytes, floats, kernels } from '../test/support.ts';
import { report } from './report.ts';

/** The best plain loop we know: four sums at a time. */
function reflectTs(vectors: Float64Array, rows: Float64Array, count: number, side: number): void {
  for (let k = side, at = 0; k >= 2; at += k, k--)
    for (let row = 0; row < count; row++) {
      const start = row * side + side - k;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      let i = 0;
      for (; i + 4 <= k; i += 4) {
        a += vectors[at + i]! * rows[start + i]!;
        b += vectors[at + i + 1]! * rows[start + i + 1]!;
        c += vectors[at + i + 2]! * rows[start + i + 2]!;
        d += vectors[at + i + 3]! * rows[start + i + 3]!;
      }
      for (; i < k; i++) a += vectors[at + i]! * rows[start + i]!;
      const product = a + b + (c + d);
      for (let j = 0; j < k; j++) rows[start + j]! -= product * vectors[at + j]!;
    }
}

/** The vectors that `reflections.ts` describes. */
function vectorsTs(words: Uint32Array, side: number): Float64Array {
  const out = Float64Array.from(words, (word) => (2 * word + 1) * 2 ** -32 - 1);
  for (let k = side, at = 0; k >= 2; at += k, k--) {
    const v = out.subarray(at, at + k);
    const norm = Math.sqrt(v.reduce((sum, entry) => sum + entry * entry, 0));
    v[0]! += v[0]! < 0 ? -norm : norm;
    const scale = 1 / Math.sqrt(norm * Math.abs(v[0]!));
    for (let i = 0; i < k; i++) v[i]! *= scale;
  }
  return out;
}

for (const bits of [256, 832])
  for (const count of [1, 16]) {
    const side = bits + 33;
    const words = Uint32Array.from(floats(reflectionWords(side), 1), (x) => (x + 1) * 2 ** 31);
    const vectors = vectorsTs(words, side);
    const reflections = new Reflections(kernels, side, count, ['q'], () => words);
    const start = Float64Array.from(floats(count * side, 2));
    const [a, b] = [start.slice(), start.slice()];
    reflections.apply('q', a, count);
    reflectTs(vectors, b, count, side);
    a.forEach((entry, i) => assert.ok(Math.abs(entry - b[i]!) < 1e-10));

    const bench = new Bench({ name: `${bits} bits, one orthogonal matrix, ${count} at a time`, time: 300 });
    bench.add('wasm', () => void reflections.apply('q', a, count));
    bench.add('ts', () => void reflectTs(vectors, b, count, side));
    await bench.run();
    report(bench, { unit: 'vectors', perRun: count });
  }

for (const bits of [256, 832, 1024]) {
  const options = { key: bytes(32, 1), bits, noise: 2, split: 3 };
  const knn = new SecureKnn(kernels, options);
  const codes = bytes(2 * bits, 2);
  const query = floats(bits, 3);
  const bench = new Bench({ name: `${bits} bits`, time: 300 });
  bench.add('16 codes', () => void knn.sealMany(codes, 16));
  bench.add('trapdoor', () => void knn.trapdoor(query));
  bench.add('key and trapdoor', () => void new SecureKnn(kernels, options).trapdoor(query));
  await bench.run();
  report(bench, { unit: 'runs', perRun: 1 });
}
