/**
 * What a server would hold of some codes, made as a client makes it.
 * @module
 */
import { numbersOf } from '../base/stored-vector.ts';
import type { IndexParameters } from '../client/index-parameters.ts';
import { createRanker } from '../client/rankers.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { LibraryKeys, newLibraryKey } from '../crypto/keys.ts';
import { SecureKnn } from '../crypto/secure-knn.ts';

/** Codes under keys. */
export interface SealedIndex {
  /** f32[count * dims]; empty unless the server ranks. */
  readonly vectors: Float32Array;
  /** Per image; empty when the client ranks. */
  readonly tokens: readonly BigUint64Array[];
  /** What is sent for a query: f32[dims]. */
  readonly trapdoor: (query: Float32Array) => Float32Array;
}

/**
 * Seals codes.
 * @param codes - u8[count * codeBytes].
 * @param keys - Drawn for the occasion when absent.
 */
export function sealIndex(
  kernels: WebAssembly.Module,
  vocabulary: Vocabulary,
  index: IndexParameters,
  codes: Uint8Array,
  keys: LibraryKeys = new LibraryKeys(newLibraryKey()),
): SealedIndex {
  const { bits, codeBytes } = vocabulary;
  const count = codes.length / codeBytes;
  const { noise, split } = index;
  const ranked = index.ranking === 'server';
  const knn = new SecureKnn(kernels, { key: keys.get('knn'), bits, noise, split });
  // Vectors are quicker many at a time.
  const ranker = createRanker({
    ...{ kernels, keys, vocabulary, parameters: new Uint8Array(32) },
    index: { ...index, ranking: ranked ? 'split' : index.ranking },
    transport: () => Promise.reject(new Error('nothing is sent')),
    root: () => Promise.resolve(() => Promise.resolve(undefined)),
    plausible: () => Promise.resolve(),
  });
  const tokens = Array.from(
    { length: count },
    (_, i) => ranker.protect(codes.subarray(i * codeBytes, (i + 1) * codeBytes)).tokens,
  );
  const vectors = ranked ? knn.sealMany(codes, count) : new Float32Array(0);
  if (index.vectors === 'int8')
    for (let at = 0; at < vectors.length; at += knn.dims)
      vectors.set(numbersOf(knn.round(vectors.subarray(at, at + knn.dims))), at);
  return {
    vectors,
    tokens: index.ranking === 'client' ? [] : tokens,
    trapdoor: (query) => knn.trapdoor(query),
  };
}
