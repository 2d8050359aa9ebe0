/**
 * Edge counts of the MPEG-7 edge histogram (ISO/IEC 15938-3:2002, 8.5): steps 3 to 5 of the scheme.
 *
 * The luma plane is cut into square blocks of even side, each block into four quadrants. Strengths are linear in
 * the quadrant means, so they are taken from quadrant sums, scaled by the quadrant's area; and compared squared, which
 * makes every comparison one of integers: ties and the threshold are those of the definition, with no rounding.
 */

const THRESHOLD: f64 = 11;
const KINDS: u32 = 5;
/** Counts of a row of blocks are kept in fields of a word: so many bits each, one a kind, and a last one for blocks without an edge. */
const FIELD: u32 = 12;

/**
 * Counts blocks and edges in each of the 4 x 4 sub-images.
 *
 * @param luma   u8[width * height], row-major
 * @param width  at least `side`, at most 16,000 blocks
 * @param height at least `side`
 * @param side   of a block in pixels, even, 2 ..= 512
 * @param sums   u16[2 * (width + 8 * side + 32)] of scratch space, 16-byte aligned
 * @param halves i32[4 * (width / side + 4)] of scratch space
 * @param blocks u32[16]: blocks in the sub-image
 * @param edges  u32[16 * 5]: edges in it by kind: vertical, horizontal, 45 degrees, 135 degrees, non-directional
 */
export function edgeHistogram(
  luma: usize,
  width: u32,
  height: u32,
  side: u32,
  sums: usize,
  halves: usize,
  blocks: usize,
  edges: usize,
): void {
  memory.fill(blocks, 0, 16 << 2);
  memory.fill(edges, 0, (16 * KINDS) << 2);
  const half = side >>> 1;
  const columns = width / side;
  const used = columns * side;
  // Four blocks at a time; what is past the last is computed and not counted.
  const padded = (columns + 3) & ~3;
  const bottom = sums + ((<usize>((padded * side + 23) & ~15)) << 1);
  const lower = halves + ((<usize>padded) << 3);
  const area = <f64>(half * half);
  const last = i16x8.lt_u(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>(half & 7)));
  const least = f64x2.splat(THRESHOLD * THRESHOLD * area * area);
  for (let y: u32 = 0; y + side <= height; y += side) {
    const upper = luma + <usize>y * width;
    columnSums(upper, width, used, half, sums);
    columnSums(upper + <usize>half * width, width, used, half, bottom);
    halfSums(sums, half, last, padded << 1, halves);
    halfSums(bottom, half, last, padded << 1, lower);
    for (let i: usize = 0; i < (<usize>padded) << 2; i += 16)
      classify(halves + (i << 1), lower + (i << 1), least, halves + i);
    let sub = ((4 * y) / height) << 2;
    let column: u32 = 0;
    for (let quarter: u32 = 1; quarter <= 4; quarter++, sub++) {
      // The first column of the next sub-image: where 4 x reaches so many widths.
      const next = min((quarter * width + 4 * side - 1) / (4 * side), columns);
      const block = blocks + ((<usize>sub) << 2);
      store<u32>(block, load<u32>(block) + (next - column));
      let counts: u64 = 0;
      for (; column < next; column++) counts += (<u64>1) << (<u64>load<u32>(halves + ((<usize>column) << 2)));
      let edge = edges + ((<usize>(sub * KINDS)) << 2);
      for (let kind: u32 = 0; kind < KINDS; kind++, edge += 4, counts >>= FIELD)
        store<u32>(edge, load<u32>(edge) + ((<u32>counts) & ((1 << FIELD) - 1)));
    }
  }
}

/**
 * Which field four blocks count in, u32[4]. Strengths are compared squared, in f64, which holds them all exactly.
 *
 * @param upper i32[4][2]: sums of the upper quadrants, left and right
 * @param lower i32[4][2]: of the lower ones
 */
function classify(upper: usize, lower: usize, least: v128, out: usize): void {
  const u0 = v128.load(upper);
  const u1 = v128.load(upper, 16);
  const l0 = v128.load(lower);
  const l1 = v128.load(lower, 16);
  const d1 = v128.shuffle<u32>(u0, u1, 0, 2, 4, 6);
  const d2 = v128.shuffle<u32>(u0, u1, 1, 3, 5, 7);
  const d3 = v128.shuffle<u32>(l0, l1, 0, 2, 4, 6);
  const d4 = v128.shuffle<u32>(l0, l1, 1, 3, 5, 7);
  const rising = i32x4.sub(d1, d4);
  const falling = i32x4.sub(d2, d3);
  const vertical = i32x4.abs(i32x4.sub(rising, falling));
  const horizontal = i32x4.abs(i32x4.add(rising, falling));
  const scattered = i32x4.sub(i32x4.add(d1, d4), i32x4.add(d2, d3));
  // Of two kinds that weigh alike the former unless the latter is above it; the same between the pairs.
  const straight = i32x4.max_s(vertical, horizontal);
  const slanted = i32x4.max_s(i32x4.abs(rising), i32x4.abs(falling));
  const first = v128.and(i32x4.gt_s(horizontal, vertical), i32x4.splat(FIELD));
  const second = i32x4.add(
    i32x4.splat(2 * FIELD),
    v128.and(i32x4.gt_s(i32x4.abs(falling), i32x4.abs(rising)), i32x4.splat(FIELD)),
  );
  const a = squares(straight, 1);
  const b = squares(slanted, 2);
  const c = squares(scattered, 4);
  const a2 = squares(upperPair(straight), 1);
  const b2 = squares(upperPair(slanted), 2);
  const c2 = squares(upperPair(scattered), 4);
  const ab = f64x2.pmax(a, b);
  const ab2 = f64x2.pmax(a2, b2);
  let field = v128.bitselect(second, first, four(f64x2.gt(b, a), f64x2.gt(b2, a2)));
  field = v128.bitselect(i32x4.splat(4 * FIELD), field, four(f64x2.gt(c, ab), f64x2.gt(c2, ab2)));
  const weak = four(f64x2.lt(f64x2.pmax(ab, c), least), f64x2.lt(f64x2.pmax(ab2, c2), least));
  v128.store(out, v128.bitselect(i32x4.splat(KINDS * FIELD), field, weak));
}

