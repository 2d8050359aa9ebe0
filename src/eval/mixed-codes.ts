/**
 * Codes of collections larger than the photos at hand, to measure what only size decides.
 *
 * The model: after the photos themselves, each code is that of two photos drawn at random, 0.7 of one's projections and 0.3 of the
 * other's. It is closer to its first photo than two photos are to each other: a collection of many alike.
 * @module
 */
import { seededRandom } from '../base/random.ts';
import { FEATURES } from '../codes/block.ts';
import { type Projections, fuse } from '../codes/encoder.ts';
import { packSigns } from '../codes/pack-signs.ts';

const SHARE = 0.7;

/** u8[count * bits / 8]: the first codes are the photos' own. */
export function mixedCodes(photos: readonly Projections[], count: number, seed: number): Uint8Array<ArrayBuffer> {
  const fused = photos.map((projections) => fuse(projections));
  const bits = FEATURES.reduce((sum, feature) => sum + photos[0]![feature].length, 0);
  const out = new Uint8Array((count * bits) / 8);
  const random = seededRandom(seed);
  const mixed = new Float32Array(bits);
  for (let i = 0; i < count; i++) {
    if (i < fused.length) mixed.set(fused[i]!);
    else {
      const [a, b] = [fused[Math.floor(random() * fused.length)]!, fused[Math.floor(random() * fused.length)]!];
      for (let j = 0; j < bits; j++) mixed[j] = SHARE * a[j]! + (1 - SHARE) * b[j]!;
    }
    out.set(packSigns(mixed), (i * bits) / 8);
  }
  return out;
}
