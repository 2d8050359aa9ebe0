/** hnswlib, its brute-force index: exact, f32 only. */
import hnswlib from 'hnswlib-node';
import { floatsOf, serve, versionOf } from './serve.js';

await serve(async ({ kind, rows, query, count, dims, k }) => {
  if (kind !== 'inner-product') return undefined;
  const index = new hnswlib.BruteforceSearch('ip', dims);
  index.initIndex(count);
  const table = floatsOf(rows);
  for (let i = 0; i < count; i++) index.addPoint(Array.from(table.subarray(i * dims, (i + 1) * dims)), i);
  const wanted = Array.from(floatsOf(query));
  return {
    version: `hnswlib-node ${versionOf('hnswlib-node')}`,
    search: () => index.searchKnn(wanted, k),
    // Farthest first, as its queue gives them.
    indices: ({ neighbors, distances }) =>
      neighbors
        .map((label, i) => [distances[i], label])
        .sort((a, b) => a[0] - b[0] || a[1] - b[1])
        .map(([, label]) => label),
  };
});
