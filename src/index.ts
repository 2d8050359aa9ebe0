/**
 * Blindsight for every runtime: the client role, codes, features, search. Nothing native, nothing at import;
 * kernels, models, decoders and transport are passed in. `blindsight/node` wires the usual ones.
 * @module
 */
export { fromHex, toHex } from './base/bytes.ts';
export type { StoredVector, VectorFormat } from './base/stored-vector.ts';
export { RetrievalError, type RetrievalErrorCode } from './base/errors.ts';
export { compileKernels } from './wasm/kernels.ts';
export * from './client/client.ts';
export * from './client/add-images.ts';
export type { CacheFile } from './client/code-cache.ts';
export * from './client/extractor.ts';
export * from './client/http-transport.ts';
export * from './client/index-parameters.ts';
export type { Ranked } from './client/ranker.ts';
export * from './client/reindex.ts';
export * from './client/transport.ts';
export * from './client/upload-queue.ts';
export * from './client/verify-library.ts';
export { FEATURES, type Feature } from './codes/block.ts';
export type { Descriptors } from './codes/descriptors.ts';
export { decodeVocabulary, encodeVocabulary } from './codes/vocabulary-format.ts';
export type { Vocabulary } from './codes/vocabulary.ts';
export type { WeightRule, Weights } from './codes/fusion.ts';
export * from './crypto/key-file.ts';
export { newLibraryKey } from './crypto/keys.ts';
export type { DeepModel } from './features/deep.ts';
export { ImageReader } from './image/decode.ts';
export type { DecodedPixels, Decoder } from './image/decoder.ts';
export type { Image, Luma } from './image/image.ts';
export { RANKINGS, type Ranking } from './protocol/messages.ts';
export { HammingTable } from './search/hamming-table.ts';
export { AsymmetricTable } from './search/asymmetric-table.ts';
export { Int8Table } from './search/int8-table.ts';
export { VectorTable } from './search/vector-table.ts';
