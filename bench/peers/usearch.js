/** USearch, exact search over f32 rows as they lie, on one thread. Its Node binding cannot be given packed binary codes in numbers. */
import { MetricKind, exactSearch } from 'usearch';
import { floatsOf, serve, versionOf } from './serve.js';

await serve(async ({ kind, rows, query, dims, k }) => {
  if (kind !== 'inner-product') return undefined;
  const [table, wanted] = [floatsOf(rows), floatsOf(query)];
  return {
    version: `usearch ${versionOf('usearch')}`,
    search: () => exactSearch(table, wanted, dims, k, MetricKind.IP, 1),
    indices: ({ keys }) => keys,
  };
});
