/**
 * All attacks on one index, run as its server could run them, and measured by the truth that only the owner has.
 *
 * What the ranking keeps from the server cannot be attacked, and has no figures in the report.
 * @module
 */
import { mean } from '../eval/metrics.ts';
import { ciphertextSimilarity, type SimilarityResult } from './ciphertext-similarity.ts';
import { insertionOrder } from './insertion-order.ts';
import { recoverCodes, recoverQueries, sign } from './known-plaintext.ts';
import type { NeighbourShare } from './neighbours.ts';
import { scoreLattice } from './score-lattice.ts';
import { refineCodes } from './self-training.ts';
import { tokenCoOccurrence, type CoOccurrenceResult } from './token-co-occurrence.ts';
import { whiten } from './whiten.ts';

/** What the server stores of the images of an index. */
export interface StoredIndex {
  readonly count: number;
  /** f32[count * dims]; empty where no vectors are stored. */
  readonly vectors: Float32Array;
  /** Per image; empty where no tokens are stored. */
  readonly tokens: readonly BigUint64Array[];
  /** f64[count]: sequence numbers; empty where the server's log has been cut. */
  readonly places: Float64Array;
}

/** A query that the server has answered, and what it was. */
export interface SeenQuery {
  /** f32[bits]: the truth. */
  readonly query: Float32Array;
  /** f32[dims]: what was sent. */
  readonly trapdoor: Float32Array;
}

/** The truth, to measure by. */
export interface Truth {
  /** u8[count * codeBytes] */
  readonly codes: Uint8Array;
  /** Queries, where the server ranks. */
  readonly queries: readonly SeenQuery[];
}

export interface SuiteOptions {
  /** Numbers of known images; those that leave fewer than ten unknown are left out. */
  readonly known: readonly number[];
  /** Images whose neighbours are looked for. */
  readonly asked: number;
  readonly onStep?: (attack: string) => void;
}

/** One row of the known-plaintext attack. */
export interface KnownPlaintextRow {
  readonly known: number;
  /** Whether guesses, taken for known, gave better ones. */
  readonly refined: boolean;
  /** Share of the bits of unseen images that are guessed right: 0.5 is chance. */
  readonly bits: number;
  /** Share of unseen images whose code is right in every bit. */
  readonly whole: number;
  /** Share of the signs of queries that are right, and the mean cosine of guessed and true queries. NaN without queries. */
  readonly queryBits: number;
  readonly queryCosine: number;
}

/** Searches whose scores lie on a lattice, and the mean height of the peaks (1: a perfect lattice). */
export interface LatticeShare {
  readonly searches: number;
  readonly found: number;
  readonly peak: number;
}

/** What the attacks found. */
export interface SuiteResult {
  readonly images: number;
  readonly similarity?: SimilarityResult;
  readonly knownPlaintext?: readonly KnownPlaintextRow[];
  readonly lattice?: LatticeShare;
  readonly tokens?: CoOccurrenceResult;
  readonly order?: NeighbourShare;
}

/** Steps that `onStep` will tell of. */
export function suiteSteps(stored: StoredIndex, options: SuiteOptions): number {
  return 1 + (stored.tokens.length > 0 ? 1 : 0) + (stored.vectors.length > 0 ? 2 + usable(stored, options).length : 0);
}

