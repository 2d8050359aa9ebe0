/**
 * Which prefilter to take: sizes to measure, and the choice among what was measured.
 * @module
 */
import { assertInteger, assertNumber } from '../base/assert.ts';
import type { Prefilter } from '../client/index-parameters.ts';
import type { TokenFamilyName } from '../crypto/token-family.ts';
import type { PrefilterFigures } from './prefilter-measure.ts';

/** What is wanted. */
export interface PrefilterGoal {
  /** Least share of the full scan's first 20. */
  readonly recall: number;
  /** Largest share of the records touched. */
  readonly maxTouched: number;
  /** Most tokens a query. */
  readonly maxTokens: number;
}

const SAMPLED_BITS = [6, 8, 10, 12, 15];
const TABLES = [1, 2, 4, 8, 16, 32];
const PROBES = [1, 2, 4, 8, 16, 24, 32, 48, 64];
const ASSIGNED = [1, 2, 3, 4];

/**
 * Sizes of the families that ask for `maxTokens` at most.
 * @param centroids - Of the vocabulary; 0 leaves that family out.
 * @param bits - Of the code.
 */
export function prefilterGrid(
  { maxTokens }: Pick<PrefilterGoal, 'maxTokens'>,
  { centroids, bits, families }: { centroids: number; bits: number; families: readonly TokenFamilyName[] },
): Prefilter[] {
  assertInteger(maxTokens, 'maxTokens', 1, 1 << 20);
  const grid: Prefilter[] = [];
  if (families.includes('lsh'))
    for (const sampledBits of SAMPLED_BITS.filter((sampled) => sampled <= bits))
      for (const tables of TABLES)
        for (const probes of PROBES)
          if (tables * probes <= maxTokens && probes <= 2 ** sampledBits)
            grid.push({ family: 'lsh', tables, sampledBits, probes });
  if (families.includes('centroids'))
    for (const assigned of ASSIGNED.filter((each) => each <= centroids))
      for (const probes of PROBES)
        if (probes <= Math.min(maxTokens, centroids)) grid.push({ family: 'centroids', assigned, probes });
  return grid;
}

/** Of those that meet the goal the one that touches least, then asks for least; undefined where none does. */
export function choosePrefilterFigures(
  figures: readonly PrefilterFigures[],
  { recall, maxTouched, maxTokens }: PrefilterGoal,
): PrefilterFigures | undefined {
  assertNumber(recall, 'recall', 0, 1);
  assertNumber(maxTouched, 'maxTouched', 0, 1);
  return figures
    .filter((row) => row.recall20 >= recall && row.touched <= maxTouched && row.tokens <= maxTokens)
    .sort((a, b) => a.touched - b.touched || a.tokens - b.tokens)[0];
}

/** Those that no other one of their family beats in recall, touches less and asks for no more; by rising share touched. */
export function bestFigures(figures: readonly PrefilterFigures[]): PrefilterFigures[] {
  const beaten = (row: PrefilterFigures): boolean =>
    figures.some(
      (other) =>
        other.prefilter.family === row.prefilter.family &&
        other.recall20 >= row.recall20 &&
        other.touched <= row.touched &&
        other.tokens <= row.tokens &&
        (other.recall20 > row.recall20 || other.touched < row.touched || other.tokens < row.tokens),
    );
  return figures.filter((row) => !beaten(row)).sort((a, b) => a.touched - b.touched);
}
