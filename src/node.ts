/**
 * Blindsight with batteries, for Node, Deno and Bun: libraries in folders, the LMDB store, the usual
 * decoders, ONNX Runtime, and the models and vocabulary of the package.
 * @module
 */
export * from './index.ts';
export * from './adapters/decoders.ts';
export * from './adapters/library.ts';
export * from './adapters/sharing.ts';
export { newIdentity, readIdentity, type AgeIdentity, type GrantRole } from './crypto/grant.ts';
export { MAX_SCAN_THREADS, ScanThreads } from './adapters/scan-threads.ts';
export { watchCredentials } from './adapters/credential-file.ts';
export { cacheFile } from './adapters/cache-file.ts';
export * from './adapters/package-files.ts';
export { publishStore, type Published } from './adapters/publish.ts';
export { createJimpDecoder } from './adapters/jimp-decoder.ts';
export { createSharpDecoder } from './adapters/sharp-decoder.ts';
export { loadOnnxModel, loadOnnxRuntime } from './adapters/onnx-model.ts';
export { importModel, listModels, pullModel, useModel } from './adapters/models.ts';
export { openLmdbStore, type LmdbOptions } from './stores/lmdb-store.ts';
