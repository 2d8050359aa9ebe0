/**
 * Signs of real numbers as packed bits, LSB first: bit i is 1 where `values[i] >= 0`.
 * So +0 and -0 give 1, and NaN gives 0. The bits after the last one are 0.
 * @param values - f32[n].
 * @returns u8[ceil(n / 8)].
 */
export function packSigns(values: Float32Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) if (values[i]! >= 0) out[i >> 3]! |= 1 << (i & 7);
  return out;
}
