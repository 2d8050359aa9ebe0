/**
 * Which failures belong to one file, and which would meet every file after it.
 * @module
 */
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';
import { isConnectionFailure } from './transport.ts';

/** The file is no image that can be read here. Nothing else is wrong. */
const UNDECODABLE: ReadonlySet<RetrievalErrorCode> = /* @__PURE__ */ new Set([
  'empty-file',
  'not-an-image',
  'unsupported-format',
  'corrupt-image',
  'image-too-large',
] as const);

/** The store, the server, or the model: to go on would only repeat it. */
const FATAL: ReadonlySet<RetrievalErrorCode> = /* @__PURE__ */ new Set([
  'storage-full',
  'storage-failed',
  'library-locked',
  'server-failed',
  'corrupt-index',
  'corrupt-message',
  'unsupported-version',
  'model-unavailable',
  'parameter-mismatch',
  'cancelled',
] as const);

/** Whether the bytes cannot be decoded as an image, whatever is tried. */
export function isUndecodable(error: unknown): boolean {
  return error instanceof RetrievalError && UNDECODABLE.has(error.code);
}

/** Whether every file after this one would fail as well. */
export function isFatal(error: unknown): boolean {
  return isConnectionFailure(error) || (error instanceof RetrievalError && FATAL.has(error.code));
}