/** `factor * v * v` of the lower two lanes. */
function squares(v: v128, factor: f64): v128 {
  const numbers = f64x2.convert_low_i32x4_s(v);
  return f64x2.mul(f64x2.mul(numbers, numbers), f64x2.splat(factor));
}

function upperPair(v: v128): v128 {
  return v128.shuffle<u32>(v, v, 2, 3, 2, 3);
}

/** Two masks of two lanes as one of four. */
function four(low: v128, high: v128): v128 {
  return v128.shuffle<u32>(low, high, 0, 2, 4, 6);
}

/** Sums of `rows` pixels below each other, for the first `count` columns. At most 257 rows fit 16 bits. */
function columnSums(from: usize, width: u32, count: u32, rows: u32, out: usize): void {
  let x: u32 = 0;
  // A line of the cache at a time.
  for (; x + 64 <= count; x += 64, out += 128) {
    let at = from + x;
    let a = i16x8.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let f = a;
    let g = a;
    let h = a;
    for (let row: u32 = 0; row < rows; row++, at += width) {
      let bytes = v128.load(at);
      a = i16x8.add(a, i16x8.extend_low_i8x16_u(bytes));
      b = i16x8.add(b, i16x8.extend_high_i8x16_u(bytes));
      bytes = v128.load(at, 16);
      c = i16x8.add(c, i16x8.extend_low_i8x16_u(bytes));
      d = i16x8.add(d, i16x8.extend_high_i8x16_u(bytes));
      bytes = v128.load(at, 32);
      e = i16x8.add(e, i16x8.extend_low_i8x16_u(bytes));
      f = i16x8.add(f, i16x8.extend_high_i8x16_u(bytes));
      bytes = v128.load(at, 48);
      g = i16x8.add(g, i16x8.extend_low_i8x16_u(bytes));
      h = i16x8.add(h, i16x8.extend_high_i8x16_u(bytes));
    }
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, d, 48);
    v128.store(out, e, 64);
    v128.store(out, f, 80);
    v128.store(out, g, 96);
    v128.store(out, h, 112);
  }
  for (; x + 8 <= count; x += 8, out += 16) {
    let at = from + x;
    let sums = i16x8.splat(0);
    for (let row: u32 = 0; row < rows; row++, at += width)
      sums = i16x8.add(sums, i16x8.extend_low_i8x16_u(v128.load64_zero(at)));
    v128.store(out, sums);
  }
  for (; x < count; x++, out += 2) {
    let at = from + x;
    let total: u32 = 0;
    for (let row: u32 = 0; row < rows; row++, at += width) total += <u32>load<u8>(at);
    store<u16>(out, <u16>total);
  }
}

/** Sums of `half` numbers side by side, `count` times, a multiple of 4; reads up to 7 more. */
function halfSums(from: usize, half: u32, last: v128, count: u32, out: usize): void {
  const bytes = (<usize>half) << 1;
  for (let i: u32 = 0; i < count; i += 4, from += bytes << 2, out += 16) {
    const a = lanes(from, half, last);
    const b = lanes(from + bytes, half, last);
    const c = lanes(from + 2 * bytes, half, last);
    const d = lanes(from + 3 * bytes, half, last);
    const ab = i32x4.add(v128.shuffle<u32>(a, b, 0, 4, 1, 5), v128.shuffle<u32>(a, b, 2, 6, 3, 7));
    const cd = i32x4.add(v128.shuffle<u32>(c, d, 0, 4, 1, 5), v128.shuffle<u32>(c, d, 2, 6, 3, 7));
    v128.store(out, i32x4.add(v128.shuffle<u32>(ab, cd, 0, 1, 4, 5), v128.shuffle<u32>(ab, cd, 2, 3, 6, 7)));
  }
}

/** Sum of `count` u16 in four parts. */
function lanes(from: usize, count: u32, last: v128): v128 {
  let sum = i32x4.splat(0);
  let left = count;
  for (; left >= 8; left -= 8, from += 16) sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(v128.load(from)));
  // Lanes past the end are masked off.
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(v128.and(v128.load(from), last)));
}
