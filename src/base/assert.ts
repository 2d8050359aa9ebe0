/**
 * Checks of arguments, made once at the public edge.
 *
 * Every message has the same shape: `"name" expected WHAT, got WHAT`.
 * @module
 */

/**
 * Asserts a safe integer in `min ..= max`.
 * @throws On a non-number. {@link TypeError}
 * @throws On a fraction, NaN, or a value out of range. {@link RangeError}
 */
export function assertInteger(value: number, name: string, min: number, max: number): void {
  if (typeof value !== 'number') throw new TypeError(`"${name}" expected integer, got ${typeof value}`);
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw new RangeError(`"${name}" expected integer ${min}..${max}, got ${value}`);
}

/**
 * Asserts a finite number in `min ..= max`.
 * @throws On a non-number. {@link TypeError}
 * @throws On NaN, infinity, or a value out of range. {@link RangeError}
 */
export function assertNumber(value: number, name: string, min: number, max: number): void {
  if (typeof value !== 'number') throw new TypeError(`"${name}" expected number, got ${typeof value}`);
  if (!Number.isFinite(value) || value < min || value > max)
    throw new RangeError(`"${name}" expected number ${min}..${max}, got ${value}`);
}

/**
 * Asserts a string.
 * @throws On anything else. {@link TypeError}
 */
export function assertString(value: string, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`"${name}" expected string, got ${typeof value}`);
}

/**
 * Asserts a byte array, of an exact length when one is given.
 * @throws On anything but a `Uint8Array`. {@link TypeError}
 * @throws On another length. {@link RangeError}
 */
export function assertBytes(value: Uint8Array, name: string, length?: number): void {
  if (!(value instanceof Uint8Array)) throw new TypeError(`"${name}" expected Uint8Array, got ${typeof value}`);
  if (length !== undefined && value.length !== length)
    throw new RangeError(`"${name}" expected ${length} bytes, got ${value.length}`);
}

/**
 * Asserts a `Float32Array`, of an exact length when one is given.
 * @throws On anything but a `Float32Array`. {@link TypeError}
 * @throws On another length. {@link RangeError}
 */
export function assertFloats(value: Float32Array, name: string, length?: number): void {
  if (!(value instanceof Float32Array)) throw new TypeError(`"${name}" expected Float32Array, got ${typeof value}`);
  if (length !== undefined && value.length !== length)
    throw new RangeError(`"${name}" expected ${length} numbers, got ${value.length}`);
}

/** Longest code: 1024 bits. */
export const MAX_CODE_BYTES = 128;

/**
 * Asserts packed codes: `codeBytes` a multiple of 8, at most {@link MAX_CODE_BYTES}, and `codes` a
 * whole number of them.
 * @returns How many.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On any other length. {@link RangeError}
 */
export function assertCodes(codes: Uint8Array, codeBytes: number): number {
  assertBytes(codes, 'codes');
  assertInteger(codeBytes, 'codeBytes', 8, MAX_CODE_BYTES);
  if (codeBytes % 8 !== 0) throw new RangeError(`"codeBytes" expected multiple of 8, got ${codeBytes}`);
  if (codes.length % codeBytes !== 0)
    throw new RangeError(`"codes" expected multiple of ${codeBytes} bytes, got ${codes.length}`);
  return codes.length / codeBytes;
}
