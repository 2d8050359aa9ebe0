/**
 * From raw histogram to descriptor: L2, entries cut at 0.2, L2 again (Lowe 2004, section 6.1), then the root of
 * the L1-normalised vector (Arandjelovic and Zisserman, CVPR 2012). The result has L2 norm 1.
 */

const BYTES: usize = 512;
/** Largest entry of a unit descriptor, against glare. */
const CUT: f32 = 0.2;

/**
 * @param descriptor f32[128], none negative and not all 0; changed in place
 */
export function rootSift(descriptor: usize): void {
  const scale = f32x4.splat(1 / norm(descriptor));
  const cut = f32x4.splat(CUT);
  // The second L2 normalisation is undone by the L1 one: it is left out.
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < BYTES; i += 16) {
    const value = f32x4.pmin(f32x4.mul(v128.load(descriptor + i), scale), cut);
    v128.store(descriptor + i, value);
    sums = f32x4.add(sums, value);
  }
  const share = f32x4.splat(1 / sumLanes(sums));
  for (let i: usize = 0; i < BYTES; i += 16)
    v128.store(descriptor + i, f32x4.sqrt(f32x4.mul(v128.load(descriptor + i), share)));
}

/** L2 norm of f32[128]. */
export function norm(descriptor: usize): f32 {
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < BYTES; i += 16) {
    const value = v128.load(descriptor + i);
    sums = f32x4.add(sums, f32x4.mul(value, value));
  }
  return sqrt(sumLanes(sums));
}

function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}
