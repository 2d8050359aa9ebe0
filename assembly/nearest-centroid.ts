/**
 * Nearest centroid of each vector by squared L2, as a matrix product: `|x - c|^2 = |x|^2 - 2 (<x,c> - |c|^2 / 2)`,
 * and |x|^2 is the same for every centroid.
 *
 * Centroids lie interleaved by eights, so that a lane is a centroid and nothing is summed across lanes: block b is
 * f32[dims][8], centroids 8b .. 8b + 7. Four vectors at a time share each load.
 */

/**
 * Ties go to the lower index.
 *
 * @param vectors   f32[count * dims], row-major
 * @param count     a multiple of 4
 * @param dims      numbers a vector, at least 1
 * @param centroids f32[blocks][dims][8]
 * @param halfNorms f32[8 * blocks]: |c|^2 / 2; Infinity where a block is not full
 * @param blocks    at least 1
 * @param scratch   f32[16]
 * @param indices   u32[count]
 * @param margins   f32[count]: <x,c> - |c|^2 / 2 of the nearest
 */
export function nearestCentroids(
  vectors: usize,
  count: u32,
  dims: u32,
  centroids: usize,
  halfNorms: usize,
  blocks: u32,
  scratch: usize,
  indices: usize,
  margins: usize,
): void {
  const rowBytes = (<usize>dims) << 2;
  for (let i: u32 = 0; i < count; i += 4) {
    const x0 = vectors + <usize>i * rowBytes;
    const x1 = x0 + rowBytes;
    const x2 = x1 + rowBytes;
    const x3 = x2 + rowBytes;
    let best0 = f32x4.splat(-Infinity);
    let best1 = best0;
    let best2 = best0;
    let best3 = best0;
    let at0 = i32x4.splat(0);
    let at1 = at0;
    let at2 = at0;
    let at3 = at0;
    let c = centroids;
    for (let block: u32 = 0; block < blocks; block++) {
      let a0 = f32x4.splat(0);
      let a1 = a0;
      let a2 = a0;
      let a3 = a0;
      let b0 = a0;
      let b1 = a0;
      let b2 = a0;
      let b3 = a0;
      for (let d: usize = 0; d < rowBytes; d += 4) {
        const ca = v128.load(c);
        const cb = v128.load(c, 16);
        c += 32;
        let x = v128.load32_splat(x0 + d);
        a0 = f32x4.add(a0, f32x4.mul(x, ca));
        b0 = f32x4.add(b0, f32x4.mul(x, cb));
        x = v128.load32_splat(x1 + d);
        a1 = f32x4.add(a1, f32x4.mul(x, ca));
        b1 = f32x4.add(b1, f32x4.mul(x, cb));
        x = v128.load32_splat(x2 + d);
        a2 = f32x4.add(a2, f32x4.mul(x, ca));
        b2 = f32x4.add(b2, f32x4.mul(x, cb));
        x = v128.load32_splat(x3 + d);
        a3 = f32x4.add(a3, f32x4.mul(x, ca));
        b3 = f32x4.add(b3, f32x4.mul(x, cb));
      }
      const half = halfNorms + (block << 5);
      const ha = v128.load(half);
      const hb = v128.load(half, 16);
      const first = i32x4.splat(block << 3);
      const second = i32x4.splat((block << 3) + 4);
      a0 = f32x4.sub(a0, ha);
      a1 = f32x4.sub(a1, ha);
      a2 = f32x4.sub(a2, ha);
      a3 = f32x4.sub(a3, ha);
      b0 = f32x4.sub(b0, hb);
      b1 = f32x4.sub(b1, hb);
      b2 = f32x4.sub(b2, hb);
      b3 = f32x4.sub(b3, hb);
      // Strictly better only: within a lane the earlier centroid stays.
      at0 = v128.bitselect(first, at0, f32x4.gt(a0, best0));
      best0 = f32x4.pmax(best0, a0);
      at0 = v128.bitselect(second, at0, f32x4.gt(b0, best0));
      best0 = f32x4.pmax(best0, b0);
      at1 = v128.bitselect(first, at1, f32x4.gt(a1, best1));
      best1 = f32x4.pmax(best1, a1);
      at1 = v128.bitselect(second, at1, f32x4.gt(b1, best1));
      best1 = f32x4.pmax(best1, b1);
      at2 = v128.bitselect(first, at2, f32x4.gt(a2, best2));
      best2 = f32x4.pmax(best2, a2);
      at2 = v128.bitselect(second, at2, f32x4.gt(b2, best2));
      best2 = f32x4.pmax(best2, b2);
      at3 = v128.bitselect(first, at3, f32x4.gt(a3, best3));
      best3 = f32x4.pmax(best3, a3);
      at3 = v128.bitselect(second, at3, f32x4.gt(b3, best3));
      best3 = f32x4.pmax(best3, b3);
    }
    const out = i << 2;
    pickLane(best0, at0, scratch, indices + out, margins + out);
    pickLane(best1, at1, scratch, indices + out + 4, margins + out + 4);
    pickLane(best2, at2, scratch, indices + out + 8, margins + out + 8);
    pickLane(best3, at3, scratch, indices + out + 12, margins + out + 12);
  }
}

/** Best of four lanes, the lowest centroid on a tie. A lane's centroid is `at` plus the lane's number. */
function pickLane(best: v128, at: v128, scratch: usize, index: usize, margin: usize): void {
  v128.store(scratch, best);
  v128.store(scratch, i32x4.add(at, i32x4(0, 1, 2, 3)), 16);
  let top = load<f32>(scratch);
  let winner = load<u32>(scratch, 16);
  for (let lane: usize = 1; lane < 4; lane++) {
    const value = load<f32>(scratch + (lane << 2));
    const candidate = load<u32>(scratch + (lane << 2), 16);
    if (value > top || (value == top && candidate < winner)) {
      top = value;
      winner = candidate;
    }
  }
  store<u32>(index, winner);
  store<f32>(margin, top);
}
