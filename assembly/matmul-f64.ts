/**
 * Linear algebra in f64 for secure kNN, matrices row-major: product, matrix-vector product, Householder reflection.
 *
 * The product is blocked as in `matmul-f32.ts`, with tiles of 4 x 4. The order of additions depends on the shapes
 * only, so every engine gives the same bits.
 */

// Rows and columns of the tile kept in registers.
const TILE_ROWS: u32 = 4;
const TILE_COLUMNS: u32 = 4;
// Inner length done at once: a packed panel of DEPTH x 4 is 8 KiB.
const DEPTH: u32 = 256;
// Bytes of the packed panel; behind it the scratch holds one tile for the right edge.
const PANEL_BYTES: u32 = DEPTH * TILE_COLUMNS * 8;
const TILE_STEP: u32 = TILE_COLUMNS * 8;

/**
 * Writes `c = a b`.
 *
 * @param a       f64[rows * inner]
 * @param b       f64[inner * columns]
 * @param rows    rows of a and c
 * @param inner   columns of a, rows of b
 * @param columns columns of b and c
 * @param c       f64[rows * columns], must not overlap the others
 * @param scratch u8[8,320]
 */
export function multiplyF64(a: usize, b: usize, rows: u32, inner: u32, columns: u32, c: usize, scratch: usize): void {
  memory.fill(c, 0, <usize>rows * columns * 8);
  const tile = scratch + PANEL_BYTES;
  const aStep: usize = (<usize>inner) << 3;
  const cStep: usize = (<usize>columns) << 3;
  for (let first: u32 = 0; first < inner; first += DEPTH) {
    const depth = min(DEPTH, inner - first);
    for (let column: u32 = 0; column < columns; column += TILE_COLUMNS) {
      const width = min(TILE_COLUMNS, columns - column);
      pack(b + <usize>first * cStep + (column << 3), depth, width, cStep, scratch);
      for (let row: u32 = 0; row < rows; row += TILE_ROWS) {
        const height = min(TILE_ROWS, rows - row);
        const from = a + <usize>row * aStep + (first << 3);
        const to = c + <usize>row * cStep + (column << 3);
        if (width < TILE_COLUMNS) {
          memory.fill(tile, 0, TILE_ROWS * TILE_STEP);
          addTiles(from, aStep, height, scratch, depth, tile, TILE_STEP);
          for (let i: u32 = 0; i < height; i++) {
            for (let j: u32 = 0; j < width << 3; j += 8) {
              const at = to + <usize>i * cStep + j;
              store<f64>(at, load<f64>(at) + load<f64>(tile + i * TILE_STEP + j));
            }
          }
        } else addTiles(from, aStep, height, scratch, depth, to, cStep);
      }
    }
  }
}

/**
 * Writes `out = matrix * x`.
 *
 * @param matrix  f64[rows * columns]
 * @param x       f64[columns]
 * @param rows    numbers of the result
 * @param columns numbers of x
 * @param out     f64[rows]
 */
export function multiplyVectorF64(matrix: usize, x: usize, rows: u32, columns: u32, out: usize): void {
  const wide: usize = ((<usize>columns) << 3) & ~63;
  const end: usize = (<usize>columns) << 3;
  for (let row: u32 = 0; row < rows; row++) {
    let s0 = f64x2.splat(0);
    let s1 = f64x2.splat(0);
    let s2 = f64x2.splat(0);
    let s3 = f64x2.splat(0);
    let at: usize = 0;
    for (; at < wide; at += 64) {
      s0 = f64x2.add(s0, f64x2.mul(v128.load(matrix + at), v128.load(x + at)));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(matrix + at, 16), v128.load(x + at, 16)));
      s2 = f64x2.add(s2, f64x2.mul(v128.load(matrix + at, 32), v128.load(x + at, 32)));
      s3 = f64x2.add(s3, f64x2.mul(v128.load(matrix + at, 48), v128.load(x + at, 48)));
    }
    const sums = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
    let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
    for (; at < end; at += 8) sum += load<f64>(matrix + at) * load<f64>(x + at);
    store<f64>(out + (row << 3), sum);
    matrix += end;
  }
}

/**
 * Reflects the rows of a matrix, in place: `matrix <- (I - 2 v v^T / (v^T v)) matrix` (Householder 1958).
 *
 * @param matrix  f64[rows * columns], changed
 * @param v       f64[rows]; the numbers before `from` are taken for zero. The zero vector changes nothing.
 * @param from    first row touched
 * @param scratch f64[columns]
 */
