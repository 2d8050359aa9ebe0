/** Length and direction of the gradient of an f32 plane, for orientations and descriptors (Lowe 2004, section 5). */

/**
 * Differences of the two neighbours on each axis, y downwards. The outermost pixels get length 0.
 *
 * @param plane  f32[stride * height]
 * @param width  columns, at least 1
 * @param height rows, at least 1
 * @param stride numbers between rows, a multiple of 4
 * @param length f32[stride * height]; 0 past `width`
 * @param angle  f32[stride * height], in turns, in [0, 1)
 */
export function siftGradient(plane: usize, width: u32, height: u32, stride: u32, length: usize, angle: usize): void {
  const rowBytes = (<usize>stride) << 2;
  for (let y: u32 = 0; y < height; y++) {
    const row = <usize>y * rowBytes;
    if (y == 0 || y == height - 1) {
      for (let x: usize = 0; x < rowBytes; x += 16) {
        v128.store(length + row + x, f32x4.splat(0));
        v128.store(angle + row + x, f32x4.splat(0));
      }
      continue;
    }
    for (let x: usize = 0; x < rowBytes; x += 16) {
      const at = plane + row + x;
      const dx = f32x4.sub(v128.load(at + 4), v128.load(at - 4));
      const dy = f32x4.sub(v128.load(at + rowBytes), v128.load(at - rowBytes));
      v128.store(length + row + x, f32x4.sqrt(f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy))));
      v128.store(angle + row + x, angleTurns(dy, dx));
    }
    store<f32>(length + row, 0);
    for (let x = width - 1; x < stride; x++) store<f32>(length + row + (x << 2), 0);
  }
}

/** Angle of four vectors (x, y) in turns, in [0, 1), absolute error below 1e-6; 0 for the zero vector. */
function angleTurns(y: v128, x: v128): v128 {
  const ax = f32x4.abs(x);
  const ay = f32x4.abs(y);
  // The smallest normal number in the denominator: 0 / 0 must not arise.
  const q = f32x4.div(f32x4.pmin(ax, ay), f32x4.pmax(f32x4.pmax(ax, ay), f32x4.splat(1.1754943508222875e-38)));
  const s = f32x4.mul(q, q);
  // atan(q) / (2 pi) on [0, 1]: minimax odd polynomial, error 4e-8.
  let t = f32x4.splat(0.0010841260663695556);
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(-0.0053482643775347016));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(0.012672486234592984));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(-0.021061510826359858));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(0.031525116173598454));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(-0.05302623813442577));
  t = f32x4.add(f32x4.mul(t, s), f32x4.splat(0.1591543242352547));
  t = f32x4.mul(t, q);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  t = v128.bitselect(f32x4.sub(f32x4.splat(0.25), t), t, f32x4.gt(ay, ax));
  t = v128.bitselect(f32x4.sub(f32x4.splat(0.5), t), t, f32x4.lt(x, zero));
  t = v128.bitselect(f32x4.sub(one, t), t, f32x4.lt(y, zero));
  // 1 - tiny rounds to 1, which is 0.
  return v128.andnot(t, f32x4.ge(t, one));
}
