/**
 * Which of several pictures that are the same is kept.
 * @module
 */
import { compareBytes } from '../base/bytes.ts';
import type { ImageRecord } from '../crypto/record.ts';

export type KeepRule = 'largest' | 'oldest' | 'newest' | 'first-name';

/** A stored picture. */
export interface Stored {
  readonly id: Uint8Array;
  readonly record: ImageRecord;
}

const pixels = ({ record }: Stored): number => record.width * record.height;
/** When the file was changed, where that is known; else when it was added. */
const time = ({ record }: Stored): number => (record.modifiedAt > 0 ? record.modifiedAt : record.addedAt);
/** The stored path of a picture. */
export const pathOf = ({ record }: Stored): string => record.path ?? record.name;

/** Negative when the first is kept rather than the second. */
const RULES: Readonly<Record<KeepRule, (a: Stored, b: Stored) => number>> = {
  largest: (a, b) => pixels(b) - pixels(a) || b.record.fileBytes - a.record.fileBytes,
  oldest: (a, b) => time(a) - time(b),
  newest: (a, b) => time(b) - time(a),
  'first-name': (a, b) => (pathOf(a) < pathOf(b) ? -1 : pathOf(a) > pathOf(b) ? 1 : 0),
};

export const KEEP_RULES: readonly KeepRule[] = Object.keys(RULES) as KeepRule[];

/** Pictures in the order in which they are kept: ties by older file, then path, then id, so that every run answers the same. New. */
export function inKeepOrder(pictures: readonly Stored[], rule: KeepRule): Stored[] {
  return [...pictures].sort(
    (a, b) => RULES[rule](a, b) || RULES.oldest(a, b) || RULES['first-name'](a, b) || compareBytes(a.id, b.id),
  );
}
