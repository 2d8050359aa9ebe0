/** Padme as the paper writes it, over big integers with masks. */
export function padme(length: bigint): bigint {
  if (length < 2n) return length;
  const log2 = (n: bigint): bigint => BigInt(n.toString(2).length - 1);
  const e = log2(length);
  const s = (e === 0n ? 0n : log2(e)) + 1n;
  const mask = e > s ? (1n << (e - s)) - 1n : 0n;
  return (length + mask) & ~mask;
}
