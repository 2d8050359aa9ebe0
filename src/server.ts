/**
 * The server's entry, for every runtime: no `node:` module, no native code, no key.
 * @module
 */
export { RetrievalError, type RetrievalErrorCode } from './base/errors.ts';
export type * from './index/store.ts';
export type { Request, Response } from './protocol/messages.ts';
export { createServer, type Server, type ServerOptions } from './server/server.ts';
export { createMemoryStore } from './stores/memory-store.ts';
export { compileKernels } from './wasm/kernels.ts';
