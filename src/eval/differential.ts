/**
 * NPCR and UACI: how far two ciphertexts of one length differ (Wu, Noonan and Agaian, "NPCR and UACI Randomness Tests for Image
 * Encryption", 2011). Two random ones: 255/256 and 257/768 are expected.
 * @module
 */
import { assertBytes } from '../base/assert.ts';

/** 99.6094 % */
export const NPCR_IDEAL: number = 255 / 256;
/** 33.4635 % */
export const UACI_IDEAL: number = 257 / 768;

/**
 * Number of pixels change rate: share of the bytes that differ.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On unequal lengths, or none. {@link RangeError}
 */
export function npcr(a: Uint8Array, b: Uint8Array): number {
  check(a, b);
  let different = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) different++;
  return different / a.length;
}

/**
 * Unified average changing intensity: mean of the differences, as a share of 255.
 * @throws As {@link npcr}.
 */
export function uaci(a: Uint8Array, b: Uint8Array): number {
  check(a, b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / (255 * a.length);
}

function check(a: Uint8Array, b: Uint8Array): void {
  assertBytes(a, 'a');
  assertBytes(b, 'b', a.length);
  if (a.length === 0) throw new RangeError('"a" expected at least 1 byte, got 0');
}
