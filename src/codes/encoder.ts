/**
 * Descriptors -> projections -> fused code.
 *
 * The fused code is the blocks of the features one after another, in the order of `FEATURES`.
 * @module
 */
import { assertFloats } from '../base/assert.ts';
import { FEATURES, type Feature } from './block.ts';
import type { Descriptors } from './descriptors.ts';
import { packSigns } from './pack-signs.ts';
import { Projection } from './projection.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The projections of one image, one vector per feature; all zero where the image has nothing of a feature. */
export type Projections = Record<Feature, Float32Array>;

/** One image as the client works with it. */
export interface Encoded {
  readonly projections: Projections;
  /** u8[codeBytes] */
  readonly code: Uint8Array<ArrayBuffer>;
}

/**
 * Encodes images with one vocabulary.
 * @example
 * ```ts
 * const { projections, code } = new Encoder(module, vocabulary).encode({ ehd, bow, deep });
 * ```
 */
export class Encoder {
  readonly #vocabulary: Vocabulary;
  readonly #projections: Partial<Record<Feature, Projection>> = {};

  /**
   * @param module - Compiled kernels.
   * @param vocabulary - Features with a block of 0 bits are left out.
   */
  constructor(module: WebAssembly.Module, vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    for (const feature of FEATURES) {
      const block = vocabulary.blocks[feature];
      if (block.bits > 0) this.#projections[feature] = new Projection(module, block);
    }
  }

  /**
   * Encodes one image. A descriptor that is all zero (an image without keypoints) has a projection that is all
   * zero too, so its bits are all set and, as a query, it weighs nothing.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On descriptors of other lengths. {@link RangeError}
   */
  encode(descriptors: Descriptors): Encoded {
    const projections = {} as Projections;
    for (const feature of FEATURES) {
      const { dims, bits } = this.#vocabulary.blocks[feature];
      const projection = this.#projections[feature];
      if (projection === undefined) {
        projections[feature] = new Float32Array(0);
        continue;
      }
      const descriptor = descriptors[feature];
      assertFloats(descriptor, feature, dims);
      projections[feature] = descriptor.every((value) => value === 0)
        ? new Float32Array(bits)
        : projection.project(descriptor);
    }
    return { projections, code: packSigns(fuse(projections)) };
  }

  /**
   * How far each bit of the code is from flipping, in training standard deviations, so that blocks compare; the
   * sign is the bit's. In the order of the fused code.
   * @returns f32[bits], new.
   */
  margins(projections: Projections): Float32Array<ArrayBuffer> {
    const margins = fuse(projections);
    let at = 0;
    for (const feature of FEATURES)
      for (const deviation of this.#vocabulary.blocks[feature].deviation)
        // A bit that never varied in training tells nothing: it is as uncertain as can be.
        margins[at++]! *= deviation > 0 ? 1 / deviation : 0;
    return margins;
  }
}

/** The projections one after another, in the order of the fused code. New. */
export function fuse(projections: Projections): Float32Array<ArrayBuffer> {
  const out = new Float32Array(FEATURES.reduce((sum, feature) => sum + projections[feature].length, 0));
  let at = 0;
  for (const feature of FEATURES) {
    out.set(projections[feature], at);
    at += projections[feature].length;
  }
  return out;
}
