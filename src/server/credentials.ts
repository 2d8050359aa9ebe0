/**
 * Who may ask a server for what: bearer tokens, of which the server keeps digests only.
 *
 * A token is 256 random bits, so a plain SHA-256 of it can neither be guessed nor inverted; there is no password to
 * be slow for. A credentials file is JSON:
 *
 *     { "format": "blindsight-credentials", "version": 0,
 *       "credentials": [{ "name": "anna", "role": "owner", "sha256": "64 hexadecimal digits", "createdAt": "..." }] }
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { assertString } from '../base/assert.ts';
import { fromHex, toHex, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Request } from '../protocol/messages.ts';

/** `owner` may ask for everything, `viewer` may look. */
export type Role = 'owner' | 'viewer';

export const ROLES: readonly Role[] = ['owner', 'viewer'];

/** One user of a server. */
export interface Credential {
  /** Unique; stands in logs. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token. */
  readonly digest: Uint8Array;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

const FORMAT = 'blindsight-credentials';
const VERSION = 0;
const TOKEN_BYTES = 32;
const DIGEST_BYTES = 32;
// What no token is longer than, so that nobody has a server hash megabytes.
const MAX_HEADER_LENGTH = 256;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/i;

/** The least that a message takes. A list of all kinds, so that no new one is open by oversight. */
const LEAST_ROLE: Record<Request['kind'], Role> = {
  info: 'viewer',
  has: 'viewer',
  search: 'viewer',
  candidates: 'viewer',
  sync: 'viewer',
  records: 'viewer',
  keys: 'viewer',
  list: 'viewer',
  blob: 'viewer',
  heads: 'viewer',
  begin: 'owner',
  activate: 'owner',
  discard: 'owner',
  put: 'owner',
  remove: 'owner',
  verify: 'owner',
  salvage: 'owner',
  repair: 'owner',
};

/** Whether a role may send messages of a kind. */
export function mayAsk(role: Role, kind: Request['kind']): boolean {
  return role === 'owner' || LEAST_ROLE[kind] === role;
}

/**
 * Makes a credential and its token. The token is nowhere else: it cannot be shown again.
 * @param name - Letters, digits, `.`, `_` and `-`, at most 63.
 * @throws On another name or role. {@link RangeError}
 */
export function createCredential(
  name: string,
  role: Role,
): { readonly credential: Credential; readonly token: string } {
  assertString(name, 'name');
  if (!NAME.test(name)) throw new RangeError('"name" expected up to 63 letters, digits, dots, dashes');
  if (!ROLES.includes(role)) throw new RangeError(`"role" expected ${ROLES.join(' or ')}, got ${String(role)}`);
  const token = `bst_${toHex(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)))}`;
  return { credential: { name, role, digest: digestOf(token), createdAt: Date.now() }, token };
}

function digestOf(token: string): Uint8Array {
  return sha256(utf8(token));
}

/**
 * Whose request this is.
 * @param authorization - The header: `Bearer TOKEN`.
 * @returns Undefined for nobody's. Takes the same time whichever credential it is, and whether there is one.
 */
export function authenticate(authorization: string | null, credentials: readonly Credential[]): Credential | undefined {
  if (authorization === null || authorization.length > MAX_HEADER_LENGTH) return undefined;
  const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (token === undefined) return undefined;
  const digest = digestOf(token);
  let found: Credential | undefined;
  for (const credential of credentials) if (sameDigest(credential.digest, digest)) found = credential;
  return found;
}

/** Constant time. */
function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ DIGEST_BYTES;
  for (let i = 0; i < DIGEST_BYTES; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Inverse of {@link parseCredentials}. */
export function formatCredentials(credentials: readonly Credential[]): string {
  const entries = credentials.map(({ name, role, digest, createdAt }) => ({
    name,
    role,
    sha256: toHex(digest),
    createdAt: new Date(createdAt).toISOString(),
  }));
  return `${JSON.stringify({ format: FORMAT, version: VERSION, credentials: entries }, undefined, 2)}\n`;
}

/**
 * Reads a credentials file.
 * @throws `corrupt-credentials` or `unsupported-version`. {@link RetrievalError}
 */
export function parseCredentials(text: string): Credential[] {
  const damaged = new RetrievalError('corrupt-credentials', 'the credentials file is damaged');
  let file: { format?: unknown; version?: unknown; credentials?: unknown } | null;
  try {
    file = JSON.parse(text) as typeof file;
  } catch {
    throw damaged;
  }
  if (typeof file !== 'object' || file?.format !== FORMAT || !Array.isArray(file.credentials)) throw damaged;
  if (file.version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected credentials version ${VERSION}`);
  const names = new Set<string>();
  return file.credentials.map((entry: Record<string, unknown> | null) => {
    const { name, role, sha256: hex, createdAt } = entry ?? {};
    const digest = typeof hex === 'string' ? fromHex(hex) : undefined;
    const created = typeof createdAt === 'string' ? Date.parse(createdAt) : NaN;
    if (typeof name !== 'string' || !NAME.test(name) || names.has(name)) throw damaged;
    if (!ROLES.includes(role as Role) || digest?.length !== DIGEST_BYTES || Number.isNaN(created)) throw damaged;
    names.add(name);
    return { name, role: role as Role, digest, createdAt: created };
  });
}
