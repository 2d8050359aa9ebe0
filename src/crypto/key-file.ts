/**
 * The key file: the library key at rest, wrapped by a passphrase and, independently, by 24 recovery words. Version 0. Little-endian.
 *
 * | offset | type   | field      |                                                                           |
 * | -----: | ------ | ---------- | ------------------------------------------------------------------------- |
 * |      0 | u8[4]  | magic      | `BSKF`                                                                    |
 * |      4 | u16    | version    | 0                                                                         |
 * |      6 | u8     | kdf        | 1: Argon2id, version 0x13                                                 |
 * |      7 | u8     | lanes      | 1..=16                                                                    |
 * |      8 | u32    | memoryKib  | 8 * lanes ..= 1 GiB                                                       |
 * |     12 | u32    | passes     | 1..=64; memoryKib * passes at most 4 GiB                                  |
 * |     16 | u8[16] | salt       |                                                                           |
 * |     32 | u8[104]| recovery   | library key, sealed under HKDF(recovery secret, 'recovery')               |
 * |    136 | u8[104]| passphrase | library key, sealed under Argon2id(passphrase, salt)                      |
 * |    240 | u8[32] | checksum   | SHA-256 of all before it                                                  |
 *
 * Sealed = XChaCha20-Poly1305, `nonce (24) || ciphertext (64) || tag (16)`. Context of `recovery`: `'recovery' || bytes 0..6`, so that it outlives a change
 * of passphrase; of `passphrase`: `'passphrase' || bytes 0..136`, so that an altered cost, salt or recovery part does not open.
 * The checksum has no key: it only tells a damaged file from a wrong passphrase.
 *
 * A passphrase is taken as UTF-8 of its NFKC form. The recovery secret is 256 random bits, shown as 24 English BIP-39 words.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes, assertInteger, assertString } from '../base/assert.ts';
import { ByteReader, ByteWriter, concat, equalBytes, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { DEFAULT_COST, defaultArgon2, type Argon2, type Argon2Cost } from './argon2.ts';
import { LIBRARY_KEY_BYTES, deriveKey } from './keys.ts';
import { randomBytes } from './random.ts';
import { SEAL_BYTES, openBytes, sealBytes } from './seal.ts';
import { wipe } from './wipe.ts';

const MAGIC = 0x464b5342; // "BSKF" read as a little-endian u32
const VERSION = 0;
const KDF_ARGON2ID = 1;
const SALT_BYTES = 16;
const WRAP_BYTES: number = LIBRARY_KEY_BYTES + SEAL_BYTES;
const PREFIX_BYTES = 6;
const RECOVERY_AT = 32;
const PASSPHRASE_AT: number = RECOVERY_AT + WRAP_BYTES;
const CHECKSUM_AT: number = PASSPHRASE_AT + WRAP_BYTES;
const CHECKSUM_BYTES = 32;

/** Bytes of a key file. */
export const KEY_FILE_BYTES: number = CHECKSUM_AT + CHECKSUM_BYTES;

const MAX_LANES = 16;
const MAX_MEMORY_KIB = 2 ** 20;
const MAX_PASSES = 64;
/** memoryKib * passes: some ten seconds. A file may not ask for more. */
const MAX_WORK = 2 ** 22;

/** How a passphrase is hashed. */
export interface KeyFileOptions {
  /** For a new passphrase. Default: 64 MiB, 3 passes, 1 lane. */
  readonly cost?: Argon2Cost;
  /** Another implementation of Argon2id. */
  readonly argon2?: Argon2;
}

/** What opens a key file. */
export type KeyFileOpener = { readonly passphrase: string } | { readonly words: string };

/** A new key file. */
export interface NewKeyFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** 24 words. Shown once, kept nowhere. */
  readonly words: string;
}

/**
 * Wraps a library key by a passphrase and by new recovery words.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On an empty passphrase, or a cost out of range. {@link RangeError}
 */
export async function createKeyFile(
  libraryKey: Uint8Array,
  passphrase: string,
  options: KeyFileOptions = {},
): Promise<NewKeyFile> {
  assertBytes(libraryKey, 'libraryKey', LIBRARY_KEY_BYTES);
  const { entropyToMnemonic, wordlist } = await import('./bip39.ts');
  const secret = randomBytes(32);
  const recoveryKey = deriveKey(secret, 'recovery');
  const recovery = sealBytes(recoveryKey, recoveryContext(prefixBytes()), libraryKey);
  const words = entropyToMnemonic(secret, wordlist);
  wipe(secret, recoveryKey);
  return { bytes: await assemble(libraryKey, recovery, passphrase, options), words };
}

/**
 * The library key.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On an empty passphrase. {@link RangeError}
 * @throws `wrong-passphrase`; `corrupt-key-file`; `unsupported-version`. {@link RetrievalError}
 */
export async function openWithPassphrase(
  file: Uint8Array,
  passphrase: string,
  { argon2 = defaultArgon2 }: KeyFileOptions = {},
): Promise<Uint8Array> {
  const { cost, salt } = parse(file);
  const key = await hash(argon2, passphrase, salt, cost);
  const context = passphraseContext(file.subarray(0, PASSPHRASE_AT));
  const libraryKey = openBytes(key, context, file.subarray(PASSPHRASE_AT, CHECKSUM_AT));
  wipe(key);
  if (libraryKey === undefined)
    throw new RetrievalError('wrong-passphrase', 'the passphrase does not open the key file');
  return libraryKey;
}

/**
 * The library key, by the recovery words; upper case and extra spaces are forgiven.
 * @throws On wrong argument types. {@link TypeError}
 * @throws `wrong-passphrase`: other words, or no such words at all; `corrupt-key-file`; `unsupported-version`. {@link RetrievalError}
 */
