/** A small vocabulary with seeded numbers, for tests. */
import { packSigns } from '../src/codes/pack-signs.ts';
import { FEATURES, type Block, type Feature } from '../src/codes/block.ts';
import { makeReferences } from '../src/codes/curves.ts';
import { createVocabulary } from '../src/codes/vocabulary-format.ts';
import type { Vocabulary, VocabularyContent } from '../src/codes/vocabulary.ts';
import { floats } from './support.ts';

/** Numbers of each descriptor. */
export const DIMS: Record<Feature, number> = { ehd: 10, bow: 6, deep: 12 };

export function smallBlock(feature: Feature, bits: number, seed: number): Block {
  const dims = DIMS[feature];
  return {
    ...{ feature, dims, bits, normalise: feature !== 'ehd' },
    mean: floats(dims, seed).map((value) => value / 10),
    matrix: floats(bits * dims, seed + 1),
    offset: floats(bits, seed + 2).map((value) => value / 100),
    deviation: floats(bits, seed + 3).map(Math.abs),
  };
}

export function smallContent(bits: Record<Feature, number> = { ehd: 16, bow: 24, deep: 24 }): VocabularyContent {
  const blocks = {} as Record<Feature, Block>;
  FEATURES.forEach((feature, i) => (blocks[feature] = smallBlock(feature, bits[feature], 10 * i + 1)));
  const total = bits.ehd + bits.bow + bits.deep;
  const codes = packSigns(floats(9 * total, 77));
  const used = FEATURES.filter((feature) => bits[feature] > 0).length;
  const weight = (feature: Feature) => (bits[feature] > 0 ? 1 / used : 0);
  return {
    origin: 'seeded numbers',
    model: { id: 'tiny', sha256: '0123456789abcdef'.repeat(4), dims: DIMS.deep, inputSide: 32, inputFit: 'square' },
    local: { kind: 'dense', options: { step: 8, binSizes: [4, 6], contrast: 0.03 } },
    workingSide: 512,
    codebook: floats(DIMS.bow * 128, 5),
    idf: floats(DIMS.bow, 6),
    blocks,
    staticWeights: { ehd: weight('ehd'), bow: weight('bow'), deep: weight('deep') },
    references: makeReferences(codes, blocks),
    centroids: floats(12 * total, 8),
    deepMean: floats(DIMS.deep, 9),
  };
}

export function smallVocabulary(bits?: Record<Feature, number>): Vocabulary {
  return createVocabulary(smallContent(bits));
}