export function reflectF64(matrix: usize, rows: u32, columns: u32, v: usize, from: u32, scratch: usize): void {
  let squares: f64 = 0;
  for (let i = from; i < rows; i++) squares += load<f64>(v + (i << 3)) * load<f64>(v + (i << 3));
  if (squares == 0) return;
  const step: usize = (<usize>columns) << 3;
  memory.fill(scratch, 0, step);
  for (let i = from; i < rows; i++) addScaled(scratch, matrix + <usize>i * step, columns, load<f64>(v + (i << 3)));
  for (let i = from; i < rows; i++) {
    addScaled(matrix + <usize>i * step, scratch, columns, (-2 / squares) * load<f64>(v + (i << 3)));
  }
}

/** `to += factor * row` */
function addScaled(to: usize, row: usize, count: u32, factor: f64): void {
  const factors = f64x2.splat(factor);
  const end: usize = (<usize>count) << 3;
  const wide: usize = end & ~15;
  for (let at: usize = 0; at < wide; at += 16) {
    v128.store(to + at, f64x2.add(v128.load(to + at), f64x2.mul(factors, v128.load(row + at))));
  }
  if (wide < end) store<f64>(to + wide, load<f64>(to + wide) + factor * load<f64>(row + wide));
}

/** Copies `depth` rows of `width` columns into rows of four, zero-padded. */
function pack(b: usize, depth: u32, width: u32, step: usize, panel: usize): void {
  for (let p: u32 = 0; p < depth; p++) {
    for (let j: u32 = 0; j < TILE_COLUMNS; j++) store<f64>(panel + (j << 3), j < width ? load<f64>(b + (j << 3)) : 0);
    b += step;
    panel += TILE_STEP;
  }
}

/** Adds to `height` rows of four numbers of c: four at once, or one by one. */
function addTiles(a: usize, aStep: usize, height: u32, panel: usize, depth: u32, c: usize, cStep: usize): void {
  if (height == TILE_ROWS) {
    addTile(a, aStep, panel, depth, c, cStep);
    return;
  }
  for (let i: u32 = 0; i < height; i++) addRow(a + <usize>i * aStep, panel, depth, c + <usize>i * cStep);
}

function addTile(a: usize, aStep: usize, panel: usize, depth: u32, c: usize, cStep: usize): void {
  const a1 = a + aStep;
  const a2 = a1 + aStep;
  const a3 = a2 + aStep;
  let s00 = f64x2.splat(0);
  let s01 = f64x2.splat(0);
  let s10 = f64x2.splat(0);
  let s11 = f64x2.splat(0);
  let s20 = f64x2.splat(0);
  let s21 = f64x2.splat(0);
  let s30 = f64x2.splat(0);
  let s31 = f64x2.splat(0);
  const end: usize = (<usize>depth) << 3;
  for (let p: usize = 0; p < end; p += 8) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    panel += TILE_STEP;
    const x0 = v128.load64_splat(a + p);
    s00 = f64x2.add(s00, f64x2.mul(x0, b0));
    s01 = f64x2.add(s01, f64x2.mul(x0, b1));
    const x1 = v128.load64_splat(a1 + p);
    s10 = f64x2.add(s10, f64x2.mul(x1, b0));
    s11 = f64x2.add(s11, f64x2.mul(x1, b1));
    const x2 = v128.load64_splat(a2 + p);
    s20 = f64x2.add(s20, f64x2.mul(x2, b0));
    s21 = f64x2.add(s21, f64x2.mul(x2, b1));
    const x3 = v128.load64_splat(a3 + p);
    s30 = f64x2.add(s30, f64x2.mul(x3, b0));
    s31 = f64x2.add(s31, f64x2.mul(x3, b1));
  }
  addFour(c, s00, s01);
  addFour(c + cStep, s10, s11);
  addFour(c + 2 * cStep, s20, s21);
  addFour(c + 3 * cStep, s30, s31);
}

function addRow(a: usize, panel: usize, depth: u32, c: usize): void {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (let p: u32 = 0; p < depth; p++) {
    const x = v128.load64_splat(a);
    s0 = f64x2.add(s0, f64x2.mul(x, v128.load(panel)));
    s1 = f64x2.add(s1, f64x2.mul(x, v128.load(panel, 16)));
    a += 8;
    panel += TILE_STEP;
  }
  addFour(c, s0, s1);
}

function addFour(c: usize, low: v128, high: v128): void {
  v128.store(c, f64x2.add(v128.load(c), low));
  v128.store(c, f64x2.add(v128.load(c, 16), high), 16);
}
