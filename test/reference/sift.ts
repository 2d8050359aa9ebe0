/**
 * SIFT as Lowe (2004) describes it, in f64 and plain loops: what the kernels are held against.
 * Planes are arrays of numbers with width and height; nothing is shared with the fast side.
 */

export interface Plane {
  width: number;
  height: number;
  data: Float64Array;
}

export interface Feature {
  x: number;
  y: number;
  scale: number;
  /** Radians, from the x axis towards the downward y axis. */
  direction: number;
  contrast: number;
  descriptor: Float64Array;
}

function makePlane(width: number, height: number, value: (x: number, y: number) => number): Plane {
  const data = new Float64Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[y * width + x] = value(x, y);
  return { width, height, data };
}

const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), max);

/** Mean over the source area that an output pixel covers. */
export function reduce(source: Uint8Array, width: number, height: number, outWidth: number, outHeight: number): Plane {
  return makePlane(outWidth, outHeight, (x, y) => {
    const [left, right] = [(x * width) / outWidth, ((x + 1) * width) / outWidth];
    const [top, bottom] = [(y * height) / outHeight, ((y + 1) * height) / outHeight];
    let sum = 0;
    for (let sy = Math.floor(top); sy < Math.min(height, Math.ceil(bottom)); sy++)
      for (let sx = Math.floor(left); sx < Math.min(width, Math.ceil(right)); sx++) {
        const overlap = (Math.min(sx + 1, right) - Math.max(sx, left)) * (Math.min(sy + 1, bottom) - Math.max(sy, top));
        sum += source[sy * width + sx]! * overlap;
      }
    return sum / ((right - left) * (bottom - top) * 255);
  });
}

/** Bilinear at twice the size. */
export function double(plane: Plane): Plane {
  const at = (x: number, y: number): number =>
    plane.data[clamp(y, plane.height - 1) * plane.width + clamp(x, plane.width - 1)]!;
  return makePlane(2 * plane.width, 2 * plane.height, (x, y) => {
    const [sx, sy] = [(x + 0.5) / 2 - 0.5, (y + 0.5) / 2 - 0.5];
    const [x0, y0] = [Math.floor(sx), Math.floor(sy)];
    const [fx, fy] = [sx - x0, sy - y0];
    const top = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx;
    const bottom = at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx;
    return top * (1 - fy) + bottom * fy;
  });
}

/** Convolution with a Gaussian cut at `radius`, edges repeated. */
export function blur(plane: Plane, sigma: number, radius: number = Math.ceil(3 * sigma)): Plane {
  const { width, height, data } = plane;
  const weights = new Float64Array(2 * radius + 1);
  for (let i = -radius; i <= radius; i++) weights[i + radius] = Math.exp((-i * i) / (2 * sigma * sigma));
  const sum = weights.reduce((a, b) => a + b, 0);
  for (let i = 0; i < weights.length; i++) weights[i]! /= sum;
  const half = new Float64Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let value = 0;
      for (let i = -radius; i <= radius; i++) {
        const column = x + i < 0 ? 0 : x + i >= width ? width - 1 : x + i;
        value += weights[i + radius]! * data[y * width + column]!;
      }
      half[y * width + x] = value;
    }
  const out = new Float64Array(width * height);
  for (let y = 0; y < height; y++)
    for (let i = -radius; i <= radius; i++) {
      const row = y + i < 0 ? 0 : y + i >= height ? height - 1 : y + i;
      const weight = weights[i + radius]!;
      for (let x = 0; x < width; x++) out[y * width + x]! += weight * half[row * width + x]!;
    }
  return { width, height, data: out };
}

const LEVELS = 3;
const BORDER = 5;

interface Extremum {
  level: number;
  column: number;
  row: number;
  x: number;
  y: number;
  sigma: number;
  contrast: number;
}

/** Solves a 3 x 3 system by elimination; undefined when it is singular. */
function solve(matrix: number[][], right: number[]): number[] | undefined {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let i = 0; i < 3; i++) {
    let pivot = i;
    for (let j = i + 1; j < 3; j++) if (Math.abs(rows[j]![i]!) > Math.abs(rows[pivot]![i]!)) pivot = j;
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    if (rows[i]![i] === 0) return undefined;
    for (let j = 0; j < 3; j++) {
      if (j === i) continue;
      const factor = rows[j]![i]! / rows[i]![i]!;
      for (let k = i; k < 4; k++) rows[j]![k]! -= factor * rows[i]![k]!;
    }
  }
  return rows.map((row, i) => row[3]! / row[i]!);
}

