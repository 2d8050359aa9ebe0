/**
 * Edge counts of the MPEG-7 edge histogram (ISO/IEC 15938-3:2002, 8.5): steps 3 to 5 of the scheme.
 *
 * The luma plane is cut into square blocks of even side, each block into four quadrants. Strengths are linear in
 * the quadrant means, so they are taken from quadrant sums, scaled by the quadrant's area; and compared squared, which
 * makes every comparison one of integers: ties and the threshold are those of the definition, with no rounding.
 */

const THRESHOLD: u64 = 11;
const KINDS: u32 = 5;

/**
 * Counts blocks and edges in each of the 4 x 4 sub-images.
 *
 * @param luma   u8[width * height], row-major
 * @param width  at least `side`
 * @param height at least `side`
 * @param side   of a block in pixels, even, 2 ..= 512
 * @param sums   u16[2 * ceil(width / 16) * 16 + 8] of scratch space, 16-byte aligned
 * @param blocks u32[16]: blocks in the sub-image
 * @param edges  u32[16 * 5]: edges in it by kind: vertical, horizontal, 45 degrees, 135 degrees, non-directional
 */
export function edgeHistogram(
  luma: usize,
  width: u32,
  height: u32,
  side: u32,
  sums: usize,
  blocks: usize,
  edges: usize,
): void {
  memory.fill(blocks, 0, 16 << 2);
  memory.fill(edges, 0, (16 * KINDS) << 2);
  const half = side >>> 1;
  const columns = width / side;
  const used = columns * side;
  const top = sums;
  const bottom = sums + ((<usize>used + 15) & ~15) * 2;
  const area = <u64>(half * half);
  const last = i16x8.lt_u(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>(half & 7)));
  const least = THRESHOLD * THRESHOLD * area * area;
  for (let y: u32 = 0; y + side <= height; y += side) {
    const upper = luma + <usize>y * width;
    columnSums(upper, width, used, half, top);
    columnSums(upper + <usize>half * width, width, used, half, bottom);
    const band = ((4 * y) / height) << 2;
    let x: u32 = 0;
    let sub = band;
    let nextColumn = width;
    for (let column: u32 = 0; column < columns; column++, x += side) {
      const at = (<usize>x) << 1;
      const middle = at + ((<usize>half) << 1);
      const d1 = sum(top + at, half, last);
      const d2 = sum(top + middle, half, last);
      const d3 = sum(bottom + at, half, last);
      const d4 = sum(bottom + middle, half, last);
      // sub = band + floor(4 x / width), without a division a block.
      while (x * 4 >= nextColumn) {
        nextColumn += width;
        sub++;
      }
      // Squares of the strengths, in the order that breaks ties.
      const vertical = square(d1 + d3 - d2 - d4);
      const horizontal = square(d1 + d2 - d3 - d4);
      const rising = 2 * square(d1 - d4);
      const falling = 2 * square(d2 - d3);
      const scattered = 4 * square(d1 - d2 - d3 + d4);
      // Selected, not branched: which kind wins cannot be predicted.
      let kind: u32 = select<u32>(1, 0, horizontal > vertical);
      let most = select<u64>(horizontal, vertical, horizontal > vertical);
      kind = select<u32>(2, kind, rising > most);
      most = select<u64>(rising, most, rising > most);
      kind = select<u32>(3, kind, falling > most);
      most = select<u64>(falling, most, falling > most);
      kind = select<u32>(4, kind, scattered > most);
      most = select<u64>(scattered, most, scattered > most);
      const block = blocks + ((<usize>sub) << 2);
      store<u32>(block, load<u32>(block) + 1);
      const edge = edges + ((<usize>(sub * KINDS + kind)) << 2);
      store<u32>(edge, load<u32>(edge) + <u32>(most >= least));
    }
  }
}

/** Sums of `rows` pixels below each other, for the first `count` columns. At most 257 rows fit 16 bits. */
function columnSums(from: usize, width: u32, count: u32, rows: u32, out: usize): void {
  let x: u32 = 0;
  for (; x + 16 <= count; x += 16) {
    let at = from + x;
    let low = i16x8.splat(0);
    let high = i16x8.splat(0);
    for (let row: u32 = 0; row < rows; row++, at += width) {
      const bytes = v128.load(at);
      low = i16x8.add(low, i16x8.extend_low_i8x16_u(bytes));
      high = i16x8.add(high, i16x8.extend_high_i8x16_u(bytes));
    }
    v128.store(out + ((<usize>x) << 1), low);
    v128.store(out + ((<usize>x) << 1), high, 16);
  }
  for (; x < count; x++) {
    let at = from + x;
    let total: u32 = 0;
    for (let row: u32 = 0; row < rows; row++, at += width) total += <u32>load<u8>(at);
    store<u16>(out + ((<usize>x) << 1), <u16>total);
  }
}

/** Sum of `count` u16; reads up to 7 more. */
function sum(from: usize, count: u32, last: v128): i32 {
  let lanes = i32x4.splat(0);
  let left = count;
  for (; left >= 8; left -= 8, from += 16) lanes = i32x4.add(lanes, i32x4.extadd_pairwise_i16x8_u(v128.load(from)));
  // Lanes past the end are masked off.
  lanes = i32x4.add(lanes, i32x4.extadd_pairwise_i16x8_u(v128.and(v128.load(from), last)));
  lanes = i32x4.add(lanes, v128.shuffle<u32>(lanes, lanes, 2, 3, 0, 1));
  return i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1);
}

function square(v: i32): u64 {
  return <u64>(<i64>v * <i64>v);
}
