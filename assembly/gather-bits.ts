/**
 * Bits sampled from a code, for the tables of locality-sensitive hashing (Gionis, Indyk & Motwani, VLDB 1999,
 * section 3): each sample is `sampleBits` chosen bits, packed LSB first and zero-padded to whole bytes.
 */

/**
 * @param code        u8[...], bits packed LSB first
 * @param positions   u32[sampleCount * sampleBits], bit numbers in the code
 * @param sampleCount number of samples
 * @param sampleBits  bits in each
 * @param out         u8[sampleCount * ceil(sampleBits / 8)]
 */
export function gatherBits(code: usize, positions: usize, sampleCount: u32, sampleBits: u32, out: usize): void {
  for (let sample: u32 = 0; sample < sampleCount; sample++) {
    let packed: u32 = 0;
    for (let i: u32 = 0; i < sampleBits; i++) {
      const position = load<u32>(positions);
      positions += 4;
      packed |= ((load<u8>(code + (position >> 3)) >> (position & 7)) & 1) << (i & 7);
      if ((i & 7) == 7) {
        store<u8>(out++, <u8>packed);
        packed = 0;
      }
    }
    if ((sampleBits & 7) != 0) store<u8>(out++, <u8>packed);
  }
}
