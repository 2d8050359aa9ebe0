/**
 * Score curves: how the Hamming distances from one code to the reference codes grow with rank, feature by feature.
 *
 * A feature that tells a query apart has a few near references and then many far ones; one that does not has a
 * curve without a knee (Zheng et al., CVPR 2015). Distances are whole numbers, so curves are equal on every engine.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import { FEATURES, type Block, type Feature } from './block.ts';
import type { References } from './vocabulary.ts';

/** Most ranks of a curve that are stored. */
const MAX_SAMPLES = 128;
const BYTE_BITS: Uint8Array = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, byte) => {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
});

/** Where each feature's block starts in the fused code, in bits; all multiples of 8. */
export function blockStarts(blocks: Readonly<Record<Feature, Block>>): Record<Feature, number> {
  const starts = {} as Record<Feature, number>;
  let at = 0;
  for (const feature of FEATURES) {
    starts[feature] = at;
    at += blocks[feature].bits;
  }
  return starts;
}

/**
 * Hamming distances between one block of `code` and the same block of every reference, ascending.
 * @param code - u8[codeBytes]
 * @param codes - u8[count * codeBytes]
 * @param start - First bit of the block, a multiple of 8.
 * @param bits - Of the block, a multiple of 8.
 * @param except - Reference to leave out; -1 for none.
 * @returns u16[count], or one less.
 */
export function scoreCurve(
  code: Uint8Array,
  codes: Uint8Array,
  start: number,
  bits: number,
  except = -1,
): Uint16Array<ArrayBuffer> {
  const from = start / 8;
  const bytes = bits / 8;
  const histogram = new Uint32Array(bits + 1);
  let total = 0;
  for (let row = 0; row * code.length < codes.length; row++) {
    if (row === except) continue;
    const at = row * code.length + from;
    let distance = 0;
    for (let i = 0; i < bytes; i++) distance += BYTE_BITS[code[from + i]! ^ codes[at + i]!]!;
    histogram[distance]!++;
    total++;
  }
  const curve = new Uint16Array(total);
  for (let distance = 0, at = 0; distance <= bits; distance++) {
    curve.fill(distance, at, at + histogram[distance]!);
    at += histogram[distance]!;
  }
  return curve;
}

/**
 * The ranks at which curves of `count - 1` distances are stored: at most 128, from the first to the last, denser
 * where the knee is (rank grows with the square of the sample's number).
 */
export function curveRanks(count: number): Uint16Array<ArrayBuffer> {
  const last = count - 2;
  const samples = Math.min(MAX_SAMPLES, count - 1);
  const ranks = new Set<number>();
  for (let j = 0; j < samples; j++) ranks.add(Math.round(last * (j / (samples - 1)) ** 2));
  return Uint16Array.from(ranks);
}

/**
 * The references of a vocabulary, with the curve of each against all others.
 * @param codes - u8[count * codeBytes]: fused codes of at least 4 public images.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On fewer or more codes than a vocabulary holds. {@link RangeError}
 */
export function makeReferences(codes: Uint8Array, blocks: Readonly<Record<Feature, Block>>): References {
  const codeBytes = FEATURES.reduce((sum, feature) => sum + blocks[feature].bits, 0) / 8;
  const count = codes.length / codeBytes;
  assertBytes(codes, 'codes');
  assertInteger(count, 'count', 4, 65535);
  const ranks = curveRanks(count);
  const starts = blockStarts(blocks);
  const curves = {} as Record<Feature, Uint16Array>;
  for (const feature of FEATURES) {
    const out = new Uint16Array(count * ranks.length);
    for (let row = 0; row < count; row++) {
      const code = codes.subarray(row * codeBytes, (row + 1) * codeBytes);
      const curve = scoreCurve(code, codes, starts[feature], blocks[feature].bits, row);
      for (let j = 0; j < ranks.length; j++) out[row * ranks.length + j] = curve[ranks[j]!]!;
    }
    curves[feature] = out;
  }
  return { count, codes: codes.slice(), ranks, curves };
}
