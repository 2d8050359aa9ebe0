/** The definition: sort everything, largest first, ties by the lower index, NaN nowhere, and cut. */
export function topK(
  values: ArrayLike<number>,
  k: number,
  labels: ArrayLike<number> = Array.from(values, (_, i) => i),
): { indices: number[]; scores: number[] } {
  const entries = Array.from(values, (score, i) => ({ score, index: labels[i]! }))
    .filter(({ score }) => !Number.isNaN(score))
    .sort((a, b) => (a.score === b.score ? a.index - b.index : a.score > b.score ? -1 : 1))
    .slice(0, k);
  return { indices: entries.map(({ index }) => index), scores: entries.map(({ score }) => score) };
}
