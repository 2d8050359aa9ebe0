/**
 * Asymmetric scores bounded from above, sixteen codes at a time, so that few of them need be scored exactly.
 *
 * The sums of a half byte's four numbers are rounded to steps and kept as sixteen bytes, which one instruction looks up for sixteen codes (Andre,
 * Kermarrec & Le Scouarnec, "Cache locality is not enough", VLDB 2015). A is what they add up to; no score is above `step A + offset`:
 * `src/search/nibble-bounds.ts` says why, and leaves room for sums of four half bytes in 8 bits, and of all in 15.
 */
import { CODES, asymmetricScore, asymmetricScores } from './asymmetric';
import { BLOCK, offerScores, sortBest } from './top-k';

/**
 * {@link asymmetricTop} of a whole table: the same answer. A code is scored only when its bound reaches the worst of the k best so far.
 *
 * @param tables    f32[codeBytes * 256], of {@link asymmetricTables}
 * @param nibbles   u8[codeBytes * 32]: for every byte of a code sixteen steps for its low half, and sixteen for its high half
 * @param offset    f64
 * @param step      f64, above 0
 * @param blocks    codes in blocks of 16, the last one filled up with anything
 * @param count     number of codes
 * @param codeBytes bytes per code, a multiple of 8
 * @param k         how many are wanted, at least 1
 * @param block     f32[512], scratch
 * @param scores    f32[k], out
 * @param indices   u32[k], out
 * @returns how many were found
 */
export function asymmetricTopBounded(
  tables: usize,
  nibbles: usize,
  offset: f64,
  step: f64,
  blocks: usize,
  count: u32,
  codeBytes: u32,
  k: u32,
  block: usize,
  scores: usize,
  indices: usize,
): u32 {
  const blockBytes: usize = (<usize>codeBytes) << 4;
  let found: u32 = 0;
  let first: u32 = 0;
  // Until there are k, every code is among the best.
  for (; first < count && found < k; first += BLOCK) {
    const length = min(BLOCK, count - first);
    asymmetricScores(tables, blocks + <usize>first * codeBytes, 0, length, codeBytes, block);
    found = offerScores(block, 0, first, length, k, found, scores, indices);
  }
  let below = belowLeast(load<f32>(scores), offset, step);
  let codes = blocks + <usize>first * codeBytes;
  for (; first < count; first += CODES, codes += blockBytes) {
    // Codes with an even number in the block, and with an odd one.
    let even = i16x8.splat(0);
    let odd = i16x8.splat(0);
    let table = nibbles;
    for (let at: usize = 0; at < blockBytes; at += 32, table += 64) {
      const steps = i8x16.add(
        stepsOf(v128.load(codes + at), v128.load(table), v128.load(table, 16)),
        stepsOf(v128.load(codes + at, 16), v128.load(table, 32), v128.load(table, 48)),
      );
      even = i16x8.add(even, v128.and(steps, i16x8.splat(255)));
      odd = i16x8.add(odd, i16x8.shr_u(steps, 8));
    }
    const limit = i16x8.splat(below);
    const some = i16x8.gt_s(even, limit);
    const others = i16x8.gt_s(odd, limit);
    if (!v128.any_true(v128.or(some, others))) continue;
    // Two bits a lane: an even number's at its place, an odd number's after it.
    for (let set = (i8x16.bitmask(some) & 0x5555) | (i8x16.bitmask(others) & 0xaaaa); set != 0; set &= set - 1) {
      const index = first + ctz(set);
      if (index >= count) break;
      store<f32>(block, asymmetricScore(tables, blocks, index, codeBytes));
      offerScores(block, 0, index, 1, k, k, scores, indices);
    }
    below = belowLeast(load<f32>(scores), offset, step);
  }
  sortBest(scores, indices, found);
  return found;
}

/** The largest A with which a code is surely below `worst`. */
function belowLeast(worst: f32, offset: f64, step: f64): i16 {
  return <i16>max<f64>(-1, min<f64>(32767, ceil((<f64>worst - offset) / step) - 1));
}

/** Steps of one byte of sixteen codes. */
function stepsOf(codes: v128, low: v128, high: v128): v128 {
  const half = i8x16.splat(15);
  return i8x16.add(
    i8x16.swizzle(low, v128.and(codes, half)),
    i8x16.swizzle(high, v128.and(i16x8.shr_u(codes, 4), half)),
  );
}