/** Runs every attack that there is something for. */
export function attackIndex(
  kernels: WebAssembly.Module,
  stored: StoredIndex,
  { codes, queries }: Truth,
  options: SuiteOptions,
): SuiteResult {
  const { count, vectors, tokens, places } = stored;
  const step = (attack: string): void => options.onStep?.(attack);
  const asked = spread(count, Math.min(options.asked, count));
  const order = places.length === 0 ? {} : { order: insertionOrder(places, codes, asked) };
  step('order');
  const byTokens = tokens.length === 0 ? {} : { tokens: tokenCoOccurrence(tokens, codes, asked) };
  if (tokens.length > 0) step('tokens');
  if (vectors.length === 0) return { images: count, ...byTokens, ...order };

  const dims = vectors.length / count;
  const whitened = whiten(kernels, vectors, count, dims);
  const similarity = ciphertextSimilarity(kernels, vectors, whitened, codes, count, asked);
  step('similarity');
  const scores = queries.map(({ trapdoor }) => allScores(vectors, trapdoor, count));
  const lattice = latticeShare(scores, (8 * codes.length) / count);
  step('lattice');
  const knownPlaintext = usable(stored, options).map((known) => {
    const row = knownPlaintextRow(kernels, whitened, codes, count, known, queries, scores);
    step(`${known} known images`);
    return row;
  });
  return {
    images: count,
    similarity,
    knownPlaintext,
    ...(queries.length > 0 ? { lattice } : {}),
    ...byTokens,
    ...order,
  };
}

function usable({ count }: StoredIndex, { known }: SuiteOptions): number[] {
  return known.filter((number) => number <= count - 10);
}

function knownPlaintextRow(
  kernels: WebAssembly.Module,
  whitened: Float32Array,
  codes: Uint8Array,
  count: number,
  number: number,
  queries: readonly SeenQuery[],
  scores: readonly Float64Array[],
): KnownPlaintextRow {
  const codeBytes = codes.length / count;
  const bits = 8 * codeBytes;
  const known = spread(count, number);
  const first = recoverCodes(kernels, whitened, codes, count, known);
  const refined = refineCodes(kernels, whitened, codes, count, known, first);
  const guess = refined ?? first;
  const seen = new Set(known);
  let right = 0;
  let whole = 0;
  for (let image = 0; image < count; image++) {
    if (seen.has(image)) continue;
    let own = 0;
    for (let bit = 0; bit < bits; bit++)
      if (guess[image * bits + bit]! > 0 === sign(codes, codeBytes, image, bit) > 0) own++;
    right += own;
    if (own === bits) whole++;
  }
  const unseen = count - number;
  const guessed = recoverQueries(kernels, guess, count, scores);
  const agreements = guessed.map((guessedQuery, i) => compare(guessedQuery, queries[i]!.query));
  return {
    known: number,
    refined: refined !== undefined,
    bits: right / (unseen * bits),
    whole: whole / unseen,
    queryBits: mean(agreements.map(({ signs }) => signs)),
    queryCosine: mean(agreements.map(({ cosine }) => cosine)),
  };
}

function compare(guess: Float64Array, query: Float32Array): { signs: number; cosine: number } {
  let [signs, product, a, b] = [0, 0, 0, 0];
  for (let i = 0; i < query.length; i++) {
    if (guess[i]! > 0 === query[i]! > 0) signs++;
    product += guess[i]! * query[i]!;
    a += guess[i]! ** 2;
    b += query[i]! ** 2;
  }
  return { signs: signs / query.length, cosine: a * b > 0 ? product / Math.sqrt(a * b) : 0 };
}

/**
 * Looks for a lattice in the scores of each search.
 * @param bits - Bits of a code.
 */
export function latticeShare(scores: readonly Float64Array[], bits: number): LatticeShare {
  const lattices = scores.map((score) => scoreLattice(score, bits));
  return {
    searches: lattices.length,
    found: lattices.filter(({ found }) => found).length,
    peak: mean(lattices.map(({ peak }) => peak)),
  };
}

/** Scores as the server can compute them: f64[count]. */
export function allScores(vectors: Float32Array, trapdoor: Float32Array, count: number): Float64Array {
  const dims = trapdoor.length;
  const out = new Float64Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < dims; j++, at++) sum += vectors[at]! * trapdoor[j]!;
    out[i] = sum;
  }
  return out;
}

/** `wanted` of `0 .. count`, evenly spread. */
function spread(count: number, wanted: number): Uint32Array {
  return Uint32Array.from({ length: wanted }, (_, i) => Math.floor((i * count) / wanted));
}
