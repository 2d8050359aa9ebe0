/**
 * How evenly bytes are spread: their histogram, its Shannon entropy, and its chi-square against even spread.
 * Random bytes come near an entropy of 8 bits; the chi-square of 19 of 20 lies below {@link CHI_SQUARE_LIMIT}.
 * @module
 */
import { assertBytes } from '../base/assert.ts';

/** The 95 % point of chi-square with 255 degrees of freedom. */
export const CHI_SQUARE_LIMIT = 293.25;

/** @returns u32[256]: how often each byte occurs. */
export function byteHistogram(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  assertBytes(bytes, 'bytes');
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]!++;
  return counts;
}

/** Bits a byte, 0..8; 0 for no bytes. `- sum p log2 p`. */
export function entropy(counts: Uint32Array): number {
  const total = sum(counts);
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  return bits;
}

/** `sum (count - expected)^2 / expected` with `expected = total / 256`; 0 for no bytes. */
export function chiSquare(counts: Uint32Array): number {
  const expected = sum(counts) / counts.length;
  if (expected === 0) return 0;
  let out = 0;
  for (const count of counts) out += (count - expected) ** 2 / expected;
  return out;
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0);
}
