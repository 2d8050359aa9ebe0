/**
 * From some codes to all of them: guesses that are mostly right are taken for known, and the regression is done again on every stored vector.
 *
 * Entries of a code are +1 or -1, and only the right linear functions of the vectors are: guesses are pushed towards the two, each bit's
 * function is fitted to that over all images, and gives the next guess. Over whitened vectors a fit is one product. A fit
 * to its own guess repeats it; what an image contributes to its own guess is taken off (leave-one-out). This is the fixed point
 * of FastICA (Hyvärinen 1999), begun near the right place: far from it, it leads nowhere. Which of the two happened an attacker
 * sees without knowing the truth: right guesses come close to +1 and -1.
 * @module
 */
import { instantiateKernels } from '../wasm/kernels.ts';
import { multiplyF32, multiplyTransposedF32 } from '../wasm/matrix.ts';
import { sign } from './known-plaintext.ts';

/** Rounds at most. */
const ROUNDS = 10;
/** A round that brings less than this towards +1 and -1 is the last. */
const LEAST_GAIN = 1e-3;
/** Nearness to +1 and -1 that means success. Normal numbers have 0.80, and what leads nowhere was never seen above 0.87. */
const ENOUGH = 0.9;
/** With fewer known images than this share of the dimensions nothing is tried. */
const LEAST_KNOWN = 0.35;

/**
 * Refines a guess of the codes of all stored images.
 * @param whitened - f32[count * dims], from `whiten`.
 * @param codes - u8[count * codeBytes]; those of `known` alone are looked at.
 * @param first - f32[count * bits], from `recoverCodes`.
 * @returns As `first`; undefined when it leads nowhere, or `first` cannot be bettered.
 */
export function refineCodes(
  kernels: WebAssembly.Module,
  whitened: Float32Array,
  codes: Uint8Array,
  count: number,
  known: Uint32Array,
  first: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> | undefined {
  const dims = whitened.length / count;
  if (known.length < LEAST_KNOWN * dims) return undefined;
  const bits = first.length / count;
  const isKnown = new Uint8Array(count);
  for (const image of known) isKnown[image] = 1;
  const own = new Float64Array(count);
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < dims; j++, at++) own[i]! += whitened[at]! ** 2 / count;

  let guess = first;
  let spread = bimodality(guess, bits, isKnown);
  for (let round = 0; round < ROUNDS; round++) {
    // Targets, turned: one row a bit.
    const targets = new Float32Array(count * bits);
    const means = new Float64Array(bits);
    for (let i = 0; i < count; i++)
      for (let bit = 0; bit < bits; bit++) {
        const target = isKnown[i]
          ? sign(codes, codes.length / count, i, bit)
          : Math.tanh(guess[i * bits + bit]! / spread.size);
        targets[bit * count + i] = target;
        means[bit]! += target / count;
      }
    for (let bit = 0; bit < bits; bit++) for (let i = 0; i < count; i++) targets[bit * count + i]! -= means[bit]!;
    const weights = multiplyF32(instantiateKernels(kernels), targets, whitened, bits, count, dims);
    const next = multiplyTransposedF32(instantiateKernels(kernels), whitened, weights, count, dims, bits);
    for (let i = 0; i < count; i++)
      for (let bit = 0; bit < bits; bit++) {
        const at = i * bits + bit;
        next[at] = next[at]! / count - own[i]! * targets[bit * count + i]! + means[bit]!;
      }
    const moved = bimodality(next, bits, isKnown);
    if (moved.ratio < spread.ratio + LEAST_GAIN) break;
    [guess, spread] = [next, moved];
  }
  return guess !== first && spread.ratio > ENOUGH ? guess : undefined;
}

/** Mean size over root mean square of the guesses of unknown images: 1 when all are of one size, 0.8 when they are normal. */
function bimodality(
  guess: Float32Array,
  bits: number,
  isKnown: Uint8Array,
): { readonly ratio: number; readonly size: number } {
  let [sum, squares, count] = [0, 0, 0];
  for (let i = 0; i < isKnown.length; i++) {
    if (isKnown[i]) continue;
    for (let at = i * bits; at < (i + 1) * bits; at++) {
      sum += Math.abs(guess[at]!);
      squares += guess[at]! ** 2;
    }
    count += bits;
  }
  const size = Math.sqrt(squares / count) || 1;
  return { ratio: sum / count / size, size };
}
