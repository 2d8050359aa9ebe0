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
 * @throws `decrypt-failed` when it was altered, `parameter-mismatch` when its code is of another vocabulary. {@link RetrievalError}
 */
export function openStored(key: Uint8Array, vocabulary: Vocabulary, id: Uint8Array, sealed: Uint8Array): OpenedRecord {
  const bytes = openRecordBytes(key, id, sealed);
  const record = decodeRecord(bytes);
  if (
    record.indexed &&
    (!equalBytes(record.fingerprint, vocabulary.fingerprint) || record.code.length !== vocabulary.codeBytes)
  )
    throw new RetrievalError('parameter-mismatch', 'a record was made with another vocabulary');
  return { record, bytes };
}
