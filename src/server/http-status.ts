/**
 * Coded errors as HTTP statuses.
 * @module
 */
import type { RetrievalErrorCode } from '../base/errors.ts';

const STATUS: Partial<Record<RetrievalErrorCode, number>> = {
  'corrupt-message': 400,
  'unsupported-version': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'unknown-id': 404,
  'timed-out': 408,
  'parameter-mismatch': 409,
  'index-incomplete': 409,
  conflict: 409,
  'library-locked': 409,
  'message-too-large': 413,
  'rate-limited': 429,
  'server-busy': 503,
  'storage-full': 507,
};

/** 500 for what a server is to blame for itself. */
export function statusOf(code: RetrievalErrorCode): number {
  return STATUS[code] ?? 500;
}
