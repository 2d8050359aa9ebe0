/** What the study of prefilters measures: sizes of both families, and of collections. */
import type { Prefilter } from '../../src/client/index-parameters.ts';

const lsh = (tables: number, sampledBits: number, probes: number): Prefilter => ({
  family: 'lsh',
  ...{ tables, sampledBits, probes },
});
const centroids = (assigned: number, probes: number): Prefilter => ({ family: 'centroids', assigned, probes });

/** The first lines spend hundreds of tokens a query, those after them 32 at the most. */
export const GRID: readonly Prefilter[] = [
  ...[lsh(32, 15, 32), lsh(32, 12, 8), lsh(32, 10, 1), lsh(8, 10, 32)],
  ...[lsh(32, 12, 1), lsh(8, 12, 4), lsh(4, 10, 8), lsh(2, 8, 16), lsh(1, 8, 32)],
  ...[1, 2, 3, 4].flatMap((assigned) => [4, 8, 16, 24, 32].map((probes) => centroids(assigned, probes))),
];

/** Those told of at every size. */
export const SHOWN: readonly Prefilter[] = GRID.filter(
  (prefilter) =>
    prefilter.family === 'lsh' || (prefilter.assigned > 1 && prefilter.probes > 4 && prefilter.probes !== 24),
);

/** Records, and queries each: fewer where a query takes long. */
export const SIZES: readonly (readonly [records: number, queries: number])[] = [
  [1000, 100],
  [10_000, 100],
  [100_000, 50],
  [1_000_000, 20],
];

/** Numbers of centroids that are compared. */
export const CENTROID_COUNTS: readonly number[] = [128, 256, 512];

/** Tokens that are attacked. Probes do not matter: what is stored is. */
export const ATTACKED: readonly Prefilter[] = [
  ...[centroids(1, 32), centroids(2, 32), centroids(4, 32)],
  ...[lsh(32, 15, 32), lsh(8, 12, 4)],
];
