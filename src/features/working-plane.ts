/**
 * The size at which local features are computed.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import type { Luma } from '../image/image.ts';

/** An f32 plane: its columns and rows, and numbers from one row to the next. */
export interface PlaneSize {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
}

/** Rows start on a multiple of 4 numbers, as the kernels want it. */
export function planeSize(width: number, height: number): PlaneSize {
  return { width, height, stride: Math.ceil(width / 4) * 4 };
}

/** The plane of an image reduced so that its longer side is at most `maxSide`; never enlarged. */
export function reducedSize(luma: Luma, maxSide: number): PlaneSize {
  const longer = Math.max(luma.width, luma.height);
  if (longer <= maxSide) return planeSize(luma.width, luma.height);
  const side = (pixels: number): number => Math.max(1, Math.round((pixels * maxSide) / longer));
  return planeSize(side(luma.width), side(luma.height));
}

/**
 * Asserts a luma plane of the size it claims.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On an empty plane, or data of another length. {@link RangeError}
 */
export function assertLuma(luma: Luma): void {
  if (typeof luma !== 'object' || luma === null) throw new TypeError(`"luma" expected Luma, got ${typeof luma}`);
  assertInteger(luma.width, 'luma.width', 1, 65535);
  assertInteger(luma.height, 'luma.height', 1, 65535);
  assertBytes(luma.data, 'luma.data', luma.width * luma.height);
}
