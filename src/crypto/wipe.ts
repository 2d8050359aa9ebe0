/**
 * Overwrites secrets after use. Best effort: the engine may have copied them, and cannot be told.
 * @module
 */

/** Fills every array with zeros. */
export function wipe(...secrets: readonly (Uint8Array | Float64Array | Float32Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}
