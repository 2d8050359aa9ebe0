/**
 * Nearest centroid of each vector by squared L2, as a matrix product: `|x - c|^2 = |x|^2 - 2 (<x,c> - |c|^2 / 2)`,
 * and |x|^2 is the same for every centroid.
 *
 * Twice: all products in 16-bit integers, eight multiplications an instruction; then, in f32, those centroids that the
 * rounding to 16 bits leaves in doubt. So the answer is that of f32, to the bit. Vectors are scaled by their own
 * norm and centroids by the largest of theirs, so that no sum overflows (Cauchy-Schwarz) and the rounding has a bound.
 *
 * The integers of centroids lie interleaved by eights, so that a lane is a centroid and nothing is summed across lanes:
 * block b is i16[dims / 2][8][2], centroids 8b .. 8b + 7. Four vectors at a time share each load.
 */

/** Norm that the integers of a vector have. */
const LEVELS: f32 = 32700;
/** Norms below are taken for this one: its reciprocal is still a number. */
const LEAST_NORM: f32 = 1e-18;

/**
 * Rounds vectors to integers of norm {@link LEVELS}, and interleaves them by fours.
 *
 * @param vectors f32[count * dims], row-major
 * @param count   a multiple of 4
 * @param dims    numbers a vector, a multiple of 4
 * @param out     i16[count / 4][dims / 2][4][2]
 * @param norms   f32[count]: L2 norms, at least {@link LEAST_NORM}
 */
export function roundVectors(vectors: usize, count: u32, dims: u32, out: usize, norms: usize): void {
  const rowBytes = (<usize>dims) << 2;
  for (let i: u32 = 0; i < count; i++, vectors += rowBytes) {
    let sums = f32x4.splat(0);
    for (let d: usize = 0; d < rowBytes; d += 16) {
      const x = v128.load(vectors + d);
      sums = f32x4.add(sums, f32x4.mul(x, x));
    }
    const sum =
      f32x4.extract_lane(sums, 0) +
      f32x4.extract_lane(sums, 1) +
      (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3));
    const norm = max<f32>(sqrt<f32>(sum), LEAST_NORM);
    store<f32>(norms + (i << 2), norm);
    const scale = f32x4.splat(LEVELS / norm);
    let to = out + (<usize>(i & ~3) * rowBytes) / 2 + ((i & 3) << 2);
    for (let d: usize = 0; d < rowBytes; d += 16, to += 32) {
      // What is no number becomes 0; the host's bound is none then, and f32 decides.
      const levels = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(vectors + d), scale)));
      const pairs = i16x8.narrow_i32x4_s(levels, levels);
      v128.store32_lane(to, pairs, 0);
      v128.store32_lane(to, pairs, 1, 16);
    }
  }
}

/**
 * Ties go to the lower index.
 *
 * @param vectors   f32[count * dims], row-major
 * @param rounded   i16[count / 4][dims / 2][4][2], of {@link roundVectors}
 * @param norms     f32[count], of {@link roundVectors}
 * @param count     a multiple of 4
 * @param dims      numbers a vector, a multiple of 4
 * @param centroids f32[8 * blocks * dims], row-major
 * @param packed    i16[blocks][dims / 2][8][2]: the centroids by {@link LEVELS} over the largest norm, rounded
 * @param halfNorms f32[8 * blocks]: |c|^2 / 2; Infinity where a block is not full
 * @param blocks    at least 1
 * @param unit      <x,c> of integers times this and the vector's norm is that of the numbers
 * @param doubt     twice the most by which a product in integers and one in f32 differ, for a vector of norm 1
 * @param least     the same for one of norm 0
 * @param scores    f32[4][8 * blocks] of scratch space
 * @param indices   u32[count]
 * @param margins   f32[count]: <x,c> - |c|^2 / 2 of the nearest
 */
export function nearestCentroids(
  vectors: usize,
  rounded: usize,
  norms: usize,
  count: u32,
  dims: u32,
  centroids: usize,
  packed: usize,
  halfNorms: usize,
  blocks: u32,
  unit: f32,
  doubt: f32,
  least: f32,
  scores: usize,
  indices: usize,
  margins: usize,
): void {
  const rowBytes = (<usize>dims) << 2;
  const scoreBytes = (<usize>blocks) << 5;
  for (let i: u32 = 0; i < count; i += 4) {
    const at = (<usize>i) << 2;
    scoreFour(rounded, dims, packed, halfNorms, blocks, norms + at, unit, scores);
    for (let row: usize = 0; row < 4; row++) {
      const from = scores + row * scoreBytes;
      const threshold = highest(from, scoreBytes) - (doubt * load<f32>(norms + at + (row << 2)) + least);
      const out = at + (row << 2);
      decide(vectors, rowBytes, centroids, halfNorms, from, scoreBytes, threshold, indices + out, margins + out);
      vectors += rowBytes;
    }
    rounded += rowBytes << 1;
  }
}

