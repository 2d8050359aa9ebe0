/**
 * The server's entry, for every runtime: no `node:` module, no native code, no key.
 * @module
 */
export { fromHex, toHex } from './base/bytes.ts';
export { RetrievalError, type RetrievalErrorCode } from './base/errors.ts';
export type * from './index/store.ts';
export type { Request, Response } from './protocol/messages.ts';
export {
  createCredential,
  formatCredentials,
  parseCredentials,
  type Credential,
  type Role,
} from './server/credentials.ts';
export { createHandler, type Handler, type HandlerLimits, type HandlerOptions, type LogEntry } from './server/http.ts';
export { createServer, type Server, type ServerOptions } from './server/server.ts';
export { createEditionStore, type EditionStoreOptions } from './stores/edition-store.ts';
export { createMemoryStore } from './stores/memory-store.ts';
export { compileKernels } from './wasm/kernels.ts';
