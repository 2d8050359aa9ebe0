/**
 * Credentials in a file, next to a server. Changes hold from the next request on.
 * @module
 */
import { readFile, stat } from 'node:fs/promises';
import { RetrievalError } from '../base/errors.ts';
import {
  createCredential,
  formatCredentials,
  parseCredentials,
  type Credential,
  type Role,
} from '../server/credentials.ts';
import { writeWhole } from './library-files.ts';

/**
 * Reads a credentials file.
 * @throws `not-found`, `unreadable-file`, `corrupt-credentials`, `unsupported-version`. {@link RetrievalError}
 */
export async function readCredentials(path: string): Promise<Credential[]> {
  try {
    return parseCredentials(await readFile(path, 'utf8'));
  } catch (error) {
    throw error instanceof RetrievalError ? error : readFailure(path, error);
  }
}

/**
 * The credentials of a file, read again whenever it has changed. While the file is missing or damaged there are none: the
 * function rejects, as {@link readCredentials} does.
 */
export function watchCredentials(path: string): () => Promise<readonly Credential[]> {
  let state = '';
  let credentials: Promise<readonly Credential[]> = Promise.resolve([]);
  return async () => {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true }).catch((error: unknown) => {
      state = '';
      throw readFailure(path, error);
    });
    const now = [ino, size, mtimeNs, ctimeNs].join(' ');
    if (now !== state) {
      state = now;
      credentials = readCredentials(path);
    }
    return credentials;
  };
}

/**
 * Adds a credential; makes the file when there is none.
 * @returns The token, which is shown once and kept nowhere.
 * @throws On a name that is taken or no name. {@link RangeError}
 */
export async function addCredential(path: string, name: string, role: Role): Promise<string> {
  const { credential, token } = createCredential(name, role);
  const known = await readCredentials(path).catch((error: unknown) => {
    if (error instanceof RetrievalError && error.code === 'not-found') return [];
    throw error;
  });
  if (known.some((other) => other.name === name))
    throw new RangeError(`"name" expected a new one, got ${name}: revoke it first`);
  await writeWhole(path, formatCredentials([...known, credential]));
  return token;
}

/**
 * Takes a credential away.
 * @throws `not-found` when there is none of this name. {@link RetrievalError}
 */
export async function revokeCredential(path: string, name: string): Promise<void> {
  const known = await readCredentials(path);
  const left = known.filter((credential) => credential.name !== name);
  if (left.length === known.length) throw new RetrievalError('not-found', `there is no credential ${name}`);
  await writeWhole(path, formatCredentials(left));
}

function readFailure(path: string, error: unknown): RetrievalError {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
    ? new RetrievalError('not-found', `there is no credentials file ${path}: blindsight credential add makes one`)
    : new RetrievalError('unreadable-file', `cannot read ${path}`, { cause: error });
}
