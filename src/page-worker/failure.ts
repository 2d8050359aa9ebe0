/**
 * Errors as the page is told them.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { Failure } from '../page/calls.ts';

/** Code and message; of what nobody foresaw, no more than its kind. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RetrievalError) return { code: error.code, message: error.message };
  // A file that was moved or changed since it was chosen.
  if (error instanceof DOMException && (error.name === 'NotReadableError' || error.name === 'NotFoundError'))
    return { code: 'unreadable-file', message: 'the browser could not read the file' };
  console.error(error);
  return { code: 'failed', message: error instanceof Error ? error.message : 'something failed' };
}
