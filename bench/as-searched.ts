/** Scores as a search's answer is ordered: the first of them are opened, and copies of the query come before the rest. */
import type { CopyEvidence } from '../src/codes/copy-evidence.ts';

/** What a search for the first 10 opens; `client.ts`. */
const OPENED = 74;

/**
 * @param scores - Larger is nearer.
 * @param broad - By the weights that the opened are drawn by.
 * @param query - Left out of the opened; -1 for none.
 * @param codeAt - Code of a photo.
 * @returns The scores, those of copies lifted above all others. What is not opened keeps its score, as a longer answer would have it. New.
 */
export function asSearched(
  scores: Float32Array,
  broad: Float32Array,
  query: number,
  evidence: CopyEvidence,
  codeAt: (photo: number) => Uint8Array,
): Float32Array {
  const lifted = scores.slice();
  const drawn = broad.slice();
  if (query >= 0) lifted[query] = drawn[query] = -Infinity;
  const least = drawn.slice().sort().at(-Math.min(OPENED, drawn.length))!;
  const top = lifted.reduce((a, b) => Math.max(a, b), -Infinity);
  for (let photo = 0; photo < lifted.length; photo++) {
    if (photo === query || drawn[photo]! < least) continue;
    const excess = evidence.excess(codeAt(photo));
    // Above every score that is not lifted, in the order of the excess.
    if (excess > 0) lifted[photo] = top + Math.abs(top) * (1 + excess);
  }
  return lifted;
}
