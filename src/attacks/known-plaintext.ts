/**
 * Known plaintext against secure kNN: who knows the codes of some stored images learns those of all others, and then the queries.
 *
 * Every bit of a code is one linear function of the stored vector, but for noise: the two parts of a split entry add up to it. The function is found by ridge regression on the known images, over vectors whitened by
 * all that the server stores. How much to regularise is decided on a fifth of the known images. A query follows from its own scores: they are one linear function
 * of the codes, which are now known, found by a second regression. After Yao, Li and Xiao, ICDE 2013.
 * @module
 */
import { instantiateKernels } from '../wasm/kernels.ts';
import { multiplyTransposedF32 } from '../wasm/matrix.ts';
import { cholesky, solveCholesky } from './cholesky.ts';

/** Strengths of regularisation that are tried, relative to the mean of the kernel's diagonal. */
const STRENGTHS = [1e-3, 1e-2, 1e-1, 1] as const;
/** Regularisation of the second regression, relative to the mean of its diagonal. */
const QUERY_STRENGTH = 1e-3;
/** Share of the known images that each strength is tried with; the others tell how well it did. */
const TRAINED = 0.8;
/** No more than this many: the choice is not worth more time. */
const MOST_TRAINED = 800;
/** Bits that the strength is chosen by, spread over the code: its blocks differ. */
const TRIAL_BITS = 64;

/**
 * Guesses the codes of all stored images.
 * @param whitened - f32[count * dims], from `whiten`.
 * @param codes - u8[count * codeBytes]; those of `known` alone are looked at.
 * @param known - Distinct images, at least 10.
 * @returns f32[count * bits]: positive where the bit is thought to be set.
 */
export function recoverCodes(
  kernels: WebAssembly.Module,
  whitened: Float32Array,
  codes: Uint8Array,
  count: number,
  known: Uint32Array,
): Float32Array<ArrayBuffer> {
  const dims = whitened.length / count;
  const codeBytes = codes.length / count;
  const bits = 8 * codeBytes;
  const n = known.length;
  const rows = new Float32Array(n * dims);
  known.forEach((image, i) => rows.set(whitened.subarray(image * dims, (image + 1) * dims), i * dims));
  // products[image * n + i]: of every image with the known ones.
  const products = multiplyTransposedF32(instantiateKernels(kernels), whitened, rows, count, dims, n);

  /** Each wanted bit's mean over the first `size` known images, and the weights of these that give its deviations: f64[wanted * size]. */
  const fit = (size: number, strength: number, wanted: Uint32Array): { means: Float64Array; weights: Float64Array } => {
    const kernel = new Float64Array(size * size);
    let trace = 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) kernel[i * size + j] = products[known[i]! * n + j]!;
      trace += kernel[i * size + i]!;
    }
    for (let i = 0; i < size; i++) kernel[i * size + i]! += (strength * trace) / size;
    cholesky(kernel, size);
    const means = new Float64Array(wanted.length);
    const weights = new Float64Array(wanted.length * size);
    wanted.forEach((bit, row) => {
      const target = weights.subarray(row * size, (row + 1) * size);
      for (let i = 0; i < size; i++) means[row]! += (target[i] = sign(codes, codeBytes, known[i]!, bit)) / size;
      for (let i = 0; i < size; i++) target[i]! -= means[row]!;
      solveCholesky(kernel, size, target);
    });
    return { means, weights };
  };

  const trained = Math.min(MOST_TRAINED, Math.floor(TRAINED * n));
  const trial = Uint32Array.from({ length: Math.min(TRIAL_BITS, bits) }, (_, i) =>
    Math.floor((i * bits) / Math.min(TRIAL_BITS, bits)),
  );
  let best: number = STRENGTHS[0];
  let most = -1;
  for (const strength of STRENGTHS) {
    const { means, weights } = fit(trained, strength, trial);
    let right = 0;
    trial.forEach((bit, row) => {
      for (let i = trained; i < n; i++) {
        let sum = means[row]!;
        for (let j = 0; j < trained; j++) sum += products[known[i]! * n + j]! * weights[row * trained + j]!;
        if (sum > 0 === sign(codes, codeBytes, known[i]!, bit) > 0) right++;
      }
    });
    if (right > most) [most, best] = [right, strength];
  }

  const all = Uint32Array.from({ length: bits }, (_, bit) => bit);
  const { means, weights } = fit(n, best, all);
  const guess = multiplyTransposedF32(
    instantiateKernels(kernels),
    products,
    Float32Array.from(weights),
    count,
    n,
    bits,
  );
  for (let at = 0; at < guess.length; at++) guess[at]! += means[at % bits]!;
  return guess;
}

/**
 * Guesses queries from the scores that the server computes for them.
 * @param guess - From {@link recoverCodes}: taken as codes, by their signs.
 * @param scores - f64[count] of each query, of all stored images.
 * @returns f64[bits] of each query, up to a positive factor.
 */
export function recoverQueries(
  kernels: WebAssembly.Module,
  guess: Float32Array,
  count: number,
  scores: readonly Float64Array[],
): Float64Array[] {
  const bits = guess.length / count;
  // turned[bit * count + image]
  const turned = new Float32Array(guess.length);
  const means = new Float64Array(bits);
  for (let i = 0; i < count; i++)
    for (let bit = 0; bit < bits; bit++) {
      const entry = guess[i * bits + bit]! > 0 ? 1 : -1;
      turned[bit * count + i] = entry;
      means[bit]! += entry / count;
    }
  // Sums of up to 2^24 ones are exact in f32.
  const normal = Float64Array.from(
    multiplyTransposedF32(instantiateKernels(kernels), turned, turned, bits, count, bits),
  );
  for (let a = 0; a < bits; a++) for (let b = 0; b < bits; b++) normal[a * bits + b]! -= count * means[a]! * means[b]!;
  let trace = 0;
  for (let bit = 0; bit < bits; bit++) trace += normal[bit * bits + bit]!;
  for (let bit = 0; bit < bits; bit++) normal[bit * bits + bit]! += (QUERY_STRENGTH * trace) / bits + Number.MIN_VALUE;
  cholesky(normal, bits);
  return scores.map((score) => {
    const mean = score.reduce((sum, value) => sum + value, 0) / count;
    const query = new Float64Array(bits);
    for (let bit = 0; bit < bits; bit++)
      for (let i = 0; i < count; i++) query[bit]! += turned[bit * count + i]! * (score[i]! - mean);
    solveCholesky(normal, bits, query);
    return query;
  });
}

/** Bit `bit` of the code of an image, as +1 or -1. */
export function sign(codes: Uint8Array, codeBytes: number, image: number, bit: number): 1 | -1 {
  return (codes[image * codeBytes + (bit >> 3)]! >> (bit & 7)) & 1 ? 1 : -1;
}
