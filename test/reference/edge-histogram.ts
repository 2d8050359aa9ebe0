import { bilinear } from './resize.ts';

/**
 * The edge histogram, block by block and pixel by pixel, as the scheme's steps 2 to 5 read. Strengths are computed from
 * quadrant sums and divided last, so that a tie of the definition is a tie here.
 */
export function edgeHistogram(luma: Uint8Array, width: number, height: number): number[] {
  const pixel = (x: number, y: number): number => luma[y * width + x]!;
  const b = Math.max(2, 2 * Math.floor(Math.sqrt(Math.floor((width * height) / 1100)) / 2));
  const n = new Array<number>(16).fill(0);
  const count = new Array<number>(80).fill(0);
  for (let y = 0; y + b <= height; y += b)
    for (let x = 0; x + b <= width; x += b) {
      const d = [0, 0, 0, 0];
      for (let j = 0; j < b; j++)
        for (let i = 0; i < b; i++) d[2 * Number(j >= b / 2) + Number(i >= b / 2)]! += pixel(x + i, y + j);
      const [d1, d2, d3, d4] = d as [number, number, number, number];
      const strengths = [
        Math.abs(d1 + d3 - d2 - d4),
        Math.abs(d1 + d2 - d3 - d4),
        Math.SQRT2 * Math.abs(d1 - d4),
        Math.SQRT2 * Math.abs(d2 - d3),
        2 * Math.abs(d1 - d2 - d3 + d4),
      ].map((strength) => strength / ((b * b) / 4));
      const s = Math.floor((4 * x) / width) + 4 * Math.floor((4 * y) / height);
      n[s]!++;
      const largest = Math.max(...strengths);
      if (largest >= 11) count[5 * s + strengths.indexOf(largest)]!++;
    }
  return count.map((c, i) => (n[Math.floor(i / 5)] === 0 ? 0 : c / n[Math.floor(i / 5)]!));
}

/** Steps 1: centre crop above 64:1, then bilinear until the shorter side is 70. */
export function prepare(
  luma: Uint8Array,
  width: number,
  height: number,
): { data: Uint8Array; width: number; height: number } {
  const w = Math.min(width, 64 * height);
  const h = Math.min(height, 64 * width);
  const left = Math.floor((width - w) / 2);
  const top = Math.floor((height - h) / 2);
  let data = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) data[y * w + x] = luma[(y + top) * width + x + left]!;
  const shorter = Math.min(w, h);
  if (shorter >= 70) return { data, width: w, height: h };
  const W = Math.round((w * 70) / shorter);
  const H = Math.round((h * 70) / shorter);
  data = bilinear(data, w, h, 1, W, H);
  return { data, width: W, height: H };
}
