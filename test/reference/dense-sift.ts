/** SIFT descriptors on an upright grid by direct summation, in f64. */
import { blur, rootSift, type Plane } from './sift.ts';

export interface DenseFeature {
  /** Middle, in the plane's pixels, the centre of the first one at 0. */
  x: number;
  y: number;
  cell: number;
  /** L2 norm before normalisation, in mean gradient lengths. */
  contrast: number;
  descriptor: Float64Array;
}

/** Every place of one grid, flat ones too. */
export function denseSift(base: Plane, cell: number, step: number): DenseFeature[] {
  const { width, height, data } = blur(base, 1, 3);
  const found: DenseFeature[] = [];
  for (let top = 0; top + 5 * cell <= height; top += step)
    for (let left = 0; left + 5 * cell <= width; left += step) {
      const raw = new Float64Array(128);
      for (let row = 0; row < 4; row++)
        for (let column = 0; column < 4; column++) {
          const [cx, cy] = [left + cell * (column + 1), top + cell * (row + 1)];
          const window = Math.exp(-((row - 1.5) ** 2 + (column - 1.5) ** 2) / (2 * 2 ** 2));
          for (let y = Math.max(1, cy - cell); y <= Math.min(height - 2, cy + cell); y++)
            for (let x = Math.max(1, cx - cell); x <= Math.min(width - 2, cx + cell); x++) {
              const i = y * width + x;
              const [dx, dy] = [data[i + 1]! - data[i - 1]!, data[i + width]! - data[i - width]!];
              const tent = (1 - Math.abs(x - cx) / cell) * (1 - Math.abs(y - cy) / cell);
              const value = (Math.hypot(dx, dy) * tent * window) / (cell * cell);
              const o = ((Math.atan2(dy, dx) / (2 * Math.PI)) * 8 + 8) % 8;
              const o0 = Math.floor(o);
              const base32 = (row * 4 + column) * 8;
              raw[base32 + (o0 % 8)]! += value * (1 - (o - o0));
              raw[base32 + ((o0 + 1) % 8)]! += value * (o - o0);
            }
        }
      const contrast = Math.sqrt(raw.reduce((sum, value) => sum + value * value, 0));
      found.push({ x: left + 2.5 * cell, y: top + 2.5 * cell, cell, contrast, descriptor: rootSift(raw) });
    }
  return found;
}
