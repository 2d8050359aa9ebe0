/**
 * The k best of many scores, without sorting them all.
 *
 * Largest score first, ties by the lower index; NaN is never chosen. While scores arrive, the best so far lie in a
 * binary heap with the worst at its root, as two arrays: `scores` f32[k] and `indices` u32[k].
 */

/** Scores in one block of a fused scan: a scratch of this many 4-byte numbers stays in the first-level cache. */
export const BLOCK: u32 = 512;

/**
 * The k best of `values`, best first.
 *
 * @param values  f32[count]
 * @param count   number of values
 * @param k       how many are wanted, at least 1
 * @param scores  f32[k], out
 * @param indices u32[k], out
 * @returns how many were found, at most k
 */
export function topK(values: usize, count: u32, k: u32, scores: usize, indices: usize): u32 {
  const found = offerScores(values, 0, 0, count, k, 0, scores, indices);
  sortBest(scores, indices, found);
  return found;
}

/**
 * Offers scores to the heap.
 *
 * @param values f32[count]
 * @param labels u32[count], the index each score belongs to; 0 when they are first, first + 1, ...
 * @param first  index of the first score, when there are no labels
 * @param count  number of values
 * @param found  how many the heap holds before
 * @returns how many the heap holds after
 */
export function offerScores(
  values: usize,
  labels: usize,
  first: u32,
  count: u32,
  k: u32,
  found: u32,
  scores: usize,
  indices: usize,
): u32 {
  let worst: f32 = found < k ? -f32.MAX_VALUE : load<f32>(scores);
  let i: u32 = 0;
  while (i < count) {
    // Four at a time are passed over when none reaches the worst of a full heap.
    if (found == k && i + 4 <= count) {
      if (!v128.any_true(f32x4.ge(v128.load(values + (i << 2)), f32x4.splat(worst)))) {
        i += 4;
        continue;
      }
      const end = i + 4;
      for (; i < end; i++) {
        const score = load<f32>(values + (i << 2));
        if (score >= worst) {
          offer(scores, indices, found, k, score, labels ? load<u32>(labels + (i << 2)) : first + i);
          worst = load<f32>(scores);
        }
      }
      continue;
    }
    const score = load<f32>(values + (i << 2));
    // Only NaN is unequal to itself.
    if (score == score) {
      found = offer(scores, indices, found, k, score, labels ? load<u32>(labels + (i << 2)) : first + i);
      if (found == k) worst = load<f32>(scores);
    }
    i++;
  }
  return found;
}

/** Turns the heap into a list, best first. */
export function sortBest(scores: usize, indices: usize, found: u32): void {
  for (let end = found; end > 1; end--) {
    const last = (end - 1) << 2;
    const score = load<f32>(scores + last);
    const index = load<u32>(indices + last);
    store<f32>(scores + last, load<f32>(scores));
    store<u32>(indices + last, load<u32>(indices));
    siftDown(scores, indices, end - 1, score, index);
  }
}

/** Offers one score; returns how many the heap holds. */
function offer(scores: usize, indices: usize, found: u32, k: u32, score: f32, index: u32): u32 {
  if (found == k) {
    if (precedes(score, index, load<f32>(scores), load<u32>(indices))) siftDown(scores, indices, k, score, index);
    return k;
  }
  let at = found;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const parentScore = load<f32>(scores + (parent << 2));
    const parentIndex = load<u32>(indices + (parent << 2));
    if (precedes(score, index, parentScore, parentIndex)) break;
    store<f32>(scores + (at << 2), parentScore);
    store<u32>(indices + (at << 2), parentIndex);
    at = parent;
  }
  store<f32>(scores + (at << 2), score);
  store<u32>(indices + (at << 2), index);
  return found + 1;
}

/** Puts an entry in the place of the root and lets it sink below every child that is worse. */
function siftDown(scores: usize, indices: usize, found: u32, score: f32, index: u32): void {
  let at: u32 = 0;
  for (;;) {
    let child: u32 = 2 * at + 1;
    if (child >= found) break;
    let childScore = load<f32>(scores + (child << 2));
    let childIndex = load<u32>(indices + (child << 2));
    if (child + 1 < found) {
      const otherScore = load<f32>(scores + (child << 2), 4);
      const otherIndex = load<u32>(indices + (child << 2), 4);
      if (precedes(childScore, childIndex, otherScore, otherIndex)) {
        child++;
        childScore = otherScore;
        childIndex = otherIndex;
      }
    }
    if (precedes(childScore, childIndex, score, index)) break;
    store<f32>(scores + (at << 2), childScore);
    store<u32>(indices + (at << 2), childIndex);
    at = child;
  }
  store<f32>(scores + (at << 2), score);
  store<u32>(indices + (at << 2), index);
}

/** Whether a stands before b in the answer. */
function precedes(scoreA: f32, indexA: u32, scoreB: f32, indexB: u32): bool {
  return scoreA > scoreB || (scoreA == scoreB && indexA < indexB);
}
