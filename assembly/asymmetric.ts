/**
 * Scores of packed codes under a real-valued query: `score = sum_i query[i] * (bit_i ? +1 : -1)`.
 *
 * The query is first unfolded into one table of 256 sums per byte of a code (Jegou, Douze & Schmid, PAMI 2011,
 * section 3.2: asymmetric distance computation); a score is then `codeBytes` look-ups.
 *
 * Codes lie in blocks of sixteen: byte 0 of the sixteen side by side, then byte 1, and so on, so that `asymmetric-bound.ts` takes one byte of
 * all of them at a time.
 */
import { BLOCK, offerScores, sortBest } from './top-k';

/** Codes of a block. */
export const CODES: u32 = 16;

/**
 * Unfolds a query. Entry v of a table is the sum over its 8 numbers, in order, each with the sign of its bit of v.
 *
 * @param query     f32[8 * codeBytes]
 * @param codeBytes bytes per code
 * @param tables    f32[codeBytes * 256], out
 */
export function asymmetricTables(query: usize, codeBytes: u32, tables: usize): void {
  for (let byte: u32 = 0; byte < codeBytes; byte++) {
    const low0 = load<f32>(query);
    const low1 = load<f32>(query, 4);
    store<f32>(tables, -low0 - low1);
    store<f32>(tables, low0 - low1, 4);
    store<f32>(tables, -low0 + low1, 8);
    store<f32>(tables, low0 + low1, 12);
    // Each further bit doubles the table: the lower half without it, the upper half with it.
    for (let bit: u32 = 2; bit < 8; bit++) {
      const number = f32x4.splat(load<f32>(query + (bit << 2)));
      const half: u32 = 4 << bit;
      for (let at: u32 = 0; at < half; at += 16) {
        const sums = v128.load(tables + at);
        v128.store(tables + at, f32x4.sub(sums, number));
        v128.store(tables + half + at, f32x4.add(sums, number));
      }
    }
    query += 32;
    tables += 1024;
  }
}

/**
 * Writes the score of every code.
 *
 * @param tables     f32[codeBytes * 256], of {@link asymmetricTables}
 * @param blocks     codes in blocks of 16
 * @param candidates u32[count], the codes wanted; 0 for the first `count`
 * @param count      number of codes looked at
 * @param codeBytes  bytes per code, a multiple of 8
 * @param out        f32[count]
 */
export function asymmetricScores(
  tables: usize,
  blocks: usize,
  candidates: usize,
  count: u32,
  codeBytes: u32,
  out: usize,
): void {
  for (let i: u32 = 0; i < count; i++) {
    const index = candidates ? load<u32>(candidates + (i << 2)) : i;
    store<f32>(out + (i << 2), asymmetricScore(tables, blocks, index, codeBytes));
  }
}

/** The score of one code. */
export function asymmetricScore(tables: usize, blocks: usize, index: u32, codeBytes: u32): f32 {
  let at = blocks + <usize>(index & ~(CODES - 1)) * codeBytes + (index & (CODES - 1));
  const end = at + codeBytes * CODES;
  let sum0: f32 = 0;
  let sum1: f32 = 0;
  let sum2: f32 = 0;
  let sum3: f32 = 0;
  for (; at < end; at += 8 * CODES, tables += 8192) {
    sum0 += load<f32>(tables + ((<usize>load<u8>(at)) << 2));
    sum1 += load<f32>(tables + ((<usize>load<u8>(at, 16)) << 2), 1024);
    sum2 += load<f32>(tables + ((<usize>load<u8>(at, 32)) << 2), 2048);
    sum3 += load<f32>(tables + ((<usize>load<u8>(at, 48)) << 2), 3072);
    sum0 += load<f32>(tables + ((<usize>load<u8>(at, 64)) << 2), 4096);
    sum1 += load<f32>(tables + ((<usize>load<u8>(at, 80)) << 2), 5120);
    sum2 += load<f32>(tables + ((<usize>load<u8>(at, 96)) << 2), 6144);
    sum3 += load<f32>(tables + ((<usize>load<u8>(at, 112)) << 2), 7168);
  }
  return sum0 + sum1 + (sum2 + sum3);
}

/**
 * The k codes with the largest scores, largest first, ties by the lower index.
 *
 * @param candidates u32[count], distinct; 0 for the first `count` codes
 * @param k          how many are wanted, at least 1
 * @param block      f32[512], scratch
 * @param scores     f32[k], out
 * @param indices    u32[k], out
 * @returns how many were found
 */
export function asymmetricTop(
  tables: usize,
  blocks: usize,
  candidates: usize,
  count: u32,
  codeBytes: u32,
  k: u32,
  block: usize,
  scores: usize,
  indices: usize,
): u32 {
  let found: u32 = 0;
  for (let first: u32 = 0; first < count; first += BLOCK) {
    const length = min(BLOCK, count - first);
    const labels: usize = candidates ? candidates + (first << 2) : 0;
    const from: usize = candidates ? blocks : blocks + <usize>first * codeBytes;
    asymmetricScores(tables, from, labels, length, codeBytes, block);
    found = offerScores(block, labels, first, length, k, found, scores, indices);
  }
  sortBest(scores, indices, found);
  return found;
}
