/**
 * One working image to what the three features start from: the edge histogram, the local features
 * (before any codebook) and the deep descriptor.
 * @module
 */
import { Pixels } from '../image/pixels.ts';
import type { Image, Luma } from '../image/image.ts';
import { DeepExtractor, type DeepModel } from './deep.ts';
import { DenseSift } from './dense-sift.ts';
import { EdgeHistogram, dequantizeEdges, expandEdges, quantizeEdges } from './edge-histogram.ts';
import type { LocalFeatures } from './local-features.ts';
import { Sift } from './sift.ts';

/** Where local features are taken: at scale-space extrema, or on a grid; and the options of that extractor. */
export interface LocalSettings {
  readonly kind: 'keypoint' | 'dense';
  readonly options: Readonly<Record<string, number | readonly number[]>>;
}

/** What one image's luma gives before the vocabulary is applied. */
export interface LumaFeatures {
  /** Edge histogram, quantised as the standard says and expanded to local, global and semi-global bins. f32[150]. */
  readonly ehd: Float32Array;
  readonly local: LocalFeatures;
}

/** What one image gives before the vocabulary is applied. */
export interface RawFeatures extends LumaFeatures {
  /** f32[model.dims]. */
  readonly deep: Float32Array;
}

/** Extracts all three features. Calls may overlap: kernels run synchronously, only the deep model is waited for. */
export class FeatureExtractor {
  readonly #pixels: Pixels;
  readonly #edges: EdgeHistogram;
  readonly #sift: Sift | DenseSift;
  readonly #deep: DeepExtractor;

  /**
   * @param module - Compiled kernels.
   * @param local - Local features to take.
   * @param model - The deep model; its session is owned by the caller.
   */
  constructor(module: WebAssembly.Module, local: LocalSettings, model: DeepModel) {
    this.#pixels = new Pixels(module);
    this.#edges = new EdgeHistogram(module);
    this.#sift = local.kind === 'dense' ? new DenseSift(module, local.options) : new Sift(module, local.options);
    this.#deep = new DeepExtractor(module, model);
  }

  /**
   * @param image - The working image.
   * @throws When the runtime refuses the model. {@link RetrievalError}
   */
  async describe(image: Image): Promise<RawFeatures> {
    // Started first: a runtime that works beside this thread leaves time for the rest. (onnxruntime-node holds this thread while it works.)
    const deep = this.describeDeep(image);
    // Without this, a throw below would leave its failure unhandled.
    deep.catch(() => undefined);
    return { ...this.describeLuma(image), deep: await deep };
  }

  /** The features that need no model. */
  describeLuma(image: Image): LumaFeatures {
    const luma = this.#pixels.luma(image);
    return { ehd: this.#edgesOf(luma), local: this.#sift.describe(luma) };
  }

  /** Like {@link describeLuma}; local descriptors may be a view that the next call overwrites. */
  viewLuma(image: Image): LumaFeatures {
    const luma = this.#pixels.luma(image);
    const sift = this.#sift;
    return { ehd: this.#edgesOf(luma), local: sift instanceof DenseSift ? sift.view(luma) : sift.describe(luma) };
  }

  #edgesOf(luma: Luma): Float32Array {
    return expandEdges(dequantizeEdges(quantizeEdges(this.#edges.describe(luma))));
  }

  /**
   * The deep descriptor alone, f32[model.dims].
   * @throws When the runtime refuses the model. {@link RetrievalError}
   */
  describeDeep(image: Image): Promise<Float32Array> {
    return this.#deep.describe(image);
  }
}
