/**
 * Which bucket a token stands for, and what pictures it tells of, from how often tokens are met and beside which others.
 *
 * The server holds the tokens of a library and no key. It has pictures of its own, alike and labelled, and a vocabulary is public: it
 * makes tokens of its pictures under a key of its own, and looks for the renaming under which both sets of tokens look the same.
 * That is graph matching: tokens are nodes, `A_ij` is the cosine of two tokens' lists of images. FAQ (Vogelstein et al., PLoS ONE
 * 10(4), 2015): Frank-Wolfe steps on `tr(A P B P^T)` from the centre of all doubly stochastic P, tilted towards tokens of
 * the same frequency; several starts, the best sum counts. With the renaming, classes of the server's pictures pass to the library's.
 * @module
 */
import { seededRandom } from '../base/random.ts';
import { linearAssignment } from './linear-assignment.ts';

/** A set of pictures, as tokens. */
export interface TokenSet {
  /** Per image. */
  readonly tokens: readonly BigUint64Array[];
  /** Class of each image: of the server's own, what it knows; of the library, the truth to measure by. */
  readonly labels: readonly string[];
}

export interface TokenFrequencyOptions {
  /** The truth, where there is one: the server's token of the same bucket as a token of the library. */
  readonly truth?: ReadonlyMap<bigint, bigint>;
  /** Tokens that are matched: the most frequent ones of each side. 512 unless told. */
  readonly most?: number;
  readonly seed?: number;
}

/** What the attack found. */
export interface TokenFrequencyResult {
  /** Tokens matched. */
  readonly matched: number;
  /** Share of them whose bucket is named right; NaN where no truth is. */
  readonly identified: number;
  /** The same by lot. */
  readonly identifiedChance: number;
  /** Share of the images whose class is named right, over the matched tokens. */
  readonly classes: number;
  /** The same when every image is said to be of the commonest class. */
  readonly classChance: number;
  /** The same if every token were named right; NaN where no truth is. */
  readonly classesIfAll: number;
}

const MOST = 512;
const STARTS = 2;
const STEPS = 20;
/** Of the frequency's part in the sum, against what co-occurrence tells. */
const FREQUENCY_WEIGHT = 1;

export function tokenFrequency(
  stored: TokenSet,
  own: TokenSet,
  { truth, most = MOST, seed = 1 }: TokenFrequencyOptions = {},
): TokenFrequencyResult {
  const lists = [postings(stored.tokens), postings(own.tokens)] as const;
  const matched = Math.min(most, lists[0].size, lists[1].size);
  const [mine, theirs] = lists.map((list) => commonest(list, matched)) as [bigint[], bigint[]];
  const a = coOccurrence(mine, lists[0], stored.tokens.length);
  const b = coOccurrence(theirs, lists[1], own.tokens.length);
  const found = matchGraphs(a, b, matched, seed);
  const renamed = new Map(mine.map((token, i) => [token, theirs[found[i]!]!]));
  const right = mine.filter((token) => truth?.get(token) === renamed.get(token)).length;
  return {
    matched,
    identified: truth === undefined ? NaN : right / matched,
    identifiedChance: 1 / matched,
    classes: classesBy(renamed, stored, own),
    classChance: commonestShare(stored.labels),
    classesIfAll: truth === undefined ? NaN : classesBy(truth, stored, own),
  };
}

interface Graph {
  /** f64[n * n]: symmetric, 0 on the diagonal. */
  readonly edges: Float64Array;
  /** f64[n]: share of the images that have the token. */
  readonly frequency: Float64Array;
}

function postings(tokens: readonly BigUint64Array[]): Map<bigint, number[]> {
  const lists = new Map<bigint, number[]>();
  tokens.forEach((own, image) => {
    for (const token of own) {
      const list = lists.get(token);
      if (list === undefined) lists.set(token, [image]);
      else list.push(image);
    }
  });
  return lists;
}

/** Ties by the token, which is as good as chance. */
function commonest(lists: ReadonlyMap<bigint, readonly number[]>, count: number): bigint[] {
  return Array.from(lists)
    .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
    .slice(0, count)
    .map(([token]) => token);
}

function coOccurrence(tokens: readonly bigint[], lists: ReadonlyMap<bigint, readonly number[]>, images: number): Graph {
  const n = tokens.length;
  const edges = new Float64Array(n * n);
  const held = Array.from({ length: images }, (): number[] => []);
  tokens.forEach((token, i) => lists.get(token)!.forEach((image) => held[image]!.push(i)));
  for (const own of held) for (const i of own) for (const j of own) if (i !== j) edges[i * n + j]!++;
  const frequency = Float64Array.from(tokens, (token) => lists.get(token)!.length / images);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) edges[i * n + j]! /= images * Math.sqrt(frequency[i]! * frequency[j]!);
  return { edges, frequency };
}

