/** USearch, its HNSW index with the parameters it comes with: approximate. Not built where that takes minutes. */
import { Index, MetricKind, ScalarKind } from 'usearch';
import { floatsOf, serve, versionOf } from './serve.js';

const MOST_ROWS = 20_000;

await serve(async ({ kind, rows, query, count, dims, k }) => {
  if (kind !== 'inner-product' || count > MOST_ROWS) return undefined;
  const index = new Index({ metric: MetricKind.IP, quantization: ScalarKind.F32, dimensions: dims });
  index.add(
    BigUint64Array.from({ length: count }, (_, i) => BigInt(i)),
    floatsOf(rows),
  );
  const wanted = floatsOf(query);
  return {
    version: `usearch ${versionOf('usearch')} HNSW`,
    search: () => index.search(wanted, k, 1),
    indices: ({ keys }) => keys,
  };
});
