/**
 * The library root by node:crypto and BigInt, from FORMATS alone: the sum of a set of ids, and the bytes inside the seal.
 */
import { createHmac } from 'node:crypto';
import { hkdf, hkdfExpand } from './keys.ts';

/** The plaintext of a root, 97 bytes. @param secret - First 32 bytes of the library key. */
export function rootBytes(
  secret: Uint8Array,
  parameters: Uint8Array,
  changes: number,
  ids: readonly Uint8Array[],
): Buffer {
  const sumKey = hkdfExpand(hkdf(secret, 'blindsight/1/root'), 'blindsight/1/root/sum', 32);
  let sum = 0n;
  const xor = Buffer.alloc(16);
  for (const id of ids) {
    const digest = createHmac('sha256', sumKey).update(id).digest();
    // Little-endian: the digest read from its end.
    sum += BigInt(`0x${Buffer.from(digest).reverse().toString('hex')}`);
    for (const [i, byte] of id.entries()) xor[i]! ^= byte;
  }
  const head = Buffer.alloc(49);
  head.set(parameters, 1);
  head.writeBigUInt64LE(BigInt(changes), 33);
  head.writeBigUInt64LE(BigInt(ids.length), 41);
  const tail = Buffer.from((sum % 2n ** 256n).toString(16).padStart(64, '0'), 'hex').reverse();
  return Buffer.concat([head, xor, tail]);
}
