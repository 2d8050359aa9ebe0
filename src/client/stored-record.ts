/**
 * Opening what the server keeps of an image, for one vocabulary.
 * @module
 */
import { equalBytes } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { decodeRecord, openRecordBytes, type ImageRecord } from '../crypto/record.ts';

/** A record, and its bytes for keeping. */
export interface OpenedRecord {
  readonly record: ImageRecord;
  readonly bytes: Uint8Array;
}

/**
 * @param key - Key `record`.
 * @param sealed - Empty where the server itself found it damaged.
 * @throws `decrypt-failed` when it was altered, `corrupt-record` when it is damaged, `parameter-mismatch` when its code is of
 *   another vocabulary. {@link RetrievalError}
 */
export function openStored(key: Uint8Array, vocabulary: Vocabulary, id: Uint8Array, sealed: Uint8Array): OpenedRecord {
  if (sealed.length === 0) throw new RetrievalError('corrupt-record', 'the checksum of a record does not match');
  const bytes = openRecordBytes(key, id, sealed);
  const record = decodeRecord(bytes);
  if (
    record.indexed &&
    (!equalBytes(record.fingerprint, vocabulary.fingerprint) || record.code.length !== vocabulary.codeBytes)
  )
    throw new RetrievalError('parameter-mismatch', 'a record was made with another vocabulary');
  return { record, bytes };
}

/** As {@link openStored}, but the error is returned: one damaged record is no reason to find none. */
export function tryStored(...what: Parameters<typeof openStored>): OpenedRecord | RetrievalError {
  try {
    return openStored(...what);
  } catch (error) {
    if (error instanceof RetrievalError) return error;
    throw error;
  }
}
