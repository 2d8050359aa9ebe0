/**
 * What one index generation is made with, as a library keeps it beside its key: a vocabulary and index parameters.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import { decodeVocabulary } from '../codes/vocabulary-format.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { indexFingerprint, type IndexParameters } from './index-parameters.ts';

/** What one index generation is made with. */
export interface IndexFiles {
  readonly vocabulary: Vocabulary;
  readonly index: IndexParameters;
}

/**
 * Reads the description of an index.
 * @param vocabulary - Bytes of the vocabulary's file.
 * @param index - Index parameters as JSON.
 * @throws `corrupt-vocabulary`, `corrupt-index`. {@link RetrievalError}
 */
export function decodeIndex(vocabulary: Uint8Array, index: Uint8Array): IndexFiles {
  const decoded = decodeVocabulary(vocabulary);
  const parameters = parseObject(index, 'index.json') as IndexParameters;
  try {
    indexFingerprint(decoded.fingerprint, parameters);
  } catch (error) {
    throw new RetrievalError('corrupt-index', 'index.json holds no index parameters', { cause: error });
  }
  return { vocabulary: decoded, index: parameters };
}

/**
 * Reads a JSON object.
 * @param name - For people.
 * @throws `corrupt-index`. {@link RetrievalError}
 */
export function parseObject(bytes: Uint8Array, name: string): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new RetrievalError('corrupt-index', `${name} is damaged`);
}
