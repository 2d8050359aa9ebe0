/**
 * Signs of real numbers as packed bits, LSB first: bit i is 1 where `values[i] >= 0`.
 *
 * So +0 and -0 give 1, and NaN gives 0.
 */

/**
 * @param values f32[count]
 * @param count  numbers
 * @param out    u8[ceil(count / 8)], the bits after the last one are 0
 */
export function packSigns(values: usize, count: u32, out: usize): void {
  const zero = f32x4.splat(0);
  const whole = count >> 3;
  for (let i: u32 = 0; i < whole; i++) {
    const low = i32x4.bitmask(f32x4.ge(v128.load(values), zero));
    const high = i32x4.bitmask(f32x4.ge(v128.load(values, 16), zero));
    store<u8>(out + i, <u8>(low | (high << 4)));
    values += 32;
  }
  const rest = count & 7;
  if (rest == 0) return;
  let last: u32 = 0;
  for (let bit: u32 = 0; bit < rest; bit++) last |= u32(load<f32>(values + (bit << 2)) >= 0) << bit;
  store<u8>(out + whole, <u8>last);
}
