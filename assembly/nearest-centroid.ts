/**
 * Nearest centroid of each vector by squared L2, as products: `|x - c|^2 = |x|^2 - 2 s`, `s = <x,c> - |c|^2 / 2`, and
 * |x|^2 is the same for every centroid. The answer is that of s in f32, one product after the other, to the bit.
 *
 * Most centroids are ruled out by a bound. For any matrix P that lengthens nothing, with t(v)^2 = |v|^2 - |Pv|^2,
 * `<x,c> <= <Px,Pc> + t(x) t(c)` (Cauchy-Schwarz under I - P^T P). That and the half norm are one product:
 *
 *     [t(x), reach, Px] . [t(c), -|c|^2 / (2 reach), Pc]
 *
 * It is taken in 16-bit integers, eight multiplications an instruction. Each side is scaled to one norm, so that no sum
 * overflows (Cauchy-Schwarz again) and the rounding has a bound. What cannot be ruled out against the best seen is
 * scored in f32, four sums at a time; what those leave in doubt, one product after the other.
 *
 * The integers of centroids lie interleaved by eights, so that a lane is a centroid and nothing is summed across lanes:
 * block b is i16[kept / 2 + 1][8][2], centroids 8b .. 8b + 7. Four vectors at a time share each load.
 */

/** Norm that the integers of a vector have. */
const LEVELS: f32 = 32700;
/** Norms below are taken for this one: its square is still a number. */
const LEAST_NORM: f32 = 1e-18;
/** Above this product of norms f32 may overflow: nothing is ruled out. */
const MOST: f32 = 1e37;
/** Below all products of integers, halved. */
const ALL: i32 = i16.MIN_VALUE;

/**
 * Rounds `[t(x), reach, Px]` to integers of norm {@link LEVELS}, and interleaves them by fours.
 *
 * @param vectors   f32[count * dims], row-major
 * @param projected f32[count * kept], row-major: P of each
 * @param count     a multiple of 4
 * @param dims      numbers a vector, a multiple of 4
 * @param kept      numbers of a projected one, a multiple of 4
 * @param reach     the second number of every vector, at least {@link LEAST_NORM}
 * @param slack     the most by which rounding of f32 makes t(x)^2 too small, for a vector of norm 1
 * @param out       i16[count / 4][kept / 2 + 1][4][2]
 * @param norms     f32[count]: L2 norms of the vectors, at least {@link LEAST_NORM}
 */
export function roundVectors(
  vectors: usize,
  projected: usize,
  count: u32,
  dims: u32,
  kept: u32,
  reach: f32,
  slack: f32,
  out: usize,
  norms: usize,
): void {
  const rowBytes = (<usize>dims) << 2;
  const keptBytes = (<usize>kept) << 2;
  // Four vectors take twice the bytes of one: 2 bytes a number.
  const groupBytes = (keptBytes + 8) << 1;
  for (let i: u32 = 0; i < count; i++, vectors += rowBytes, projected += keptBytes) {
    const norm = max<f32>(sqrt<f32>(squares(vectors, rowBytes)), LEAST_NORM);
    store<f32>(norms + (i << 2), norm);
    const rest = sqrt<f32>(max<f32>(norm * norm - squares(projected, keptBytes), 0) + slack * norm * norm);
    const scale = LEVELS / length(norm, reach);
    let to = out + <usize>(i >>> 2) * groupBytes + ((i & 3) << 2);
    store<i16>(to, <i16>(<i32>nearest<f32>(rest * scale)));
    store<i16>(to, <i16>(<i32>nearest<f32>(reach * scale)), 2);
    for (let d: usize = 0; d < keptBytes; d += 16, to += 32) {
      // What is no number becomes 0; nothing is ruled out then.
      const levels = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(projected + d), f32x4.splat(scale))));
      const pairs = i16x8.narrow_i32x4_s(levels, levels);
      v128.store32_lane(to, pairs, 0, 16);
      v128.store32_lane(to, pairs, 1, 32);
    }
  }
}

/** Norm of a vector with `reach` behind it. */
function length(norm: f32, reach: f32): f32 {
  return sqrt<f32>(norm * norm + reach * reach);
}

function squares(x: usize, bytes: usize): f32 {
  let sums = f32x4.splat(0);
  for (let d: usize = 0; d < bytes; d += 16) {
    const v = v128.load(x + d);
    sums = f32x4.add(sums, f32x4.mul(v, v));
  }
  return sumLanes(sums);
}

function sumLanes(sums: v128): f32 {
  return (
    f32x4.extract_lane(sums, 0) +
    f32x4.extract_lane(sums, 1) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
  );
}

