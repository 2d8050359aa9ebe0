/**
 * Keystream of the logistic map, XORed into one block of data.
 *
 * Eight lanes, each `x <- (mu * x) * (1 - x)` in f64, in this order: there is no fused multiply-add in WebAssembly,
 * so every engine gives the same bits. It is not a secure cipher: the caller seals what comes out of it.
 */

// Updates discarded before the first byte.
const WARM_UP: u32 = 256;
// Bytes a step gives: the low 32 bits of eight lanes.
const STEP: u32 = 32;

/**
 * XORs the keystream into `data`, in place.
 *
 * @param seed  u8[128]: per lane two u64, for mu and for the first x
 * @param data  u8[count], changed
 * @param count bytes, at most one block
 */
export function logisticXor(seed: usize, data: usize, count: u32): void {
  const one = f64x2.splat(1);
  const mu0 = rates(seed);
  const mu1 = rates(seed + 32);
  const mu2 = rates(seed + 64);
  const mu3 = rates(seed + 96);
  let x0 = starts(seed);
  let x1 = starts(seed + 32);
  let x2 = starts(seed + 64);
  let x3 = starts(seed + 96);
  for (let i: u32 = 0; i < WARM_UP; i++) {
    x0 = f64x2.mul(f64x2.mul(mu0, x0), f64x2.sub(one, x0));
    x1 = f64x2.mul(f64x2.mul(mu1, x1), f64x2.sub(one, x1));
    x2 = f64x2.mul(f64x2.mul(mu2, x2), f64x2.sub(one, x2));
    x3 = f64x2.mul(f64x2.mul(mu3, x3), f64x2.sub(one, x3));
  }
  const end = data + (count & ~(STEP - 1));
  for (; data < end; data += STEP) {
    x0 = f64x2.mul(f64x2.mul(mu0, x0), f64x2.sub(one, x0));
    x1 = f64x2.mul(f64x2.mul(mu1, x1), f64x2.sub(one, x1));
    x2 = f64x2.mul(f64x2.mul(mu2, x2), f64x2.sub(one, x2));
    x3 = f64x2.mul(f64x2.mul(mu3, x3), f64x2.sub(one, x3));
    v128.store(data, v128.xor(v128.load(data), lowHalves(x0, x1)));
    v128.store(data, v128.xor(v128.load(data, 16), lowHalves(x2, x3)), 16);
  }
  const rest = count & (STEP - 1);
  if (rest == 0) return;
  const low = lowHalves(
    f64x2.mul(f64x2.mul(mu0, x0), f64x2.sub(one, x0)),
    f64x2.mul(f64x2.mul(mu1, x1), f64x2.sub(one, x1)),
  );
  const high = lowHalves(
    f64x2.mul(f64x2.mul(mu2, x2), f64x2.sub(one, x2)),
    f64x2.mul(f64x2.mul(mu3, x3), f64x2.sub(one, x3)),
  );
  xorTail(data, low, min(rest, 16));
  if (rest > 16) xorTail(data + 16, high, rest - 16);
}

/** The low 32 bits of four f64. */
function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 2, 4, 6);
}

/** XORs the first `count` bytes of `stream`, 1 ..= 16. */
function xorTail(data: usize, stream: v128, count: u32): void {
  let word = i64x2.extract_lane(stream, 0);
  for (let i: u32 = 0; i < count; i++) {
    if (i == 8) word = i64x2.extract_lane(stream, 1);
    store<u8>(data + i, load<u8>(data + i) ^ (<u8>word));
    word >>= 8;
  }
}

/** mu of two lanes, in [3.9999, 3.99999): below, some lanes sit in periodic windows; at 4, some orbits die. */
function rates(seed: usize): v128 {
  return f64x2.add(f64x2.splat(3.9999), f64x2.mul(pair(seed), f64x2.splat(0.00009)));
}

/** x of two lanes, in [0.1, 0.9). */
function starts(seed: usize): v128 {
  return f64x2.add(f64x2.splat(0.1), f64x2.mul(pair(seed + 8), f64x2.splat(0.8)));
}

/** Two numbers in [0, 1) from the upper 53 bits of two u64, 16 bytes apart. */
function pair(at: usize): v128 {
  const first = f64x2.splat(<f64>(load<u64>(at) >> 11) * (1.0 / 9007199254740992.0));
  return f64x2.replace_lane(first, 1, <f64>(load<u64>(at, 16) >> 11) * (1.0 / 9007199254740992.0));
}
