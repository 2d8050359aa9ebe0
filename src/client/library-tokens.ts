/**
 * The tokens of one library: LSH over the fused code, blocks sampled by their static weights.
 * @module
 */
import { FEATURES } from '../codes/block.ts';
import { LshTokens } from '../crypto/lsh-tokens.ts';
import type { RankerOptions } from './ranker.ts';

export function libraryTokens({ keys, vocabulary, index }: RankerOptions): LshTokens {
  return new LshTokens(
    { token: keys.get('token/lsh'), sample: keys.get('index/lsh-sample') },
    {
      tables: index.tables,
      bitsPerTable: index.sampledBits,
      blocks: FEATURES.map((feature) => ({
        bits: vocabulary.blocks[feature].bits,
        weight: Math.round(65535 * vocabulary.staticWeights[feature]),
      })),
      fingerprint: vocabulary.fingerprint,
    },
  );
}