/**
 * Ties go to the lower index.
 *
 * @param vectors   f32[count * dims], row-major
 * @param rounded   i16[count / 4][kept / 2 + 1][4][2], of {@link roundVectors}
 * @param norms     f32[count], of {@link roundVectors}
 * @param count     a multiple of 4
 * @param dims      numbers a vector, a multiple of 4
 * @param kept      as in {@link roundVectors}
 * @param centroids f32[8 * blocks * dims], row-major
 * @param packed    i16[blocks][kept / 2 + 1][8][2]: `[t(c), -|c|^2 / (2 reach), Pc]`, times {@link LEVELS} over the largest norm of these, rounded
 * @param halfNorms f32[8 * blocks]: |c|^2 / 2; Infinity where a block is not full
 * @param blocks    at least 1
 * @param reach     as in {@link roundVectors}
 * @param unit      s times this over the norm of `[x, reach]` is the product of integers
 * @param doubt     the most by which s in f32 is off, in whichever order, twice, for a vector of norm 1
 * @param least     the same for one of norm 0
 * @param rounding  the most by which rounding lowers a product of integers
 * @param scores    i16[4][8 * blocks] of scratch space
 * @param indices   u32[count]
 */
export function nearestCentroids(
  vectors: usize,
  rounded: usize,
  norms: usize,
  count: u32,
  dims: u32,
  kept: u32,
  centroids: usize,
  packed: usize,
  halfNorms: usize,
  blocks: u32,
  reach: f32,
  unit: f32,
  doubt: f32,
  least: f32,
  rounding: f32,
  scores: usize,
  indices: usize,
): void {
  const rowBytes = (<usize>dims) << 2;
  const groupBytes = ((<usize>kept) << 3) + 16;
  const scoreBytes = (<usize>blocks) << 4;
  let winner: u32 = 0;
  for (let i: u32 = 0; i < count; i += 4) {
    scoreFour(rounded, groupBytes, packed, blocks, scores);
    rounded += groupBytes;
    for (let row: u32 = 0; row < 4; row++) {
      const norm = load<f32>(norms + ((i + row) << 2));
      const whole = length(norm, reach);
      const from = scores + <usize>row * scoreBytes;
      winner =
        whole * reach < MOST
          ? decide(
              vectors,
              rowBytes,
              centroids,
              halfNorms,
              from,
              scoreBytes,
              unit / whole,
              doubt * norm + least,
              rounding,
              winner,
            )
          : decideInOrder(vectors, rowBytes, centroids, halfNorms, from, scoreBytes, ALL);
      store<u32>(indices + ((i + row) << 2), winner);
      vectors += rowBytes;
    }
  }
}

/** Products of four vectors and all centroids, in integers. */
function scoreFour(vectors: usize, bytes: usize, packed: usize, blocks: u32, scores: usize): void {
  const end = vectors + bytes;
  const scoreBytes = (<usize>blocks) << 4;
  for (let block: u32 = 0; block < blocks; block++) {
    let a0 = i32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    // Unrolled by hand it spills: the engine hoists all loads.
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
    let to = scores + ((<usize>block) << 4);
    storeEight(to, a0, b0);
    to += scoreBytes;
    storeEight(to, a1, b1);
    to += scoreBytes;
    storeEight(to, a2, b2);
    to += scoreBytes;
    storeEight(to, a3, b3);
  }
}

/** The upper halves, which are the products over 2^16, rounded down. */
function storeEight(to: usize, low: v128, high: v128): void {
  v128.store(to, i16x8.narrow_i32x4_s(i32x4.shr_s(low, 16), i32x4.shr_s(high, 16)));
}

/** The best centroid by f32: what is bounded below the best seen is not looked at. */
function decide(
  x: usize,
  rowBytes: usize,
  centroids: usize,
  halfNorms: usize,
  scores: usize,
  bytes: usize,
  unit: f32,
  doubt: f32,
  rounding: f32,
  previous: u32,
): u32 {
  // Two guesses: the largest bound, and what was nearest to the vector before, often a neighbour in the image.
  let winner = largest(scores, bytes);
  let best = fourSums(x, centroids, halfNorms, rowBytes, winner);
  let second = fourSums(x, centroids, halfNorms, rowBytes, previous);
  const guess = winner;
  if (previous == guess) second = -Infinity;
  else if (second > best) {
    const value = best;
    best = second;
    second = value;
    winner = previous;
  }
  let limit = lowest(best - doubt, unit, rounding);
  let limits = i16x8.splat(<i16>limit);
  for (let at: usize = 0; at < bytes; at += 16) {
    const above = i16x8.ge_s(v128.load(scores + at), limits);
    if (!v128.any_true(above)) continue;
    for (let lanes = i16x8.bitmask(above); lanes != 0; lanes &= lanes - 1) {
      const centroid = <u32>(at >>> 1) + ctz(lanes);
      if (<i32>load<i16>(scores + (centroid << 1)) < limit || centroid == guess || centroid == previous) continue;
      const value = fourSums(x, centroids, halfNorms, rowBytes, centroid);
      if (value > best) {
        second = best;
        best = value;
        winner = centroid;
        limit = lowest(best - doubt, unit, rounding);
        limits = i16x8.splat(<i16>limit);
      } else second = max<f32>(second, value);
    }
  }
  if (second < best - doubt) return winner;
  return decideInOrder(x, rowBytes, centroids, halfNorms, scores, bytes, limit);
}

