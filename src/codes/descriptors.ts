/**
 * The descriptors of one image, feature by feature.
 * @module
 */
import type { Feature } from './block.ts';

/** One descriptor per feature. A feature that the image has nothing of is all zero. */
export type Descriptors = Record<Feature, Float32Array>;
