/**
 * Errors on their way from a thread to another: a structured clone keeps neither their class nor their code.
 * @module
 */
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';

/** An error that can be cloned. */
export interface PackedError {
  /** Of a {@link RetrievalError}. */
  readonly code?: RetrievalErrorCode;
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly cause?: PackedError;
}

/** The caller's mistakes, which keep their class. Anything else that has no code becomes an `Error`. */
const MISTAKES: readonly ErrorConstructor[] = [TypeError, RangeError];

export function packError(error: unknown): PackedError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    ...(error instanceof RetrievalError ? { code: error.code } : {}),
    ...{ name, message, stack },
    ...(cause === undefined ? {} : { cause: packError(cause) }),
  };
}

export function unpackError({ code, name, message, stack, cause }: PackedError): Error {
  const options = cause === undefined ? {} : { cause: unpackError(cause) };
  const Mistake = MISTAKES.find((known) => known.name === name) ?? Error;
  const error = code === undefined ? new Mistake(message, options) : new RetrievalError(code, message, options);
  if (stack !== undefined) error.stack = stack;
  return error;
}
