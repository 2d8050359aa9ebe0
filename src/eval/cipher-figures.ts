/**
 * The figures by which the field judges image ciphers, of the stream-cipher layer on the decoded pixels of one picture.
 *
 * **Passing them says nothing about security**: the logistic layer passes, and falls to one known picture. What protects is the
 * AEAD around it (SCHEME.md section 5).
 * @module
 */
import { assertBytes } from '../base/assert.ts';
import { expandKey } from '../crypto/keys.ts';
import { newImageKey } from '../crypto/image-cipher.ts';
import { LogisticStream } from '../crypto/logistic-stream.ts';
import type { Image } from '../image/image.ts';
import { byteHistogram, chiSquare, entropy } from './byte-histogram.ts';
import { npcr, uaci } from './differential.ts';
import { neighbourCorrelation, type NeighbourCorrelation } from './neighbour-correlation.ts';

/** One side of a picture: its pixels, or their ciphertext. */
export interface ByteFigures {
  /** Bits a byte. */
  readonly entropy: number;
  readonly chiSquare: number;
  readonly correlation: NeighbourCorrelation;
  /** u32[256] */
  readonly histogram: readonly number[];
}

/** How far two ciphertexts differ. */
export interface Difference {
  readonly npcr: number;
  readonly uaci: number;
}

/** All figures of one picture. */
export interface CipherFigures {
  readonly plain: ByteFigures;
  readonly cipher: ByteFigures;
  /** Two pictures that differ in one pixel, each sealed as the system seals it: under a key of its own. */
  readonly onePixel: Difference;
  /** The same two under one key, which the system never does: a stream cipher then shows exactly what differs. */
  readonly oneKey: Difference;
  /** One picture under two keys that differ in one bit of 256. */
  readonly oneKeyBit: Difference;
  /** Share of the bytes that are right when it is opened with that other key; chance is 1/256. */
  readonly wrongKey: number;
}

/**
 * Encrypts a picture's pixels and measures.
 * @returns The figures, and the ciphertext: u8[3 * width * height].
 * @throws On fewer than 2 x 2 pixels. {@link RangeError}
 */
export function cipherFigures(
  module: WebAssembly.Module,
  { width, height, data }: Image,
): { readonly figures: CipherFigures; readonly ciphertext: Uint8Array<ArrayBuffer> } {
  assertBytes(data, 'data', 3 * width * height);
  const stream = new LogisticStream(module);
  const encrypt = (imageKey: Uint8Array, pixels: Uint8Array): Uint8Array<ArrayBuffer> =>
    stream.xor(expandKey(imageKey, 'image/logistic'), pixels);
  const of = (bytes: Uint8Array): ByteFigures => {
    const histogram = byteHistogram(bytes);
    return {
      entropy: entropy(histogram),
      chiSquare: chiSquare(histogram),
      correlation: neighbourCorrelation(bytes, width, height),
      histogram: [...histogram],
    };
  };
  const differ = (a: Uint8Array, b: Uint8Array): Difference => ({ npcr: npcr(a, b), uaci: uaci(a, b) });
  const key = newImageKey();
  const ciphertext = encrypt(key, data);
  const touched = data.slice();
  const middle = 3 * (Math.floor(height / 2) * width + Math.floor(width / 2));
  touched[middle]! ^= 1;
  const otherKey = key.slice();
  otherKey[0]! ^= 1;
  const underOther = encrypt(otherKey, data);
  return {
    figures: {
      plain: of(data),
      cipher: of(ciphertext),
      onePixel: differ(ciphertext, encrypt(newImageKey(), touched)),
      oneKey: differ(ciphertext, encrypt(key, touched)),
      oneKeyBit: differ(ciphertext, underOther),
      wrongKey: 1 - npcr(encrypt(otherKey, ciphertext), data),
    },
    ciphertext,
  };
}
