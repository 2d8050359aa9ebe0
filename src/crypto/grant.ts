/**
 * A grant: what someone is given to join a library, sealed to their age public key (age-encryption.org/v1, X25519). Version 0. Little-endian.
 *
 * Inside the age file:
 *
 * | type   | field      |                                                                    |
 * | ------ | ---------- | ------------------------------------------------------------------ |
 * | u8[4]  | magic      | `BSGR`                                                             |
 * | u16    | version    | 0                                                                  |
 * | u8     | role       | 0: owner, 1: viewer                                                |
 * | u8     | reserved   | 0                                                                  |
 * | u8[64] | libraryKey |                                                                    |
 * | text   | server     | u32 length, at most 2048 bytes: address of the store               |
 * | block  | index      | u32 length, at most 4096 bytes: index parameters, JSON             |
 * | block  | vocabulary | u32 length, at most 64 MiB: the vocabulary file                    |
 *
 * The role is what the holder's own program keeps to. What the server lets someone do is told by their credential alone.
 * @module
 */
import { assertBytes, assertString } from '../base/assert.ts';
import { ByteReader, ByteWriter, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { LIBRARY_KEY_BYTES } from './keys.ts';
import { hold, wipe } from './wipe.ts';

const MAGIC = 0x52475342; // "BSGR" read as a little-endian u32
const VERSION = 0;
const MAX_SERVER_BYTES = 2048;
const MAX_INDEX_BYTES = 4096;
const MAX_VOCABULARY_BYTES: number = 64 * 1024 * 1024;

/** Roles in the order of their numbers. */
const ROLES = ['owner', 'viewer'] as const;

/** `owner` adds and removes, `viewer` searches and opens. */
export type GrantRole = (typeof ROLES)[number];

/** What a grant holds. */
export interface Grant {
  readonly role: GrantRole;
  /** 64 bytes. Wipe it after use. */
  readonly libraryKey: Uint8Array;
  /** Address of the store. */
  readonly server: string;
  /** Index parameters as UTF-8 JSON. */
  readonly index: Uint8Array;
  /** Bytes of the vocabulary file. */
  readonly vocabulary: Uint8Array;
}

/** Loaded by those alone who share: its import takes long. */
const age = () => import('age-encryption');

/** A key pair of someone who is to be let in, as age writes it. */
export interface AgeIdentity {
  /** `AGE-SECRET-KEY-1...`: keep it. */
  readonly secret: string;
  /** `age1...`: give it away. */
  readonly recipient: string;
}

/** A new key pair. */
export async function newIdentity(): Promise<AgeIdentity> {
  const { generateX25519Identity, identityToRecipient } = await age();
  const secret = await generateX25519Identity();
  return { secret, recipient: await identityToRecipient(secret) };
}

/**
 * The public key of an identity.
 * @param text - An identity file as `age-keygen` writes it: lines that start with `#` are remarks.
 * @throws `corrupt-grant` when there is no secret key in it. {@link RetrievalError}
 */
export async function readIdentity(text: string): Promise<AgeIdentity> {
  assertString(text, 'text');
  const secret = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#'));
  const { identityToRecipient } = await age();
  try {
    if (secret !== undefined) return { secret, recipient: await identityToRecipient(secret) };
  } catch {
    // Told below.
  }
  throw new RetrievalError('corrupt-grant', 'the identity file holds no age secret key (AGE-SECRET-KEY-1...)');
}

/**
 * Seals a grant to one person.
 * @param recipient - `age1...`.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On a recipient that is no age public key, or lengths out of range. {@link RangeError}
 */
export async function sealGrant(grant: Grant, recipient: string): Promise<Uint8Array> {
  assertString(recipient, 'recipient');
  const { Encrypter } = await age();
  const plaintext = encodeGrant(grant);
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch {
    wipe(plaintext);
    throw new RangeError('"recipient" expected an age public key (age1...), got another text');
  }
  try {
    return await encrypter.encrypt(plaintext);
  } finally {
    wipe(plaintext);
  }
}

/**
 * Opens a grant.
 * @throws `decrypt-failed`: it is for someone else, or was altered; `corrupt-grant`; `unsupported-version`. {@link RetrievalError}
 */
export async function openGrant(sealed: Uint8Array, { secret }: AgeIdentity): Promise<Grant> {
  assertBytes(sealed, 'sealed');
  const { Decrypter } = await age();
  const decrypter = new Decrypter();
  decrypter.addIdentity(secret);
  let plaintext: Uint8Array;
  try {
    plaintext = await decrypter.decrypt(sealed);
  } catch {
    throw new RetrievalError('decrypt-failed', 'the grant is for another identity, or it was altered');
  }
  try {
    return decodeGrant(plaintext);
  } finally {
    wipe(plaintext);
  }
}

/**
 * The bytes inside the seal. Inverse of {@link decodeGrant}.
 * @throws As {@link sealGrant}.
 */
export function encodeGrant({ role, libraryKey, server, index, vocabulary }: Grant): Uint8Array<ArrayBuffer> {
  const number = ROLES.indexOf(role);
  if (number < 0) throw new RangeError(`"role" expected ${ROLES.join(' or ')}, got ${String(role)}`);
  assertBytes(libraryKey, 'libraryKey', LIBRARY_KEY_BYTES);
  assertString(server, 'server');
  assertBytes(index, 'index');
  assertBytes(vocabulary, 'vocabulary');
  for (const [name, bytes, max] of [
    ['server', utf8(server), MAX_SERVER_BYTES],
    ['index', index, MAX_INDEX_BYTES],
    ['vocabulary', vocabulary, MAX_VOCABULARY_BYTES],
  ] as const)
    if (bytes.length === 0 || bytes.length > max)
      throw new RangeError(`"${name}" expected 1..${max} bytes, got ${bytes.length}`);
  const writer = new ByteWriter().u32(MAGIC).u16(VERSION).u8(number).u8(0).raw(libraryKey);
  return writer.block(utf8(server)).block(index).block(vocabulary).finish();
}

/**
 * Reads what was sealed. Trusts nothing.
 * @returns Copies.
 * @throws `corrupt-grant`; `unsupported-version`. {@link RetrievalError}
 */
export function decodeGrant(bytes: Uint8Array): Grant {
  const reader = new ByteReader(bytes, 'corrupt-grant');
  if (reader.u32() !== MAGIC) throw reader.error('expected magic BSGR');
  const version = reader.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected grant version ${VERSION}, got ${version}`);
  const role = ROLES[reader.u8()];
  if (role === undefined) throw reader.error('expected a known role');
  if (reader.u8() !== 0) throw reader.error('expected reserved byte 0');
  const libraryKey = hold(reader.raw(LIBRARY_KEY_BYTES));
  const server = reader.text(MAX_SERVER_BYTES);
  const index = reader.block(MAX_INDEX_BYTES).slice();
  const vocabulary = reader.block(MAX_VOCABULARY_BYTES).slice();
  reader.end();
  if (server === '' || index.length === 0 || vocabulary.length === 0) throw reader.error('expected no empty field');
  return { role, libraryKey, server, index, vocabulary };
}
