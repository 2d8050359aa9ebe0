/**
 * A labelled collection, encoded with one vocabulary and held as plaintext: what the studies of this folder rank.
 * @module
 */
import { FEATURES, type Feature } from '../codes/block.ts';
import { Encoder, type Encoded, type Projections } from '../codes/encoder.ts';
import { Fusion, type WeightRule, type Weights } from '../codes/fusion.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { AsymmetricTable } from '../search/asymmetric-table.ts';
import type { Photo } from './evaluate.ts';
import { rank } from './metrics.ts';

/** How a query weighs the features: one of them alone, or a rule. */
export type Weighing = Feature | WeightRule;

export class Collection {
  readonly vocabulary: Vocabulary;
  readonly labels: readonly string[];
  readonly encoded: readonly Encoded[];
  readonly encoder: Encoder;
  readonly fusion: Fusion;
  readonly #table: AsymmetricTable;

  /**
   * @param kernels - Compiled kernels.
   * @param photos - With descriptors of the vocabulary's model.
   */
  constructor(kernels: WebAssembly.Module, vocabulary: Vocabulary, photos: readonly Photo[]) {
    this.vocabulary = vocabulary;
    this.labels = photos.map(({ label }) => label);
    this.encoder = new Encoder(kernels, vocabulary);
    this.fusion = new Fusion(vocabulary);
    this.encoded = photos.map(({ descriptors }) => this.encoder.encode(descriptors));
    this.#table = new AsymmetricTable(kernels, vocabulary.codeBytes);
    for (const { code } of this.encoded) this.#table.add(code);
  }

  get count(): number {
    return this.encoded.length;
  }

  /** Weights of one photo as a query. */
  weights(query: number, weighing: Weighing): Weights {
    if ((FEATURES as readonly string[]).includes(weighing))
      return { ehd: 0, bow: 0, deep: 0, [weighing]: 1 } as Weights;
    return this.fusion.weights(this.encoded[query]!.projections, weighing as WeightRule);
  }

  /** f32[bits]: one photo as a query. */
  query(query: number, weighing: Weighing): Float32Array {
    return this.fusion.query(this.encoded[query]!.projections, this.weights(query, weighing));
  }

  /** Score of every photo. */
  scores(query: Float32Array): Float32Array {
    return this.#table.scores(query);
  }

  /** The other photos, best first. */
  ranking(query: number, weighing: Weighing): Uint32Array {
    return rank(this.scores(this.query(query, weighing)), query);
  }

  /** The same with the projections cut: `keep` of each block's bits, from the first on. */
  shortRanking(query: number, weighing: Weighing, keep: Readonly<Record<Feature, number>>): Uint32Array {
    const { projections } = this.encoded[query]!;
    const cut = {} as Projections;
    for (const feature of FEATURES) cut[feature] = projections[feature].slice().fill(0, keep[feature]);
    return rank(this.scores(this.fusion.query(cut, this.weights(query, weighing))), query);
  }
}
