/** The definition: every number of the query with the sign of its bit. */
export function asymmetric(query: Float32Array, code: Uint8Array): number {
  let score = 0;
  for (let i = 0; i < query.length; i++) score += query[i]! * ((code[i >> 3]! >> (i & 7)) & 1 ? 1 : -1);
  return score;
}
