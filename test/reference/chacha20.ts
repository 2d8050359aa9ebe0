/** ChaCha20 of RFC 8439, section 2.3, word by word: not every runtime's node:crypto has it. */

/** The 20 rounds over 16 words, in place. */
export function chachaRounds(s: Uint32Array): void {
  const rotate = (i: number, bits: number): number => (s[i] = (s[i]! << bits) | (s[i]! >>> (32 - bits)));
  const quarter = (a: number, b: number, c: number, d: number): void => {
    for (const [x, y, z, bits] of [
      [a, b, d, 16],
      [c, d, b, 12],
      [a, b, d, 8],
      [c, d, b, 7],
    ] as const) {
      s[x] = s[x]! + s[y]!;
      s[z] = s[z]! ^ s[x]!;
      rotate(z, bits);
    }
  };
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) quarter(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
  }
}

/** `expand 32-byte k`, the key, and 16 bytes of counter and nonce, as 16 words. */
export function chachaState(key: Uint8Array, tail: Uint8Array): Uint32Array {
  const input = Buffer.concat([Buffer.from('expand 32-byte k'), key, tail]);
  return Uint32Array.from({ length: 16 }, (_, i) => input.readUInt32LE(4 * i));
}

/** The key stream from block 0 on, a word a call; the nonce is the label, filled up with zeros to 12 bytes. */
export function chachaWords(key: Uint8Array, label: string): () => number {
  const tail = Buffer.alloc(16); // counter 0, then the nonce
  tail.write(label, 4, 'ascii');
  let block = new Uint32Array(0);
  let at = 0;
  let counter = 0;
  return () => {
    if (at === block.length) {
      const start = chachaState(key, tail);
      start[12] = counter++;
      block = start.slice();
      chachaRounds(block);
      for (const [i, word] of start.entries()) block[i] = block[i]! + word;
      at = 0;
    }
    return block[at++]!;
  };
}
