/**
 * Products of Householder reflections in f64, applied to vectors: the random orthogonal matrices of secure kNN, in factors.
 *
 * The reflections have decreasing support (Stewart 1980): v of k = side, side-1, .., 2 lie one after another and act on the last k
 * entries of a vector, `y <- y - v (v . y)`; v is scaled so that `v . v = 2`. The order of additions depends on the lengths only, so
 * every engine gives the same bits.
 */

/**
 * Applies all reflections, in order, to every row, in place.
 *
 * @param vectors f64[side * (side + 1) / 2 - 1]
 * @param rows    f64[count * side], row-major, changed
 * @param count   rows: few enough to stay in the cache beside one reflection
 * @param side    entries of a row
 */
export function reflectRows(vectors: usize, rows: usize, count: u32, side: u32): void {
  const step: usize = (<usize>side) << 3;
  for (let k = side; k >= 2; k--) {
    const bytes: usize = (<usize>k) << 3;
    let row = rows + (step - bytes);
    for (let i: u32 = 0; i < count; i++) {
      reflect(vectors, row, bytes);
      row += step;
    }
    vectors += bytes;
  }
}

/** `y -= v (v . y)` over `bytes / 8` entries. */
function reflect(v: usize, y: usize, bytes: usize): void {
  const wide: usize = bytes & ~63;
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  let at: usize = 0;
  for (; at < wide; at += 64) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(v + at), v128.load(y + at)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(v + at, 16), v128.load(y + at, 16)));
    s2 = f64x2.add(s2, f64x2.mul(v128.load(v + at, 32), v128.load(y + at, 32)));
    s3 = f64x2.add(s3, f64x2.mul(v128.load(v + at, 48), v128.load(y + at, 48)));
  }
  const sums = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; at < bytes; at += 8) sum += load<f64>(v + at) * load<f64>(y + at);

  const factor = f64x2.splat(sum);
  for (at = 0; at < wide; at += 64) {
    v128.store(y + at, f64x2.sub(v128.load(y + at), f64x2.mul(factor, v128.load(v + at))));
    v128.store(y + at, f64x2.sub(v128.load(y + at, 16), f64x2.mul(factor, v128.load(v + at, 16))), 16);
    v128.store(y + at, f64x2.sub(v128.load(y + at, 32), f64x2.mul(factor, v128.load(v + at, 32))), 32);
    v128.store(y + at, f64x2.sub(v128.load(y + at, 48), f64x2.mul(factor, v128.load(v + at, 48))), 48);
  }
  for (; at < bytes; at += 8) store<f64>(y + at, load<f64>(y + at) - sum * load<f64>(v + at));
}
