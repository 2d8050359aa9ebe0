/** The definition: every number of the query with the sign of its bit. */
export function asymmetric(query: Float32Array, code: Uint8Array): number {
  let score = 0;
  for (let i = 0; i < query.length; i++) score += query[i]! * ((code[i >> 3]! >> (i & 7)) & 1 ? 1 : -1);
  return score;
}

/** The definition of A: the steps of every half byte. */
export function boundSteps(steps: Uint8Array, code: Uint8Array): number {
  let sum = 0;
  code.forEach((byte, b) => (sum += steps[32 * b + (byte & 15)]! + steps[32 * b + 16 + (byte >> 4)]!));
  return sum;
}
