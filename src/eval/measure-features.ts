/**
 * What one model's descriptors are worth on labelled photos: float cosine, every photo a query.
 *
 * The yardstick of `float-cosine.ts`; the mean it subtracts is of other photos than those that are measured.
 * @module
 */
import { assertFloats } from '../base/assert.ts';
import { joinRows } from '../base/bytes.ts';
import { meanRow, normaliseRows } from '../train/train-block.ts';
import { figuresOf, type Figures } from './figures.ts';
import { cosines, yardstick } from './float-cosine.ts';
import { rank } from './metrics.ts';

/** Descriptors of photos. */
export interface MeasuredPhotos {
  /** f32[dims] each. */
  readonly descriptors: readonly Float32Array[];
  readonly labels: readonly string[];
}

/**
 * Measures descriptors.
 * @param others - Descriptors of photos that are none of the measured ones: they give the mean.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On descriptors of unequal lengths, or none. {@link RangeError}
 */
export function measureFeatures({ descriptors, labels }: MeasuredPhotos, others: readonly Float32Array[]): Figures {
  const dims = others[0]?.length ?? 0;
  if (dims === 0) throw new RangeError('"others" expected descriptors, got 0');
  for (const row of others) assertFloats(row, 'others', dims);
  for (const row of descriptors) assertFloats(row, 'descriptors', dims);
  const rows = joinRows(others);
  normaliseRows(rows, dims);
  const units = yardstick(joinRows(descriptors), meanRow(rows, dims));
  const rankings = descriptors.map((_, i) => rank(cosines(units, dims, units.subarray(i * dims, (i + 1) * dims)), i));
  return figuresOf(rankings, labels);
}
