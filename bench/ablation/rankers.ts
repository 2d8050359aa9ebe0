/** Ways to rank a collection that is held as plaintext. */
import { FEATURES, type Feature } from '../../src/codes/block.ts';
import { broaden, CopyEvidence } from '../../src/codes/copy-evidence.ts';
import { blockStarts } from '../../src/codes/curves.ts';
import type { Projections } from '../../src/codes/encoder.ts';
import { fuseRanks } from '../../src/codes/rank-fusion.ts';
import type { Collection, Weighing } from '../../src/eval/collection.ts';
import { cosines, yardstick } from '../../src/eval/float-cosine.ts';
import { rank } from '../../src/eval/metrics.ts';
import { asSearched } from '../as-searched.ts';
import type { Ranker } from './measure.ts';

/** The yardstick. */
export function float(deep: Float32Array, mean: Float32Array): Ranker {
  const dims = mean.length;
  const units = yardstick(deep, mean);
  return (query) => cosines(units, dims, units.subarray(query * dims, (query + 1) * dims));
}

/** One feature, or a weighted sum; real-valued queries unless `symmetric`. */
export function weighted(collection: Collection, weighing: Weighing, symmetric = false): Ranker {
  return (query) =>
    collection.scores(
      collection.fusion.query(collection.encoded[query]!.projections, collection.weights(query, weighing), {
        asymmetric: !symmetric,
      }),
    );
}

/** Features that have bits. */
function used(collection: Collection): Feature[] {
  return FEATURES.filter((feature) => collection.vocabulary.blocks[feature].bits > 0);
}

/**
 * `prod_f ((1 + s_f) / 2)^w_f`, as Zheng et al. (CVPR 2015) fuse: no inner product of one code, so it cannot run on ciphertext.
 */
export function product(collection: Collection, weighing: Weighing): Ranker {
  return (query) => {
    const weights = collection.weights(query, weighing);
    const logarithms = new Float64Array(collection.count);
    for (const feature of used(collection)) {
      const scores = weighted(collection, feature)(query);
      for (let i = 0; i < logarithms.length; i++)
        logarithms[i]! +=
          weights[feature] * Math.log(Math.max(1e-6, (1 + scores[i]! / collection.vocabulary.bits) / 2));
    }
    return logarithms;
  };
}

/** Reciprocal ranks of the single features. */
export function reciprocal(collection: Collection): Ranker {
  return (query) =>
    fuseRanks(
      used(collection).map((feature) => rank(weighted(collection, feature)(query))),
      collection.count,
    );
}

/**
 * Query expansion on the client: it opens the codes of the first `answers` and asks again with the sum of the query and their bits, each
 * of norm 1 a feature (average query expansion: Chum et al., "Total recall", ICCV 2007).
 */
export function expanded(collection: Collection, weighing: Weighing, answers: number): Ranker {
  const { blocks } = collection.vocabulary;
  const starts = blockStarts(blocks);
  return (query) => {
    const weights = collection.weights(query, weighing);
    const { projections } = collection.encoded[query]!;
    const first = rank(collection.scores(collection.fusion.query(projections, weights)), query).subarray(0, answers);
    const sum = {} as Projections;
    for (const feature of FEATURES) {
      const norm = Math.sqrt(projections[feature].reduce((total, value) => total + value * value, 0));
      sum[feature] = projections[feature].map((value) => (norm > 0 ? value / norm : 0));
      const unit = 1 / Math.sqrt(blocks[feature].bits);
      for (const answer of first) {
        const { code } = collection.encoded[answer]!;
        for (let j = 0, at = starts[feature]; j < blocks[feature].bits; j++, at++)
          sum[feature][j]! += (code[at >> 3]! >> (at & 7)) & 1 ? unit : -unit;
      }
    }
    return collection.scores(collection.fusion.query(sum, weights));
  };
}

/** As a search orders its answer: copies of the query first. */
export function searched(collection: Collection): Ranker {
  const plain = weighted(collection, 'adaptive');
  return (query) => {
    const { projections } = collection.encoded[query]!;
    const evidence = new CopyEvidence(collection.vocabulary, projections);
    const drawn = collection.fusion.query(projections, broaden(collection.weights(query, 'adaptive')));
    const [scores, broad] = [Float32Array.from(plain(query)), Float32Array.from(collection.scores(drawn))];
    return asSearched(scores, broad, query, evidence, (photo) => collection.encoded[photo]!.code);
  };
}

/** Static weights, or adaptive ones, with the accuracy of the features in training raised to another power than `trained`. */
export function repowered(collection: Collection, rule: 'static' | 'adaptive', power: number, trained: number): Ranker {
  return (query) => {
    const weights = { ...collection.weights(query, rule) };
    const { staticWeights } = collection.vocabulary;
    for (const feature of FEATURES)
      if (staticWeights[feature] > 0) weights[feature] *= staticWeights[feature] ** (power / trained - 1);
    const sum = FEATURES.reduce((total, feature) => total + weights[feature], 0);
    for (const feature of FEATURES) weights[feature] /= sum;
    return collection.scores(collection.fusion.query(collection.encoded[query]!.projections, weights));
  };
}