/** What the halved product of integers of a centroid is at least whose score is `score` or more. */
function lowest(score: f32, unit: f32, rounding: f32): i32 {
  return (<i32>floor<f32>(score * unit - rounding)) >> 16;
}

/** Where the largest of `bytes / 2` numbers is; the first of several. */
function largest(scores: usize, bytes: usize): u32 {
  let most = v128.load(scores);
  for (let at: usize = 16; at < bytes; at += 16) most = i16x8.max_s(most, v128.load(scores + at));
  most = i16x8.max_s(most, v128.shuffle<u32>(most, most, 2, 3, 0, 1));
  most = i16x8.max_s(most, v128.shuffle<u32>(most, most, 1, 0, 3, 2));
  most = i16x8.max_s(most, v128.shuffle<u16>(most, most, 1, 0, 3, 2, 5, 4, 7, 6));
  let at: usize = 0;
  let found = i16x8.eq(v128.load(scores), most);
  while (!v128.any_true(found)) {
    at += 16;
    found = i16x8.eq(v128.load(scores + at), most);
  }
  return <u32>(at >>> 1) + ctz(i16x8.bitmask(found));
}

/** The best centroid by f32, one product after the other, among those whose product of integers reaches the limit. */
function decideInOrder(
  x: usize,
  rowBytes: usize,
  centroids: usize,
  halfNorms: usize,
  scores: usize,
  bytes: usize,
  limit: i32,
): u32 {
  let top: f32 = -Infinity;
  let winner: u32 = 0;
  for (let at: usize = 0; at < bytes; at += 2) {
    if (<i32>load<i16>(scores + at) < limit) continue;
    const centroid = <u32>(at >>> 1);
    const value = margin(x, centroids, halfNorms, rowBytes, centroid);
    if (value > top) {
      top = value;
      winner = centroid;
    }
  }
  return winner;
}

/** s, in four sums of four lanes. */
function fourSums(x: usize, centroids: usize, halfNorms: usize, bytes: usize, centroid: u32): f32 {
  const c = centroids + <usize>centroid * bytes;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let d: usize = 0;
  for (; d + 64 <= bytes; d += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x + d), v128.load(c + d)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(x + d, 16), v128.load(c + d, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(x + d, 32), v128.load(c + d, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(x + d, 48), v128.load(c + d, 48)));
  }
  for (; d < bytes; d += 16) s0 = f32x4.add(s0, f32x4.mul(v128.load(x + d), v128.load(c + d)));
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))) - load<f32>(halfNorms + (centroid << 2));
}

/** s, one product after the other: the sums of one lane of a matrix product. */
function margin(x: usize, centroids: usize, halfNorms: usize, bytes: usize, centroid: u32): f32 {
  const c = centroids + <usize>centroid * bytes;
  let sum: f32 = 0;
  for (let d: usize = 0; d < bytes; d += 4) sum += load<f32>(x + d) * load<f32>(c + d);
  return sum - load<f32>(halfNorms + (centroid << 2));
}

/**
 * @param vectors   f32[count * dims], row-major
 * @param count     how many
 * @param dims      numbers a vector
 * @param centroids f32[n * dims], row-major
 * @param halfNorms f32[n]: |c|^2 / 2
 * @param indices   u32[count], below n
 * @param margins   f32[count]: `<x,c> - |c|^2 / 2` of that centroid; -Infinity where that is no number
 */
export function centroidMargins(
  vectors: usize,
  count: u32,
  dims: u32,
  centroids: usize,
  halfNorms: usize,
  indices: usize,
  margins: usize,
): void {
  const rowBytes = (<usize>dims) << 2;
  for (let i: u32 = 0; i < count; i++, vectors += rowBytes) {
    const value = margin(vectors, centroids, halfNorms, rowBytes, load<u32>(indices + (i << 2)));
    store<f32>(margins + (i << 2), select<f32>(value, -Infinity, value > -Infinity));
  }
}
