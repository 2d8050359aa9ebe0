/**
 * Decoded pixels.
 * @module
 */

/** Upright, opaque RGB. */
export interface Image {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** u8[3 * width * height], row-major. */
  readonly data: Uint8Array;
}

/** A grey plane. */
export interface Luma {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** u8[width * height], row-major. */
  readonly data: Uint8Array;
}

/** Longer side of the working image, in pixels. Part of the format: every feature is computed from it. */
export const WORKING_SIDE = 512;

/** Size of the working image of an image of this size: the longer side at most {@link WORKING_SIDE}, the shorter in proportion (halves up). */
export function workingSize(width: number, height: number): { width: number; height: number } {
  const longer = Math.max(width, height);
  if (longer <= WORKING_SIDE) return { width, height };
  const scaled = (side: number): number => Math.max(1, Math.floor((2 * side * WORKING_SIDE + longer) / (2 * longer)));
  return { width: scaled(width), height: scaled(height) };
}
