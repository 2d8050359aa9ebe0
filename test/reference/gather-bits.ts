/** The definition: the code as a list of bits, a sample as a list of bits, eight to a byte. */
export function gatherBits(code: Uint8Array, positions: Uint32Array, sampleBits: number): number[] {
  const bits = Array.from(code, (byte) => Array.from({ length: 8 }, (_, bit) => (byte >> bit) % 2)).flat();
  const out = [];
  for (let at = 0; at < positions.length; at += sampleBits) {
    const sample = Array.from(positions.subarray(at, at + sampleBits), (position) => bits[position]!);
    for (let i = 0; i < sampleBits; i += 8)
      out.push(sample.slice(i, i + 8).reduce((byte, bit, place) => byte + bit * 2 ** place, 0));
  }
  return out;
}
