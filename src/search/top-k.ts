/**
 * What a search answers, and the memory it needs for that.
 * @module
 */
import { assertInteger } from '../base/assert.ts';

/** The best rows of a table, best first, ties by the lower index. As long as what was found: at most k. */
export interface TopK {
  readonly indices: Uint32Array<ArrayBuffer>;
  readonly scores: Float32Array<ArrayBuffer>;
}

/** Largest k. */
const MAX_K = 0x7fffffff;

/** Scores in one block of a fused scan, `BLOCK` of `assembly/top-k.ts`. */
const BLOCK = 512;

/** Checks k, and cuts it to the number of rows there are. */
export function clampK(k: number, count: number): number {
  assertInteger(k, 'k', 1, MAX_K);
  return Math.min(k, count);
}

/** Sizes of the regions a fused scan works in. */
export function topRegions(k: number): Record<'block' | 'scores' | 'indices', number> {
  return { block: 4 * BLOCK, scores: 4 * k, indices: 4 * k };
}

/** Copies a result out of WASM memory. */
export function takeTop(memory: WebAssembly.Memory, at: Record<'scores' | 'indices', number>, found: number): TopK {
  return {
    indices: new Uint32Array(memory.buffer, at.indices, found).slice(),
    scores: new Float32Array(memory.buffer, at.scores, found).slice(),
  };
}

/**
 * Checks a list of distinct row numbers. That they are distinct is the caller's word.
 * @throws On anything but a `Uint32Array`. {@link TypeError}
 * @throws On a number that is no row's. {@link RangeError}
 */
export function assertCandidates(candidates: Uint32Array, count: number): void {
  if (!(candidates instanceof Uint32Array))
    throw new TypeError(`"candidates" expected Uint32Array, got ${typeof candidates}`);
  for (const row of candidates)
    if (row >= count) throw new RangeError(`"candidates" expected row numbers below ${count}, got ${row}`);
}
