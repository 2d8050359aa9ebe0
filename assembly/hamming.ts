/**
 * Hamming distance between one binary code and a table of codes.
 *
 * A code is `codeBytes` bytes; a table is `count` codes back to back.
 * `distance = popcount(query XOR code)`, in bits, 0 ..= 8 * codeBytes.
 * There are two variants with equal results, SIMD `i8x16.popcnt` and scalar `i64.popcnt`: which one is faster
 * depends on the engine and the machine, so the host measures and picks.
 *
 * Kernel rules: no allocation, no globals, no traps. Pointers are byte offsets
 * into linear memory; the host has checked every precondition.
 */
import { BLOCK, offerScores, sortBest } from './top-k';

// Bytes in one SIMD lane group.
const STEP: u32 = 16;

/**
 * Writes `out[i] = hamming(query, codes[i])` for `i` in `0 .. count`.
 *
 * @param query     u8[codeBytes]
 * @param codes     u8[count * codeBytes], row-major
 * @param count     number of codes
 * @param codeBytes bytes per code, a multiple of 8
 * @param out       u32[count], 4-byte aligned, must not overlap the inputs
 */
export function hammingScan(query: usize, codes: usize, count: u32, codeBytes: u32, out: usize): void {
  const simdBytes = codeBytes & ~(STEP - 1);
  for (let i: u32 = 0; i < count; i++) {
    let sums = i32x4.splat(0);
    for (let b: u32 = 0; b < simdBytes; b += STEP) {
      const diff = v128.xor(v128.load(query + b), v128.load(codes + b));
      sums = i32x4.add(sums, popcountLanes(diff));
    }
    let distance = sumLanes(sums);
    // At most one 8-byte word is left: codeBytes is a multiple of 8.
    if (simdBytes < codeBytes) {
      distance += <u32>popcnt(load<u64>(query + simdBytes) ^ load<u64>(codes + simdBytes));
    }
    store<u32>(out, distance);
    codes += codeBytes;
    out += sizeof<u32>();
  }
}

/** {@link hammingScan} by 64-bit words. */
export function hammingScanScalar(query: usize, codes: usize, count: u32, codeBytes: u32, out: usize): void {
  const end = out + (count << 2);
  if (codeBytes == 32) {
    // The usual lengths: the query stays in registers.
    const q0 = load<u64>(query);
    const q1 = load<u64>(query, 8);
    const q2 = load<u64>(query, 16);
    const q3 = load<u64>(query, 24);
    for (; out < end; out += sizeof<u32>(), codes += 32) {
      const low = popcnt(q0 ^ load<u64>(codes)) + popcnt(q1 ^ load<u64>(codes, 8));
      const high = popcnt(q2 ^ load<u64>(codes, 16)) + popcnt(q3 ^ load<u64>(codes, 24));
      store<u32>(out, <u32>(low + high));
    }
    return;
  }
  if (codeBytes == 64) {
    const q0 = load<u64>(query);
    const q1 = load<u64>(query, 8);
    const q2 = load<u64>(query, 16);
    const q3 = load<u64>(query, 24);
    const q4 = load<u64>(query, 32);
    const q5 = load<u64>(query, 40);
    const q6 = load<u64>(query, 48);
    const q7 = load<u64>(query, 56);
    for (; out < end; out += sizeof<u32>(), codes += 64) {
      const low = popcnt(q0 ^ load<u64>(codes)) + popcnt(q1 ^ load<u64>(codes, 8));
      const next = popcnt(q2 ^ load<u64>(codes, 16)) + popcnt(q3 ^ load<u64>(codes, 24));
      const third = popcnt(q4 ^ load<u64>(codes, 32)) + popcnt(q5 ^ load<u64>(codes, 40));
      const high = popcnt(q6 ^ load<u64>(codes, 48)) + popcnt(q7 ^ load<u64>(codes, 56));
      store<u32>(out, <u32>(low + next + (third + high)));
    }
    return;
  }
  for (; out < end; out += sizeof<u32>()) {
    let distance: u64 = 0;
    for (let b: u32 = 0; b < codeBytes; b += 8) distance += popcnt(load<u64>(query + b) ^ load<u64>(codes + b));
    store<u32>(out, <u32>distance);
    codes += codeBytes;
  }
}

/**
 * The k nearest codes, nearest first, ties by the lower index.
 *
 * @param scalar  1 takes the scalar variant, 0 the SIMD one
 * @param k       how many are wanted, at least 1
 * @param block   u32[512], scratch
 * @param scores  f32[k], out: distances, negated
 * @param indices u32[k], out
 * @returns how many were found: min(k, count)
 */
export function hammingTop(
  query: usize,
  codes: usize,
  count: u32,
  codeBytes: u32,
  scalar: u32,
  k: u32,
  block: usize,
  scores: usize,
  indices: usize,
): u32 {
  let found: u32 = 0;
  for (let first: u32 = 0; first < count; first += BLOCK) {
    const length = min(BLOCK, count - first);
    const from = codes + <usize>first * codeBytes;
    if (scalar) hammingScanScalar(query, from, length, codeBytes, block);
    else hammingScan(query, from, length, codeBytes, block);
    // At most 1024: exact as f32. The numbers after the last one are scratch.
    for (let at: u32 = 0; at < length << 2; at += STEP) {
      v128.store(block + at, f32x4.neg(f32x4.convert_i32x4_s(v128.load(block + at))));
    }
    found = offerScores(block, 0, first, length, k, found, scores, indices);
  }
  sortBest(scores, indices, found);
  return found;
}

/** Bits set in each 32-bit lane: bytes -> pairs -> quads. */
function popcountLanes(v: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(v)));
}

function sumLanes(v: v128): u32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}
