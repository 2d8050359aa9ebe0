/**
 * The vocabulary: all trained parameters of one system, in one file, named by the hash of its bytes.
 *
 * Everything that depends on it (code records, tokens, vectors, segments, trapdoors) carries its fingerprint;
 * two libraries can only compare codes of the same vocabulary. It is public: it is trained on public images.
 * Its bytes are in `vocabulary-format.ts`.
 * @module
 */
import type { Block, Feature } from './block.ts';

/** The deep extractor that the vocabulary was trained with. */
export interface VocabularyModel {
  readonly id: string;
  /** Of the model's file, lowercase hexadecimal. */
  readonly sha256: string;
  /** Numbers of its descriptor. */
  readonly dims: number;
  /** Pixels of its square input, along one side. */
  readonly inputSide: number;
  /** How an image is brought to that input: in its own proportions, or cut to its middle square. */
  readonly inputFit: 'area' | 'square';
}

/** The local features that the codebook was trained on. */
export interface LocalKind {
  readonly kind: 'keypoint' | 'dense';
  /** Of their extractor, by name. */
  readonly options: Readonly<Record<string, number | readonly number[]>>;
}

/** R public images with known codes, none or at least 4: what a query's scores are compared with to weigh the features. */
export interface References {
  readonly count: number;
  /** u8[count * codeBytes]: fused codes. */
  readonly codes: Uint8Array;
  /** u16[samples]: which ranks of a curve are stored, ascending, from 0 to at most `count - 2`. */
  readonly ranks: Uint16Array;
  /**
   * Per feature u16[count * samples]: the Hamming distances, in bits, from one reference to all others, in
   * ascending order, at the stored ranks. Hamming distances are whole numbers, so nothing is lost in storing them.
   */
  readonly curves: Readonly<Record<Feature, Uint16Array>>;
}

/** What training makes. */
export interface VocabularyContent {
  /** What it was trained on, for people. */
  readonly origin: string;
  readonly model: VocabularyModel;
  readonly local: LocalKind;
  /** Longest side of the working image, in pixels. */
  readonly workingSide: number;
  /** f32[words * 128]: centroids of local features. */
  readonly codebook: Float32Array;
  /** f32[words]: inverse document frequencies. */
  readonly idf: Float32Array;
  /** A feature that is not used has a block of 0 bits. */
  readonly blocks: Readonly<Record<Feature, Block>>;
  /** Sum 1. */
  readonly staticWeights: Readonly<Record<Feature, number>>;
  readonly references: References;
  /** f32[centroids * bits]: bucket centroids over L2-normalised fused projections; may be empty. */
  readonly centroids: Float32Array;
  /** f32[dims]: mean of the L2-normalised deep descriptors, for the float yardstick. */
  readonly deepMean: Float32Array;
}

/** A vocabulary that has been written or read, and therefore has a name. */
export interface Vocabulary extends VocabularyContent {
  /** SHA-256 of everything that the file holds before it: 32 bytes. */
  readonly fingerprint: Uint8Array;
  /** Bits of the fused code: a multiple of 64, at most 1024. */
  readonly bits: number;
  /** `bits / 8` */
  readonly codeBytes: number;
}