/** `scores = <x,c> - |c|^2 / 2` of four vectors and all centroids, but for rounding. */
function scoreFour(
  vectors: usize,
  dims: u32,
  packed: usize,
  halfNorms: usize,
  blocks: u32,
  norms: usize,
  unit: f32,
  scores: usize,
): void {
  const end = vectors + ((<usize>dims) << 3);
  const scoreBytes = (<usize>blocks) << 5;
  for (let block: u32 = 0; block < blocks; block++) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let x = vectors; x < end; x += 16) {
      const ca = v128.load(packed);
      const cb = v128.load(packed, 16);
      packed += 32;
      let splat = v128.load32_splat(x);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(splat, ca));
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(splat, cb));
      splat = v128.load32_splat(x, 4);
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(splat, ca));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(splat, cb));
      splat = v128.load32_splat(x, 8);
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(splat, ca));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(splat, cb));
      splat = v128.load32_splat(x, 12);
      a3 = i32x4.add(a3, i32x4.dot_i16x8_s(splat, ca));
      b3 = i32x4.add(b3, i32x4.dot_i16x8_s(splat, cb));
    }
    const ha = v128.load(halfNorms);
    const hb = v128.load(halfNorms, 16);
    halfNorms += 32;
    let to = scores + ((<usize>block) << 5);
    storeEight(a0, b0, ha, hb, load<f32>(norms) * unit, to);
    to += scoreBytes;
    storeEight(a1, b1, ha, hb, load<f32>(norms, 4) * unit, to);
    to += scoreBytes;
    storeEight(a2, b2, ha, hb, load<f32>(norms, 8) * unit, to);
    to += scoreBytes;
    storeEight(a3, b3, ha, hb, load<f32>(norms, 12) * unit, to);
  }
}

function storeEight(low: v128, high: v128, lowNorms: v128, highNorms: v128, unit: f32, to: usize): void {
  const scale = f32x4.splat(unit);
  v128.store(to, f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(low), scale), lowNorms));
  v128.store(to, f32x4.sub(f32x4.mul(f32x4.convert_i32x4_s(high), scale), highNorms), 16);
}

/** The largest of `bytes / 4` scores; what is no number may be the largest. */
function highest(scores: usize, bytes: usize): f32 {
  let most = v128.load(scores);
  for (let at: usize = 16; at < bytes; at += 16) most = f32x4.pmax(most, v128.load(scores + at));
  most = f32x4.pmax(most, v128.shuffle<u32>(most, most, 2, 3, 0, 1));
  return max<f32>(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1));
}

/** The best centroid by f32, among those whose score is not below the threshold. */
function decide(
  x: usize,
  rowBytes: usize,
  centroids: usize,
  halfNorms: usize,
  scores: usize,
  bytes: usize,
  threshold: f32,
  index: usize,
  margin: usize,
): void {
  const limit = f32x4.splat(threshold);
  let top: f32 = -Infinity;
  let winner: u32 = 0;
  for (let at: usize = 0; at < bytes; at += 16) {
    let lanes = i32x4.bitmask(v128.not(f32x4.lt(v128.load(scores + at), limit)));
    for (; lanes != 0; lanes &= lanes - 1) {
      const centroid = <u32>(at >>> 2) + ctz(lanes);
      const value =
        product(x, centroids + <usize>centroid * rowBytes, rowBytes) - load<f32>(halfNorms + (centroid << 2));
      if (value > top) {
        top = value;
        winner = centroid;
      }
    }
  }
  store<u32>(index, winner);
  store<f32>(margin, top);
}

/** One after the other: the sums of one lane of a matrix product. */
function product(x: usize, c: usize, bytes: usize): f32 {
  let sum: f32 = 0;
  for (let d: usize = 0; d < bytes; d += 4) sum += load<f32>(x + d) * load<f32>(c + d);
  return sum;
}
