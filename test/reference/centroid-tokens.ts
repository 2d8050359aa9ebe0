/** The centroids family from its definition, by sorting all cosines. */
import { createHmac } from 'node:crypto';

/** Nearest centroids first, by the cosine of `point` to each; a tie goes to the lower one. */
export function nearest(point: readonly number[], centroids: readonly (readonly number[])[]): number[] {
  const scores = centroids.map((centroid) => centroid.reduce((sum, value, i) => sum + value * point[i]!, 0));
  return scores.map((_, c) => c).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** `sqrt(w_f / n_f)` for each bit, with the weights scaled to sum 1. */
export function scales(blocks: readonly { bits: number; weight: number }[]): number[] {
  const total = blocks.reduce((sum, { bits, weight }) => sum + (bits > 0 ? weight : 0), 0);
  return blocks.flatMap(({ bits, weight }) => new Array<number>(bits).fill(Math.sqrt(weight / total / bits)));
}

export function token(key: Uint8Array, fingerprint: Uint8Array, centroid: number): bigint {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(centroid);
  return createHmac('sha256', key)
    .update(Buffer.concat([fingerprint, number]))
    .digest()
    .readBigUInt64LE(0);
}
