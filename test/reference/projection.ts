/** The definition, in f64: `v = M * pre(x) - offset`. */
export function project(
  block: {
    bits: number;
    dims: number;
    normalise: boolean;
    mean: Float32Array;
    matrix: Float32Array;
    offset: Float32Array;
  },
  x: Float32Array,
): number[] {
  let numbers = Array.from(x);
  if (block.normalise) numbers = unit(numbers);
  numbers = numbers.map((number, i) => number - block.mean[i]!);
  if (block.normalise) numbers = unit(numbers);
  return Array.from({ length: block.bits }, (_, row) =>
    numbers.reduce((sum, number, i) => sum + number * block.matrix[row * block.dims + i]!, -block.offset[row]!),
  );
}

function unit(numbers: number[]): number[] {
  const norm = Math.hypot(...numbers);
  return norm === 0 ? numbers : numbers.map((number) => number / norm);
}
