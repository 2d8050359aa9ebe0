/**
 * The tokens of one library, by the family that its index parameters name.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import { FEATURES } from '../codes/block.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { CentroidTokens } from '../crypto/centroid-tokens.ts';
import type { LibraryKeys } from '../crypto/keys.ts';
import { LshTokens, type SampledBlock } from '../crypto/lsh-tokens.ts';
import type { TokenFamily } from '../crypto/token-family.ts';
import type { IndexParameters } from './index-parameters.ts';

/**
 * @throws `parameter-mismatch` when the vocabulary has fewer centroids than the parameters ask for. {@link RetrievalError}
 * @throws On parameters that no code of the vocabulary has enough bits for. {@link RangeError}
 */
export function libraryTokens(
  keys: LibraryKeys,
  vocabulary: Vocabulary,
  { prefilter }: Pick<IndexParameters, 'prefilter'>,
): TokenFamily {
  const { fingerprint, centroids, bits } = vocabulary;
  if (prefilter.family === 'lsh')
    return new LshTokens(
      { token: keys.get('token/lsh'), sample: keys.get('index/lsh-sample') },
      {
        tables: prefilter.tables,
        bitsPerTable: prefilter.sampledBits,
        blocks: sampledBlocks(vocabulary),
        fingerprint,
      },
    );
  const { assigned } = prefilter;
  if (assigned * bits > centroids.length)
    throw new RetrievalError(
      'parameter-mismatch',
      `the vocabulary has ${centroids.length / bits} bucket centroids, and ${assigned} are asked for: train it with --centroids, or use family lsh`,
    );
  const blocks = FEATURES.map((feature) => ({
    bits: vocabulary.blocks[feature].bits,
    weight: vocabulary.staticWeights[feature],
  }));
  return new CentroidTokens(keys.get('token/centroid'), { centroids, blocks, assigned, fingerprint });
}

/** How often LSH samples each block. */
export function sampledBlocks({ blocks, staticWeights }: Vocabulary): SampledBlock[] {
  return FEATURES.map((feature) => ({
    bits: blocks[feature].bits,
    weight: Math.round(65535 * staticWeights[feature]),
  }));
}
