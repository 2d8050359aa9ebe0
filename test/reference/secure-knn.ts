/**
 * Secure kNN, the definition: every matrix written out, every reflection a matrix of its own, the inverse by elimination.
 * It takes ciphertexts apart with the key, as nobody needs to.
 */
import { chachaWords as words } from './chacha20.ts';

type Matrix = number[][];

function multiply(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((sum, entry, i) => sum + entry * b[i]![j]!, 0)));
}

function transpose(a: Matrix): Matrix {
  return a[0]!.map((_, j) => a.map((row) => row[j]!));
}

/** Q = H_d .. H_3 H_2 : the transpose of H_2 (H_3 .. H_d). */
function orthogonal(key: Uint8Array, label: string, d: number): Matrix {
  const word = words(key, label);
  let transposed: Matrix = identity(d);
  for (let k = d; k >= 2; k--) {
    const x = Array.from({ length: k }, () => (2 * word() + 1) / 2 ** 32 - 1);
    const norm = Math.hypot(...x);
    x[0]! += x[0]! < 0 ? -norm : norm;
    const square = x.reduce((sum, entry) => sum + entry * entry, 0);
    const h = identity(d);
    for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) h[d - k + i]![d - k + j]! -= (2 * x[i]! * x[j]!) / square;
    transposed = multiply(h, transposed);
  }
  return transpose(transposed);
}

function identity(d: number): Matrix {
  return Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => (i === j ? 1 : 0)));
}

/** Solves a x = y by Gauss-Jordan with pivoting. */
function solve(a: Matrix, y: readonly number[]): number[] {
  const rows = a.map((row, i) => [...row, y[i]!]);
  const d = rows.length;
  for (let c = 0; c < d; c++) {
    let best = c;
    for (let i = c; i < d; i++) if (Math.abs(rows[i]![c]!) > Math.abs(rows[best]![c]!)) best = i;
    [rows[c], rows[best]] = [rows[best]!, rows[c]!];
    for (let i = 0; i < d; i++) {
      if (i === c) continue;
      const factor = rows[i]![c]! / rows[c]![c]!;
      for (let j = c; j <= d; j++) rows[i]![j]! -= factor * rows[c]![j]!;
    }
  }
  return rows.map((row, i) => row[d]! / row[i]!);
}

/** Each row by each reflection, from the formula `y - 2 x (x . y) / (x . x)`. */
export function reflectSlowly(words: Uint32Array, rows: number[], side: number): number[] {
  const out = [...rows];
  let next = 0;
  for (let k = side; k >= 2; k--) {
    const x = Array.from({ length: k }, () => (2 * words[next++]! + 1) / 2 ** 32 - 1);
    const norm = Math.hypot(...x);
    x[0]! += x[0]! < 0 ? -norm : norm;
    const square = x.reduce((sum, entry) => sum + entry * entry, 0);
    for (let row = 0; row < rows.length; row += side) {
      const from = row + side - k;
      const product = x.reduce((sum, entry, i) => sum + entry * out[from + i]!, 0);
      x.forEach((entry, i) => (out[from + i]! -= (2 * entry * product) / square));
    }
  }
  return out;
}

export interface Opened {
  /** The two shares, in the order before pi: bits, slots, the last entry. */
  readonly shares: [number[], number[]];
  /** S in the same order. */
  readonly split: number[];
}

export class ReferenceKnn {
  readonly matrices: [Matrix, Matrix];
  readonly #split: number[];
  readonly #places: number[];

  constructor(key: Uint8Array, bits: number) {
    const d = bits + 33;
    const word = words(key, 'split');
    this.#split = Array.from({ length: d }, () => word() & 1);
    const swap = words(key, 'permute');
    this.#places = Array.from({ length: d }, (_, i) => i);
    for (let i = d - 1; i > 0; i--) {
      let drawn: number;
      do drawn = swap();
      while (drawn >= Math.floor(2 ** 32 / (i + 1)) * (i + 1));
      const j = drawn % (i + 1);
      [this.#places[i], this.#places[j]] = [this.#places[j]!, this.#places[i]!];
    }
    const matrix = (m: number): Matrix => {
      const entry = words(key, `diagonal/${m}`);
      const diagonal = identity(d).map((row, i) => {
        const value = 0.5 + (entry() / 2 ** 32) * 1.5;
        return row.map((_, j) => (i === j ? value : 0));
      });
      const left = orthogonal(key, `reflect/${2 * m - 1}`, d);
      const right = orthogonal(key, `reflect/${2 * m}`, d);
      return multiply(multiply(left, diagonal), right);
    };
    this.matrices = [matrix(1), matrix(2)];
  }

  /** Undoes `M^T`. */
  openStored(sealed: Float32Array): Opened {
    return this.#open(sealed, (matrix, half) => solve(transpose(matrix), half));
  }

  /** Undoes `M^-1`. */
  openTrapdoor(sealed: Float32Array): Opened {
    return this.#open(sealed, (matrix, half) => matrix.map((row) => row.reduce((sum, e, i) => sum + e * half[i]!, 0)));
  }

  #open(sealed: Float32Array, undo: (matrix: Matrix, half: number[]) => number[]): Opened {
    const d = this.#places.length;
    const shares = [0, 1].map((side) => {
      const half = undo(this.matrices[side]!, [...sealed.subarray(side * d, (side + 1) * d)]);
      return this.#places.map((place) => half[place]!);
    }) as [number[], number[]];
    return { shares, split: this.#places.map((place) => this.#split[place]!) };
  }
}