/** The node of b for each node of a. */
function matchGraphs(a: Graph, b: Graph, n: number, seed: number): Uint32Array {
  const likeness = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      likeness[i * n + j] = -FREQUENCY_WEIGHT * Math.abs(Math.log(a.frequency[i]! / b.frequency[j]!));
  const random = seededRandom(seed);
  let best: { sum: number; columns: Uint32Array } | undefined;
  for (let start = 0; start < STARTS; start++) {
    let p = new Float64Array(n * n).fill(0.5 / n);
    // Tokens in order of frequency, all of them first, then with equal parts of chance.
    const tilt = linearAssignment(start === 0 ? likeness : likeness.map((value) => value - random()), n);
    tilt.forEach((j, i) => (p[i * n + j]! += 0.5));
    for (let step = 0; step < STEPS; step++) {
      const product = both(a, p, b);
      const corner = linearAssignment(
        product.map((value, at) => 2 * value + likeness[at]!),
        n,
      );
      const move = p.map((value) => -value);
      corner.forEach((j, i) => (move[i * n + j]! += 1));
      // f(p + t d) = f(p) + t (2 <APB, d> + <L, d>) + t^2 <AdB, d>
      const slope = 2 * inner(product, move) + inner(likeness, move);
      const bend = inner(both(a, move, b), move);
      const t = bend < 0 ? Math.min(1, -slope / (2 * bend)) : 1;
      if (!(t > 1e-6) || slope <= 1e-12) break;
      p = p.map((value, at) => value + t * move[at]!);
    }
    const columns = linearAssignment(p, n);
    const sum = sumOf(columns, a, b, likeness, n);
    if (best === undefined || sum > best.sum) best = { sum, columns };
  }
  return best!.columns;
}

/** `A P B`: B is symmetric, so it is `(B (A P)^T)^T`. */
function both(a: Graph, p: Float64Array, b: Graph): Float64Array<ArrayBuffer> {
  const n = a.frequency.length;
  return turn(times(b, turn(times(a, p, n), n), n), n);
}

/** Few tokens meet: products pass over the zeros. */
function times({ edges }: Graph, p: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = out.subarray(i * n, (i + 1) * n);
    for (let k = 0; k < n; k++) {
      const edge = edges[i * n + k]!;
      if (edge === 0) continue;
      for (let j = 0, at = k * n; j < n; j++, at++) row[j]! += edge * p[at]!;
    }
  }
  return out;
}

function turn(a: Float64Array, n: number): Float64Array<ArrayBuffer> {
  return a.map((_, at) => a[(at % n) * n + Math.floor(at / n)]!) as Float64Array<ArrayBuffer>;
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function sumOf(columns: Uint32Array, a: Graph, b: Graph, likeness: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += likeness[i * n + columns[i]!]!;
    for (let j = 0; j < n; j++) sum += a.edges[i * n + j]! * b.edges[columns[i]! * n + columns[j]!]!;
  }
  return sum;
}

/** Share of the library's images whose class is named right, by naive Bayes over renamed tokens. */
function classesBy(renamed: ReadonlyMap<bigint, bigint>, stored: TokenSet, own: TokenSet): number {
  const names = [...new Set(own.labels)];
  const number = new Map(names.map((name, i) => [name, i]));
  const sizes = new Float64Array(names.length);
  const counts = new Map<bigint, Float64Array>();
  own.tokens.forEach((tokens, image) => {
    const label = number.get(own.labels[image]!)!;
    sizes[label]!++;
    for (const token of tokens) {
      const list = counts.get(token) ?? new Float64Array(names.length);
      list[label]!++;
      counts.set(token, list);
    }
  });
  let right = 0;
  stored.tokens.forEach((tokens, image) => {
    const scores = sizes.map(Math.log);
    for (const token of tokens) {
      const list = counts.get(renamed.get(token) ?? token);
      if (list === undefined || !renamed.has(token)) continue;
      for (let label = 0; label < names.length; label++)
        scores[label]! += Math.log((list[label]! + 0.1) / (sizes[label]! + 1));
    }
    let best = 0;
    scores.forEach((score, label) => {
      if (score > scores[best]!) best = label;
    });
    if (names[best] === stored.labels[image]) right++;
  });
  return right / stored.labels.length;
}

function commonestShare(labels: readonly string[]): number {
  const sizes = new Map<string, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return Math.max(...sizes.values()) / labels.length;
}
