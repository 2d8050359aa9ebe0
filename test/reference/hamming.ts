/** The definition, bit by bit. Slow on purpose: it is what the kernel is checked against. */
export function hamming(a: Uint8Array, b: Uint8Array): number {
  let distance = 0;
  for (let i = 0; i < a.length; i++) for (let bit = 0; bit < 8; bit++) distance += ((a[i]! ^ b[i]!) >> bit) & 1;
  return distance;
}
