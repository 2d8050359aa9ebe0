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
export const BLOCK = 512;
/** Two threads that write within one of these hold each other up. */
const CACHE_LINE = 64;

/** Checks k, and cuts it to the number of rows there are. */
export function clampK(k: number, count: number): number {
  assertInteger(k, 'k', 1, MAX_K);
  return Math.min(k, count);
}

/** Bytes of the scores of one block. */
export const BLOCK_BYTES: number = 4 * BLOCK;

/** Bytes for k scores, or k indices. */
export function listBytesOf(k: number): number {
  return CACHE_LINE * Math.ceil((4 * k) / CACHE_LINE);
}

/**
 * Copies a result out of WASM memory.
 * @param base - Added to every index.
 */
export function takeTop(
  memory: WebAssembly.Memory,
  at: Readonly<Record<'scores' | 'indices', number>>,
  found: number,
  base = 0,
): TopK {
  const indices = new Uint32Array(found);
  indices.set(new Uint32Array(memory.buffer, at.indices, found));
  if (base > 0) indices.forEach((index, i) => (indices[i] = index + base));
  const scores = new Float32Array(found);
  scores.set(new Float32Array(memory.buffer, at.scores, found));
  return { indices, scores };
}

/** The k best of several answers, whose indices are distinct. */
export function mergeTop(answers: readonly TopK[], k: number): TopK {
  if (answers.length === 1) return answers[0]!;
  const length = Math.min(
    k,
    answers.reduce((sum, { indices }) => sum + indices.length, 0),
  );
  const indices = new Uint32Array(length);
  const scores = new Float32Array(length);
  const next = answers.map(() => 0);
  for (let i = 0; i < length; i++) {
    let best = -1;
    for (let a = 0; a < answers.length; a++) {
      const at = next[a]!;
      if (at === answers[a]!.indices.length) continue;
      const [score, index] = [answers[a]!.scores[at]!, answers[a]!.indices[at]!];
      if (best >= 0 && !(score > scores[i]! || (score === scores[i] && index < indices[i]!))) continue;
      [best, scores[i], indices[i]] = [a, score, index];
    }
    next[best]!++;
  }
  return { indices, scores };
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