function refine(stack: Plane[], level: number, row: number, column: number, contrast: number): Extremum | undefined {
  const { width, height } = stack[0]!;
  for (let move = 0; move < 5; move++) {
    const d = (x: number, y: number, s: number): number => stack[level + s]!.data[(row + y) * width + column + x]!;
    const gradient = [(d(1, 0, 0) - d(-1, 0, 0)) / 2, (d(0, 1, 0) - d(0, -1, 0)) / 2, (d(0, 0, 1) - d(0, 0, -1)) / 2];
    const xx = d(1, 0, 0) + d(-1, 0, 0) - 2 * d(0, 0, 0);
    const yy = d(0, 1, 0) + d(0, -1, 0) - 2 * d(0, 0, 0);
    const ss = d(0, 0, 1) + d(0, 0, -1) - 2 * d(0, 0, 0);
    const xy = (d(1, 1, 0) - d(-1, 1, 0) - d(1, -1, 0) + d(-1, -1, 0)) / 4;
    const xs = (d(1, 0, 1) - d(-1, 0, 1) - d(1, 0, -1) + d(-1, 0, -1)) / 4;
    const ys = (d(0, 1, 1) - d(0, -1, 1) - d(0, 1, -1) + d(0, -1, -1)) / 4;
    const shift = solve(
      [
        [xx, xy, xs],
        [xy, yy, ys],
        [xs, ys, ss],
      ],
      gradient.map((value) => -value),
    );
    if (shift === undefined) return undefined;
    const [x, y, s] = shift as [number, number, number];
    if (Math.abs(x) < 0.5 && Math.abs(y) < 0.5 && Math.abs(s) < 0.5) {
      const peak = Math.abs(d(0, 0, 0) + (gradient[0]! * x + gradient[1]! * y + gradient[2]! * s) / 2);
      const determinant = xx * yy - xy * xy;
      if (peak < contrast || determinant <= 0 || (xx + yy) ** 2 / determinant >= 11 ** 2 / 10) return undefined;
      const sigma = 1.6 * 2 ** ((level + s) / LEVELS);
      return { level, column, row, x: column + x, y: row + y, sigma, contrast: peak };
    }
    column += Math.round(x);
    row += Math.round(y);
    level += Math.round(s);
    if (!(column >= BORDER && column < width - BORDER && row >= BORDER && row < height - BORDER)) return undefined;
    if (!(level >= 1 && level <= LEVELS)) return undefined;
  }
  return undefined;
}

function extrema(stack: Plane[], contrast: number): Extremum[] {
  const { width, height } = stack[0]!;
  const found: Extremum[] = [];
  for (let level = 1; level <= LEVELS; level++)
    for (let row = BORDER; row < height - BORDER; row++)
      for (let column = BORDER; column < width - BORDER; column++) {
        const value = stack[level]!.data[row * width + column]!;
        if (Math.abs(value) <= contrast / 2) continue;
        const sign = Math.sign(value);
        let extreme = true;
        for (let s = -1; s <= 1 && extreme; s++)
          for (let y = -1; y <= 1 && extreme; y++)
            for (let x = -1; x <= 1 && extreme; x++) {
              if (s === 0 && y === 0 && x === 0) continue;
              const other = stack[level + s]!.data[(row + y) * width + column + x]!;
              const earlier = (s * 3 + y) * 3 + x < 0;
              extreme = earlier ? sign * value > sign * other : sign * value >= sign * other;
            }
        const kept = extreme ? refine(stack, level, row, column, contrast) : undefined;
        if (kept === undefined) continue;
        if (found.some((e) => e.level === kept.level && e.row === kept.row && e.column === kept.column)) continue;
        found.push(kept);
      }
  return found;
}

interface Gradients {
  width: number;
  height: number;
  length: Float64Array;
  angle: Float64Array;
}

function gradients({ width, height, data }: Plane): Gradients {
  const length = new Float64Array(width * height);
  const angle = new Float64Array(width * height);
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const dx = data[i + 1]! - data[i - 1]!;
      const dy = data[i + width]! - data[i - width]!;
      length[i] = Math.sqrt(dx * dx + dy * dy);
      angle[i] = Math.atan2(dy, dx);
    }
  return { width, height, length, angle };
}

