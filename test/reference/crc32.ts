/** The definition, bit by bit: the remainder of a polynomial division. */
export function crc32Bitwise(data: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of data)
    for (let bit = 0n; bit < 8n; bit++) {
      const odd = (crc ^ (BigInt(byte) >> bit)) & 1n;
      crc = (crc >> 1n) ^ (odd * 0xedb88320n);
    }
  return Number(crc ^ 0xffffffffn);
}
