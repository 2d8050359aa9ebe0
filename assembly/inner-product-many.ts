/**
 * Inner products of several f32 vectors with the rows of a table, in one pass over the rows.
 *
 * Rows are read from memory once, a few at a time; each query then finds them in the second-level cache. The sums are those of `inner-product.ts`: the same bits.
 */
import { innerProductsAt } from './inner-product';
import { offerScores, sortBest } from './top-k';

/** Rows at a time: of 2,000 numbers they fill a quarter of a megabyte, half of what a second-level cache has. */
const ROWS: u32 = 32;

/**
 * For each query the k rows with the largest inner products, largest first, ties by the lower index.
 *
 * @param queries    f32[queryCount * dims]
 * @param queryCount at least 1
 * @param rows       f32[count * dims], row-major
 * @param count      number of rows
 * @param dims       numbers per row, a multiple of 4
 * @param k          how many are wanted, at least 1
 * @param listBytes  from one query's list to the next one's
 * @param block      f32[32], scratch
 * @param scores     f32[k] each `listBytes`, out
 * @param indices    u32[k] each `listBytes`, out
 * @param found      u32[queryCount], out: how many were found
 */
export function innerProductTopMany(
  queries: usize,
  queryCount: u32,
  rows: usize,
  count: u32,
  dims: u32,
  k: u32,
  listBytes: u32,
  block: usize,
  scores: usize,
  indices: usize,
  found: usize,
): void {
  const rowBytes: usize = (<usize>dims) << 2;
  memory.fill(found, 0, queryCount << 2);
  for (let first: u32 = 0; first < count; first += ROWS) {
    const length = min(ROWS, count - first);
    for (let q: u32 = 0; q < queryCount; q++) {
      innerProductsAt(queries + rowBytes * q, rows + rowBytes * first, 0, length, dims, block);
      const at = found + (q << 2);
      const list: usize = <usize>q * listBytes;
      store<u32>(at, offerScores(block, 0, first, length, k, load<u32>(at), scores + list, indices + list));
    }
  }
  for (let q: u32 = 0; q < queryCount; q++) {
    const list: usize = <usize>q * listBytes;
    sortBest(scores + list, indices + list, load<u32>(found + (q << 2)));
  }
}