export async function openWithWords(file: Uint8Array, words: string): Promise<Uint8Array> {
  assertString(words, 'words');
  parse(file);
  const { mnemonicToEntropy, wordlist } = await import('./bip39.ts');
  const wrong = new RetrievalError('wrong-passphrase', 'the recovery words do not open the key file');
  let secret: Uint8Array;
  try {
    secret = mnemonicToEntropy(words.normalize('NFKD').toLowerCase().trim().split(/\s+/).join(' '), wordlist);
  } catch {
    throw wrong;
  }
  const key = deriveKey(secret, 'recovery');
  const context = recoveryContext(file.subarray(0, PREFIX_BYTES));
  const libraryKey = openBytes(key, context, file.subarray(RECOVERY_AT, PASSPHRASE_AT));
  wipe(secret, key);
  if (libraryKey === undefined) throw wrong;
  return libraryKey;
}

/**
 * A key file of the same library key and recovery words under another passphrase.
 * @param opener - The old passphrase, or the recovery words.
 * @throws As {@link openWithPassphrase} or {@link openWithWords}, and {@link createKeyFile}.
 */
export async function changePassphrase(
  file: Uint8Array,
  opener: KeyFileOpener,
  passphrase: string,
  options: KeyFileOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const libraryKey =
    'words' in opener
      ? await openWithWords(file, opener.words)
      : await openWithPassphrase(file, opener.passphrase, options);
  try {
    return await assemble(libraryKey, file.subarray(RECOVERY_AT, PASSPHRASE_AT), passphrase, options);
  } finally {
    wipe(libraryKey);
  }
}

/**
 * How the passphrase of a key file is hashed.
 * @throws `corrupt-key-file`; `unsupported-version`. {@link RetrievalError}
 */
export function keyFileCost(file: Uint8Array): Argon2Cost {
  return parse(file).cost;
}

async function assemble(
  libraryKey: Uint8Array,
  recovery: Uint8Array,
  passphrase: string,
  { cost = DEFAULT_COST, argon2 = defaultArgon2 }: KeyFileOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  assertInteger(cost.lanes, 'cost.lanes', 1, MAX_LANES);
  assertInteger(cost.memoryKib, 'cost.memoryKib', 8 * cost.lanes, MAX_MEMORY_KIB);
  assertInteger(cost.passes, 'cost.passes', 1, Math.min(MAX_PASSES, Math.floor(MAX_WORK / cost.memoryKib)));
  const salt = randomBytes(SALT_BYTES);
  const key = await hash(argon2, passphrase, salt, cost);
  const head = new ByteWriter()
    .raw(prefixBytes())
    .u8(KDF_ARGON2ID)
    .u8(cost.lanes)
    .u32(cost.memoryKib)
    .u32(cost.passes)
    .raw(salt)
    .raw(recovery)
    .finish();
  const body = concat(head, sealBytes(key, passphraseContext(head), libraryKey));
  wipe(key);
  return concat(body, sha256(body));
}

/** Checks all that can be checked without a key, and bounds the cost before anything is spent on it. */
function parse(file: Uint8Array): { cost: Argon2Cost; salt: Uint8Array } {
  assertBytes(file, 'file');
  const reader = new ByteReader(file, 'corrupt-key-file');
  if (reader.u32() !== MAGIC) throw reader.error('expected magic BSKF');
  const version = reader.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected key file version ${VERSION}, got ${version}`);
  if (file.length !== KEY_FILE_BYTES) throw reader.error(`expected ${KEY_FILE_BYTES} bytes, got ${file.length}`);
  if (!equalBytes(sha256(file.subarray(0, CHECKSUM_AT)), file.subarray(CHECKSUM_AT)))
    throw reader.error('expected another checksum: the key file is damaged');
  const kdf = reader.u8();
  if (kdf !== KDF_ARGON2ID) throw reader.error(`expected key derivation ${KDF_ARGON2ID}, got ${kdf}`);
  const cost = { lanes: reader.u8(), memoryKib: reader.u32(), passes: reader.u32() };
  if (cost.lanes < 1 || cost.lanes > MAX_LANES) throw reader.error(`expected 1..${MAX_LANES} lanes, got ${cost.lanes}`);
  if (cost.memoryKib < 8 * cost.lanes || cost.memoryKib > MAX_MEMORY_KIB)
    throw reader.error(`expected at most ${MAX_MEMORY_KIB} KiB of memory, got ${cost.memoryKib}`);
  if (cost.passes < 1 || cost.passes > MAX_PASSES || cost.passes * cost.memoryKib > MAX_WORK)
    throw reader.error(`expected at most ${MAX_PASSES} passes and 4 GiB in all, got ${cost.passes} passes`);
  return { cost, salt: reader.raw(SALT_BYTES) };
}

async function hash(argon2: Argon2, passphrase: string, salt: Uint8Array, cost: Argon2Cost): Promise<Uint8Array> {
  assertString(passphrase, 'passphrase');
  const bytes = utf8(passphrase.normalize('NFKC'));
  if (bytes.length === 0) throw new RangeError('"passphrase" expected at least one character, got none');
  try {
    return await argon2(bytes, salt, cost);
  } finally {
    wipe(bytes);
  }
}

function prefixBytes(): Uint8Array {
  return new ByteWriter().u32(MAGIC).u16(VERSION).finish();
}

function recoveryContext(prefix: Uint8Array): Uint8Array {
  return concat(utf8('recovery'), prefix);
}

function passphraseContext(head: Uint8Array): Uint8Array {
  return concat(utf8('passphrase'), head);
}
