/**
 * From a descriptor to the real vector before binarisation: `v = M * pre(x) - offset`.
 *
 * `pre` subtracts the training mean; with `normalise` it brings the vector to L2 norm 1 before and after that.
 * Norms are summed in f64, one after another, so every engine gives the same bits.
 */
import { innerProducts } from './inner-product';

/**
 * Applies `pre` in place. A vector of norm 0 has no direction and is left as it is by the normalisation.
 *
 * @param x         f32[dims], changed
 * @param mean      f32[dims]
 * @param dims      numbers
 * @param normalise 1: L2-normalise, subtract the mean, L2-normalise; 0: subtract the mean
 */
export function centre(x: usize, mean: usize, dims: u32, normalise: u32): void {
  if (normalise) scaleToUnit(x, dims);
  for (let at: u32 = 0; at < dims << 2; at += 4) store<f32>(x + at, load<f32>(x + at) - load<f32>(mean + at));
  if (normalise) scaleToUnit(x, dims);
}

/**
 * Writes `out = matrix * x - offset`.
 *
 * @param matrix f32[rows * dims], row-major
 * @param x      f32[dims]
 * @param offset f32[rows]
 * @param rows   numbers of the result
 * @param dims   a multiple of 4
 * @param out    f32[rows]
 */
export function project(matrix: usize, x: usize, offset: usize, rows: u32, dims: u32, out: usize): void {
  innerProducts(x, matrix, rows, dims, out);
  for (let at: u32 = 0; at < rows << 2; at += 4) store<f32>(out + at, load<f32>(out + at) - load<f32>(offset + at));
}

function scaleToUnit(x: usize, dims: u32): void {
  let squares: f64 = 0;
  for (let at: u32 = 0; at < dims << 2; at += 4) {
    const number: f64 = load<f32>(x + at);
    squares += number * number;
  }
  if (squares == 0) return;
  const norm = sqrt(squares);
  for (let at: u32 = 0; at < dims << 2; at += 4) store<f32>(x + at, <f32>(<f64>load<f32>(x + at) / norm));
}
