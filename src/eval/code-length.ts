/**
 * Accuracy against code length: the collection ranked by the first bits of each block. Bits of a block are directions of a
 * rotation, none before another, so a part of them is a shorter code; one trained for its length would be a little better.
 * @module
 */
import { FEATURES, type Feature } from '../codes/block.ts';
import type { Collection, Weighing } from './collection.ts';
import { retrievalCurves } from './retrieval-curves.ts';

/** Mean average precision of a part of the code. */
export interface LengthRow {
  readonly feature: Weighing;
  readonly bits: number;
  readonly map: number;
}

/** Parts of each block. */
const PARTS: readonly number[] = [1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1];

export function codeLength(collection: Collection, onStep: () => void): LengthRow[] {
  const { blocks } = collection.vocabulary;
  const rows: LengthRow[] = [];
  for (const feature of [...FEATURES, 'adaptive'] as const) {
    const measured = new Set<number>();
    for (const part of PARTS) {
      const keep = {} as Record<Feature, number>;
      for (const each of FEATURES)
        keep[each] = Math.min(blocks[each].bits, 8 * Math.ceil((part * blocks[each].bits) / 8));
      const bits = feature === 'adaptive' ? FEATURES.reduce((sum, each) => sum + keep[each], 0) : keep[feature];
      if (bits > 0 && !measured.has(bits)) {
        const rankings = collection.labels.map((_, i) => collection.shortRanking(i, feature, keep));
        rows.push({ feature, bits, map: retrievalCurves(rankings, collection.labels).map });
        measured.add(bits);
      }
      onStep();
    }
  }
  return rows;
}

/** Calls of `onStep`. */
export const LENGTH_STEPS: number = (FEATURES.length + 1) * PARTS.length;
