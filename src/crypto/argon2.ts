/**
 * Argon2id (RFC 9106), version 0x13: passphrase -> 32 bytes. By `hash-wasm`, or by `@noble/hashes` where the platform forbids
 * compiling at run time (workers, strict content security policies); both give the same bytes. Each is loaded when it is first needed.
 * @module
 */

/** What a guess costs. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** A key derivation: 32 bytes from passphrase and salt. Pass another one in where the default does not run. */
export type Argon2 = (passphrase: Uint8Array, salt: Uint8Array, cost: Argon2Cost) => Promise<Uint8Array>;

/** 64 MiB, 3 passes, 1 lane: the second recommendation of RFC 9106 (section 4) with one lane, for single-threaded engines. */
export const DEFAULT_COST: Argon2Cost = { memoryKib: 65536, passes: 3, lanes: 1 };

const HASH_BYTES = 32;

/** Argon2id by `hash-wasm`: 3-4 times as fast. */
export const argon2Wasm: Argon2 = async (password, salt, { memoryKib, passes, lanes }) => {
  const { argon2id } = await import('./argon2-wasm.ts');
  return argon2id({
    password,
    salt,
    memorySize: memoryKib,
    iterations: passes,
    parallelism: lanes,
    hashLength: HASH_BYTES,
    outputType: 'binary',
  });
};

/** Argon2id in plain JavaScript: runs everywhere. */
export const argon2Portable: Argon2 = async (password, salt, { memoryKib, passes, lanes }) => {
  const { argon2idAsync } = await import('@noble/hashes/argon2.js');
  return argon2idAsync(password, salt, { m: memoryKib, t: passes, p: lanes, dkLen: HASH_BYTES, maxmem: 2 ** 31 });
};

/** The fast one where it runs, else the portable one. */
export const defaultArgon2: Argon2 = async (passphrase, salt, cost) => {
  try {
    return await argon2Wasm(passphrase, salt, cost);
  } catch {
    return argon2Portable(passphrase, salt, cost);
  }
};
