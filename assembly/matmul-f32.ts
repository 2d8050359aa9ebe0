/**
 * Products of f32 matrices, row-major: `C = A B` and `C = A B^T`.
 *
 * Goto & van de Geijn, ACM TOMS 34(3), 2008, in small: eight columns of B at a time are packed side by side, so that
 * the inner loop reads both factors in order and keeps a tile of 4 x 8 sums in registers. The order of additions
 * depends on the shapes only, so every engine gives the same bits.
 */

// Rows and columns of the tile kept in registers.
const TILE_ROWS: u32 = 4;
const TILE_COLUMNS: u32 = 8;
// Inner length done at once: a packed panel of DEPTH x 8 (16 KiB) and four rows of A stay in the first-level cache.
const DEPTH: u32 = 512;
// Bytes of the packed panel; behind it the scratch holds one tile for the right edge.
const PANEL_BYTES: u32 = DEPTH * TILE_COLUMNS * 4;

/**
 * Writes `c = a b`.
 *
 * @param a       f32[rows * inner]
 * @param b       f32[inner * columns]
 * @param rows    rows of a and c
 * @param inner   columns of a, rows of b
 * @param columns columns of b and c
 * @param c       f32[rows * columns], must not overlap the others
 * @param scratch u8[16,512]
 */
export function multiplyF32(a: usize, b: usize, rows: u32, inner: u32, columns: u32, c: usize, scratch: usize): void {
  multiply(a, b, rows, inner, columns, columns << 2, 4, c, scratch);
}

/**
 * Writes `c = a b^T`.
 *
 * @param b f32[columns * inner]; the rest as in {@link multiplyF32}
 */
export function multiplyTransposedF32(
  a: usize,
  b: usize,
  rows: u32,
  inner: u32,
  columns: u32,
  c: usize,
  scratch: usize,
): void {
  multiply(a, b, rows, inner, columns, 4, inner << 2, c, scratch);
}

/** Both products: `b` is read by the bytes between its rows and between its columns. */
function multiply(
  a: usize,
  b: usize,
  rows: u32,
  inner: u32,
  columns: u32,
  rowStep: u32,
  columnStep: u32,
  c: usize,
  scratch: usize,
): void {
  memory.fill(c, 0, <usize>rows * columns * 4);
  const tile = scratch + PANEL_BYTES;
  const aStep: usize = (<usize>inner) << 2;
  const cStep: usize = (<usize>columns) << 2;
  for (let first: u32 = 0; first < inner; first += DEPTH) {
    const depth = min(DEPTH, inner - first);
    for (let column: u32 = 0; column < columns; column += TILE_COLUMNS) {
      const width = min(TILE_COLUMNS, columns - column);
      pack(b + <usize>first * rowStep + <usize>column * columnStep, depth, width, rowStep, columnStep, scratch);
      let row: u32 = 0;
      for (; row < rows; row += TILE_ROWS) {
        const height = min(TILE_ROWS, rows - row);
        const from = a + <usize>row * aStep + (first << 2);
        const to = c + <usize>row * cStep + (column << 2);
        if (width < TILE_COLUMNS) {
          memory.fill(tile, 0, TILE_ROWS * TILE_COLUMNS * 4);
          addTiles(from, aStep, height, scratch, depth, tile, TILE_COLUMNS * 4);
          for (let i: u32 = 0; i < height; i++) {
            for (let j: u32 = 0; j < width << 2; j += 4) {
              const at = to + <usize>i * cStep + j;
              store<f32>(at, load<f32>(at) + load<f32>(tile + i * (TILE_COLUMNS * 4) + j));
            }
          }
        } else addTiles(from, aStep, height, scratch, depth, to, cStep);
      }
    }
  }
}

/** Copies `depth` rows of `width` columns into rows of eight, zero-padded. */
function pack(b: usize, depth: u32, width: u32, rowStep: u32, columnStep: u32, panel: usize): void {
  if (width == TILE_COLUMNS && columnStep == 4) {
    for (let p: u32 = 0; p < depth; p++) {
      v128.store(panel, v128.load(b));
      v128.store(panel, v128.load(b, 16), 16);
      b += rowStep;
      panel += TILE_COLUMNS * 4;
    }
    return;
  }
  for (let j: u32 = 0; j < TILE_COLUMNS; j++) {
    let from = b + <usize>j * columnStep;
    let to = panel + (j << 2);
    for (let p: u32 = 0; p < depth; p++) {
      store<f32>(to, j < width ? load<f32>(from) : 0);
      from += rowStep;
      to += TILE_COLUMNS * 4;
    }
  }
}

/** Adds to `height` rows of eight numbers of c: four at once, or one by one. */
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
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  const end: usize = (<usize>depth) << 2;
  for (let p: usize = 0; p < end; p += 4) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    panel += TILE_COLUMNS * 4;
    const x0 = v128.load32_splat(a + p);
    s00 = f32x4.add(s00, f32x4.mul(x0, b0));
    s01 = f32x4.add(s01, f32x4.mul(x0, b1));
    const x1 = v128.load32_splat(a1 + p);
    s10 = f32x4.add(s10, f32x4.mul(x1, b0));
    s11 = f32x4.add(s11, f32x4.mul(x1, b1));
    const x2 = v128.load32_splat(a2 + p);
    s20 = f32x4.add(s20, f32x4.mul(x2, b0));
    s21 = f32x4.add(s21, f32x4.mul(x2, b1));
    const x3 = v128.load32_splat(a3 + p);
    s30 = f32x4.add(s30, f32x4.mul(x3, b0));
    s31 = f32x4.add(s31, f32x4.mul(x3, b1));
  }
  addEight(c, s00, s01);
  addEight(c + cStep, s10, s11);
  addEight(c + 2 * cStep, s20, s21);
  addEight(c + 3 * cStep, s30, s31);
}

function addRow(a: usize, panel: usize, depth: u32, c: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  for (let p: u32 = 0; p < depth; p++) {
    const x = v128.load32_splat(a);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(panel)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(panel, 16)));
    a += 4;
    panel += TILE_COLUMNS * 4;
  }
  addEight(c, s0, s1);
}

function addEight(c: usize, low: v128, high: v128): void {
  v128.store(c, f32x4.add(v128.load(c), low));
  v128.store(c, f32x4.add(v128.load(c, 16), high), 16);
}
