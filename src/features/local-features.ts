/** Descriptors of places in one image, from keypoints or from a grid alike. */
export interface LocalFeatures {
  readonly count: number;
  /**
   * f32[4 * count]: x and y in pixels of the image described, the centre of its first pixel at 0; scale in
   * the same pixels; direction in radians, 0 ..< 2 pi, from the x axis towards the (downward) y axis.
   */
  readonly points: Float32Array<ArrayBuffer>;
  /** f32[128 * count], RootSIFT: each with L2 norm 1. */
  readonly descriptors: Float32Array<ArrayBuffer>;
}

/** Numbers in a SIFT descriptor: 4 x 4 cells of 8 directions. */
export const SIFT_DIMS = 128;
