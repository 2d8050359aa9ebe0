/**
 * Signs of numbers as bits: bit `i` is `values[i] >= 0`, packed LSB first.
 * @module
 */
import { assertFloats } from '../base/assert.ts';

/**
 * Packs the signs of `values`, a multiple of 8 of them; `sign(0) = +1`.
 * @throws On another count. {@link RangeError}
 */
export function packSigns(values: Float32Array): Uint8Array<ArrayBuffer> {
  assertFloats(values, 'values');
  if (values.length % 8 !== 0) throw new RangeError(`"values" expected multiple of 8, got ${values.length}`);
  const out = new Uint8Array(values.length / 8);
  for (let i = 0; i < values.length; i++) if (values[i]! >= 0) out[i >> 3]! |= 1 << (i & 7);
  return out;
}
