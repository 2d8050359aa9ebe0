/**
 * Inner products of one i16 vector with the rows of an i8 table, each row under a scale of its own.
 *
 * Sums are integers, so their order does not count. The host chooses the query's numbers so small that no sum leaves i32.
 */
import { BLOCK, offerScores, sortBest } from './top-k';

/** Bytes after the numbers of a row: its scale, f32, and four of padding. */
const TAIL_BYTES: usize = 8;

/**
 * Writes `out[i] = scale[i] * <query, rows[i]>`.
 *
 * @param query      i16[dims]
 * @param rows       rows of dims + 8 bytes: i8[dims], f32 scale, 4 bytes of padding
 * @param candidates u32[count], the rows wanted; 0 for the first `count` rows
 * @param count      number of rows looked at
 * @param dims       numbers per row, a multiple of 8
 * @param out        f32[count]
 */
export function int8Products(query: usize, rows: usize, candidates: usize, count: u32, dims: u32, out: usize): void {
  const rowBytes: usize = <usize>dims + TAIL_BYTES;
  const wideDims: usize = dims & ~31;
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + rowBytes * (candidates ? <usize>load<u32>(candidates + (i << 2)) : <usize>i);
    let sum0 = i32x4.splat(0);
    let sum1 = i32x4.splat(0);
    let sum2 = i32x4.splat(0);
    let sum3 = i32x4.splat(0);
    let at: usize = 0;
    for (; at < wideDims; at += 32) {
      const numbers = query + (at << 1);
      sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(v128.load_ext<i8>(row + at), v128.load(numbers)));
      sum1 = i32x4.add(sum1, i32x4.dot_i16x8_s(v128.load_ext<i8>(row + at, 8), v128.load(numbers, 16)));
      sum2 = i32x4.add(sum2, i32x4.dot_i16x8_s(v128.load_ext<i8>(row + at, 16), v128.load(numbers, 32)));
      sum3 = i32x4.add(sum3, i32x4.dot_i16x8_s(v128.load_ext<i8>(row + at, 24), v128.load(numbers, 48)));
    }
    for (; at < <usize>dims; at += 8) {
      sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(v128.load_ext<i8>(row + at), v128.load(query + (at << 1))));
    }
    const sums = i32x4.add(i32x4.add(sum0, sum1), i32x4.add(sum2, sum3));
    const sum =
      i32x4.extract_lane(sums, 0) +
      i32x4.extract_lane(sums, 1) +
      i32x4.extract_lane(sums, 2) +
      i32x4.extract_lane(sums, 3);
    store<f32>(out + (i << 2), load<f32>(row + dims) * <f32>sum);
  }
}

/**
 * The k rows with the largest products, largest first, ties by the lower index.
 *
 * @param candidates u32[count], distinct; 0 for the first `count` rows
 * @param count      number of rows looked at
 * @param k          how many are wanted, at least 1
 * @param block      f32[512], scratch
 * @param scores     f32[k], out
 * @param indices    u32[k], out
 * @returns how many were found
 */
export function int8ProductTop(
  query: usize,
  rows: usize,
  candidates: usize,
  count: u32,
  dims: u32,
  k: u32,
  block: usize,
  scores: usize,
  indices: usize,
): u32 {
  let found: u32 = 0;
  for (let first: u32 = 0; first < count; first += BLOCK) {
    const length = min(BLOCK, count - first);
    const labels: usize = candidates ? candidates + (first << 2) : 0;
    const from: usize = candidates ? rows : rows + <usize>first * (<usize>dims + TAIL_BYTES);
    int8Products(query, from, labels, length, dims, block);
    found = offerScores(block, labels, first, length, k, found, scores, indices);
  }
  sortBest(scores, indices, found);
  return found;
}
