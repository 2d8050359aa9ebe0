/**
 * The definition of SCHEME.md section 5, one lane and one number at a time, with HKDF-Expand (RFC 5869) by hand.
 */
import { createHmac } from 'node:crypto';

/** Keystream bytes `offset .. offset + length`. */
export function keystream(key: Uint8Array, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  const blocks = new Map<number, Uint8Array>();
  for (let i = 0; i < length; i++) {
    const number = Math.floor((offset + i) / 65536);
    if (!blocks.has(number)) blocks.set(number, blockStream(seedOf(key, number), 65536));
    out[i] = blocks.get(number)![(offset + i) % 65536]!;
  }
  return out;
}

/** HKDF-Expand(key, 'block' || u64(number), 128) */
export function seedOf(key: Uint8Array, number: number): Uint8Array {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64LE(BigInt(number));
  const info = Buffer.concat([Buffer.from('block'), counter]);
  const parts: Buffer[] = [];
  let last = Buffer.alloc(0);
  for (let i = 1; i <= 4; i++) {
    last = createHmac('sha256', key)
      .update(last)
      .update(info)
      .update(Buffer.from([i]))
      .digest();
    parts.push(last);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The first `count` bytes of a block. */
export function blockStream(seed: Uint8Array, count: number): Uint8Array {
  const lanes = Array.from({ length: 8 }, (_, lane) => startOf(seed, lane));
  for (const lane of lanes) for (let i = 0; i < 256; i++) step(lane);
  const out = new Uint8Array(Math.ceil(count / 32) * 32);
  const view = new DataView(out.buffer);
  const bits = new DataView(new ArrayBuffer(8));
  for (let at = 0; at < out.length; at += 32)
    lanes.forEach((lane, l) => {
      bits.setFloat64(0, step(lane), true);
      view.setUint32(at + 4 * l, bits.getUint32(0, true), true);
    });
  return out.slice(0, count);
}

/** One lane: its rate and its number. */
export interface Lane {
  readonly mu: number;
  x: number;
}

/** mu and the first x of a lane, from the two u64 of its seed. */
export function startOf(seed: Uint8Array, lane: number): Lane {
  const view = new DataView(seed.buffer, seed.byteOffset);
  const u = Number(view.getBigUint64(16 * lane, true) >> 11n);
  const v = Number(view.getBigUint64(16 * lane + 8, true) >> 11n);
  return { mu: 3.9999 + u * 2 ** -53 * 0.00009, x: 0.1 + v * 2 ** -53 * 0.8 };
}

/** One update; the new x. */
export function step(lane: Lane): number {
  // From left to right: (mu * x) * (1 - x).
  lane.x = lane.mu * lane.x * (1 - lane.x);
  return lane.x;
}
