/**
 * Overwrites secrets after use. Best effort: the engine may have copied them, and cannot be told.
 * @module
 */

/**
 * A copy of a secret at a fixed place. The engine keeps arrays of up to 64 bytes within its heap, and leaves a copy behind each time it
 * moves one; the bytes of an `ArrayBuffer` that was asked for by name lie outside and stay. What is to live longer than a call is held so.
 */
export function hold(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  const held = new Uint8Array(new ArrayBuffer(secret.length));
  held.set(secret);
  return held;
}

/** Fills every array with zeros. */
export function wipe(...secrets: readonly (Uint8Array | Float64Array | Float32Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}
