/**
 * From the tokens of a query to the records that carry any of them, each once.
 *
 * The lists of all tokens lie back to back: `postings[offsets[t] .. offsets[t + 1]]` are the records of
 * `tokens[t]`. A stamp per record tells whether this query has already met it, so nothing is cleared between queries.
 */

/**
 * @param tokens     u64[tokenCount], ascending, distinct
 * @param offsets    u32[tokenCount + 1], ascending
 * @param tokenCount number of distinct tokens
 * @param postings   u32[offsets[tokenCount]], record numbers
 * @param query      u64[queryCount], in any order
 * @param queryCount number of query tokens
 * @param stamps     u32[number of records]; changed
 * @param stamp      this query's number, not in `stamps` yet
 * @param out        u32[number of records]: the records found, in the order of the query's tokens and their lists
 * @returns how many were found
 */
export function lookUpPostings(
  tokens: usize,
  offsets: usize,
  tokenCount: u32,
  postings: usize,
  query: usize,
  queryCount: u32,
  stamps: usize,
  stamp: u32,
  out: usize,
): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < queryCount; i++) {
    const token = load<u64>(query + (i << 3));
    // The first token that is not smaller; halving without a branch on the outcome.
    let low: u32 = 0;
    let length = tokenCount;
    while (length > 1) {
      const half = length >> 1;
      low = load<u64>(tokens + ((low + half - 1) << 3)) < token ? low + half : low;
      length -= half;
    }
    if (tokenCount == 0 || load<u64>(tokens + (low << 3)) != token) continue;
    const end = load<u32>(offsets + (low << 2), 4);
    for (let at = load<u32>(offsets + (low << 2)); at < end; at++) {
      const record = load<u32>(postings + (at << 2));
      const mark = stamps + (record << 2);
      if (load<u32>(mark) == stamp) continue;
      store<u32>(mark, stamp);
      store<u32>(out + (found << 2), record);
      found++;
    }
  }
  return found;
}