function directions({ width, height, length, angle }: Gradients, { x, y, sigma }: Extremum): number[] {
  const raw = new Float64Array(36);
  const reach = 4.5 * sigma;
  for (let row = Math.max(0, Math.ceil(y - reach)); row <= Math.min(height - 1, y + reach); row++)
    for (let column = Math.max(0, Math.ceil(x - reach)); column <= Math.min(width - 1, x + reach); column++) {
      const i = row * width + column;
      const bin = (Math.round((angle[i]! * 36) / (2 * Math.PI)) + 36) % 36;
      raw[bin]! += length[i]! * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * (1.5 * sigma) ** 2));
    }
  const at = (histogram: Float64Array, bin: number): number => histogram[(bin + 36) % 36]!;
  const smooth = raw.map(
    (value, b) => (at(raw, b - 2) + 4 * at(raw, b - 1) + 6 * value + 4 * at(raw, b + 1) + at(raw, b + 2)) / 16,
  );
  const highest = Math.max(...smooth);
  const found: number[] = [];
  for (let b = 0; b < 36; b++) {
    const [before, value, after] = [at(smooth, b - 1), smooth[b]!, at(smooth, b + 1)];
    if (!(value > before && value > after && value >= 0.8 * highest)) continue;
    const peak = b + (before - after) / (2 * (before - 2 * value + after));
    found.push((((peak + 36) % 36) * 2 * Math.PI) / 36);
  }
  return found;
}

/** RootSIFT of a raw histogram. */
export function rootSift(raw: Float64Array): Float64Array {
  const unit = (values: Float64Array): Float64Array => {
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return values.map((value) => value / norm);
  };
  const cut = unit(unit(raw).map((value) => Math.min(value, 0.2)));
  const sum = cut.reduce((a, b) => a + b, 0);
  return cut.map((value) => Math.sqrt(value / sum));
}

function describeOne(
  { width, height, length, angle }: Gradients,
  { x, y, sigma }: Extremum,
  direction: number,
): Float64Array {
  const raw = new Float64Array(128);
  const cell = 3 * sigma;
  const reach = (cell * Math.SQRT2 * 5) / 2;
  const [cos, sin] = [Math.cos(direction), Math.sin(direction)];
  for (let row = Math.max(0, Math.ceil(y - reach)); row <= Math.min(height - 1, y + reach); row++)
    for (let column = Math.max(0, Math.ceil(x - reach)); column <= Math.min(width - 1, x + reach); column++) {
      const [dx, dy] = [(column - x) / cell, (row - y) / cell];
      // Place in cells: their centres are 0, 1, 2, 3.
      const u = cos * dx + sin * dy + 1.5;
      const v = -sin * dx + cos * dy + 1.5;
      if (u <= -1 || u >= 4 || v <= -1 || v >= 4) continue;
      const i = row * width + column;
      const value = length[i]! * Math.exp(-(dx * dx + dy * dy) / 8);
      let o = ((angle[i]! - direction) * 8) / (2 * Math.PI);
      o -= 8 * Math.floor(o / 8);
      const [u0, v0, o0] = [Math.floor(u), Math.floor(v), Math.floor(o)];
      for (let b = 0; b < 2; b++)
        for (let a = 0; a < 2; a++) {
          if (v0 + b < 0 || v0 + b > 3 || u0 + a < 0 || u0 + a > 3) continue;
          const part = value * (b === 0 ? 1 - (v - v0) : v - v0) * (a === 0 ? 1 - (u - u0) : u - u0);
          const base = ((v0 + b) * 4 + u0 + a) * 8;
          raw[base + (o0 % 8)]! += part * (1 - (o - o0));
          raw[base + ((o0 + 1) % 8)]! += part * (o - o0);
        }
    }
  return rootSift(raw);
}

/** Every feature of a plane with values in [0, 1], in the plane's pixels, strongest keypoint first. */
export function sift(base: Plane, options: { contrast: number; camera: number }): Feature[] {
  const found: Feature[] = [];
  let first = blur(base, Math.sqrt(1.6 ** 2 - options.camera ** 2));
  for (let octave = 0; Math.min(first.width, first.height) >= 12; octave++) {
    const levels = [first];
    for (let level = 1; level < LEVELS + 3; level++) {
      const [before, here] = [1.6 * 2 ** ((level - 1) / LEVELS), 1.6 * 2 ** (level / LEVELS)];
      levels.push(blur(levels[level - 1]!, Math.sqrt(here ** 2 - before ** 2)));
    }
    const stack = levels
      .slice(1)
      .map((level, i) => ({ ...level, data: level.data.map((v, j) => v - levels[i]!.data[j]!) }));
    const polar: Gradients[] = [];
    for (const extremum of extrema(stack, options.contrast / LEVELS)) {
      const { level, x, y, sigma, contrast } = extremum;
      polar[level] ??= gradients(levels[level]!);
      for (const direction of directions(polar[level], extremum)) {
        const descriptor = describeOne(polar[level], extremum, direction);
        const step = 2 ** octave;
        found.push({ x: x * step, y: y * step, scale: sigma * step, direction, contrast, descriptor });
      }
    }
    const twice = levels[LEVELS]!;
    first = makePlane(
      (twice.width + 1) >> 1,
      (twice.height + 1) >> 1,
      (x, y) => twice.data[2 * y * twice.width + 2 * x]!,
    );
  }
  return found.sort((a, b) => b.contrast - a.contrast);
}
