/** The definition of a search: every pair, every product, one sort. */
export interface Entry {
  readonly id: Uint8Array;
  readonly tokens: BigUint64Array;
  readonly vector: Float32Array;
}

export function rank(
  entries: readonly Entry[],
  tokens: BigUint64Array | undefined,
  query: Float32Array,
  k: number,
): { ids: string[]; scores: number[]; candidates: number } {
  const candidates = entries.filter(
    (entry) =>
      entry.vector.length > 0 && (tokens === undefined || entry.tokens.some((token) => tokens.includes(token))),
  );
  const ranked = candidates
    .map(({ id, vector }) => ({
      id: Buffer.from(id).toString('hex'),
      score: vector.reduce((sum, value, i) => sum + value * query[i]!, 0),
    }))
    .sort((a, b) => b.score - a.score)
    .slice(0, k);
  return { ids: ranked.map(({ id }) => id), scores: ranked.map(({ score }) => score), candidates: candidates.length };
}
