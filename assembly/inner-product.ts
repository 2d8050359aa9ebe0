/**
 * Inner products of one f32 vector with the rows of a table.
 *
 * Sixteen products a step in four accumulators, added in a fixed order, so every engine gives the same bits.
 */
import { BLOCK, offerScores, sortBest } from './top-k';

/**
 * Writes `out[i] = <query, rows[i]>`.
 *
 * @param query f32[dims]
 * @param rows  f32[count * dims], row-major
 * @param count number of rows
 * @param dims  numbers per row, a multiple of 4
 * @param out   f32[count]
 */
export function innerProducts(query: usize, rows: usize, count: u32, dims: u32, out: usize): void {
  innerProductsAt(query, rows, 0, count, dims, out);
}

/**
 * {@link innerProducts} of chosen rows.
 *
 * @param candidates u32[count], the rows wanted; 0 for the first `count` rows
 */
export function innerProductsAt(query: usize, rows: usize, candidates: usize, count: u32, dims: u32, out: usize): void {
  const rowBytes: usize = (<usize>dims) << 2;
  const wideBytes: usize = rowBytes & ~63;
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + rowBytes * (candidates ? <usize>load<u32>(candidates + (i << 2)) : <usize>i);
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    let sum2 = f32x4.splat(0);
    let sum3 = f32x4.splat(0);
    let at: usize = 0;
    for (; at < wideBytes; at += 64) {
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(query + at), v128.load(row + at)));
      sum1 = f32x4.add(sum1, f32x4.mul(v128.load(query + at, 16), v128.load(row + at, 16)));
      sum2 = f32x4.add(sum2, f32x4.mul(v128.load(query + at, 32), v128.load(row + at, 32)));
      sum3 = f32x4.add(sum3, f32x4.mul(v128.load(query + at, 48), v128.load(row + at, 48)));
    }
    for (; at < rowBytes; at += 16) {
      sum0 = f32x4.add(sum0, f32x4.mul(v128.load(query + at), v128.load(row + at)));
    }
    const sums = f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3));
    store<f32>(
      out + (i << 2),
      f32x4.extract_lane(sums, 0) +
        f32x4.extract_lane(sums, 1) +
        (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3)),
    );
  }
}

/**
 * The k rows with the largest inner products, largest first, ties by the lower index.
 *
 * @param candidates u32[count], distinct; 0 for the first `count` rows
 * @param count      number of rows looked at
 * @param k          how many are wanted, at least 1
 * @param block      f32[512], scratch
 * @param scores     f32[k], out
 * @param indices    u32[k], out
 * @returns how many were found
 */
export function innerProductTop(
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
    const from: usize = candidates ? rows : rows + <usize>first * ((<usize>dims) << 2);
    innerProductsAt(query, from, labels, length, dims, block);
    found = offerScores(block, labels, first, length, k, found, scores, indices);
  }
  sortBest(scores, indices, found);
  return found;
}
