/** What tests share: compiled kernels, seeded bytes, and values that no parameter may accept. */
import { readFile } from 'node:fs/promises';
import { seededRandom } from '../src/base/random.ts';
import { compileKernels } from '../src/wasm/kernels.ts';

/** The release build. From build/test/support.js, the wasm lies one folder up. */
export const kernels: WebAssembly.Module = await load('kernels.wasm');

/** Release and debug builds: kernels are held against their reference in both. */
export const builds: Record<'release' | 'debug', WebAssembly.Module> = {
  release: kernels,
  debug: await load('kernels.debug.wasm'),
};

async function load(name: string): Promise<WebAssembly.Module> {
  return compileKernels(await readFile(new URL(`../${name}`, import.meta.url)));
}

/** Whether long versions run: `npm run test:long`. */
export const LONG: boolean = process.env['LONG'] === '1';

/** What no byte parameter may accept. */
export const NOT_BYTES: unknown[] = [undefined, null, 0, NaN, '', [1, 2], {}, new ArrayBuffer(8), new Uint32Array(2)];

/** Seeded bytes, so that a failure can be run again. */
export function bytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

/** Seeded numbers in [-1, 1). */
export function floats(length: number, seed: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Float32Array.from({ length }, () => 2 * random() - 1);
}
