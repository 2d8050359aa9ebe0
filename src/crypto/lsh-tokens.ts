/**
 * The `lsh` family of tokens: locality-sensitive hashing by bit sampling (Indyk & Motwani 1998), keyed.
 *
 * Table t looks at `bitsPerTable` distinct bits of the fused code. Its bucket is
 * `fingerprint || u16(t) || bits`: bit i of `bits` is the bit at the table's i-th position, LSB first, zero-padded to bytes.
 *
 * **Sampler** (integers only, so equal on every engine). Words come from `hmacWords(sampleKey)`; `below(n)` throws
 * away words from `floor(2^32 / n) * n` on and takes `word mod n`. Tables in order, positions in order; for each position:
 * 1. Block: the open blocks are those with a weight above 0 that have a bit left which this table has not drawn.
 *    `r = below(sum of their weights)`; walking the blocks in order and subtracting, the first with `r < weight` is it.
 * 2. Bit: `below(bits of the block)`, drawn anew while this table already has it.
 *
 * **Probes**: flipping the bits of a set costs the sum of their |margins|; the cheapest sets come first (Lv et al., VLDB 2007,
 * section 4.4), the empty set, at cost 0, before all.
 * @module
 */
import { assertBytes, assertFloats, assertInteger } from '../base/assert.ts';
import { hmacWords } from './key-words.ts';
import { wordBelow } from './random.ts';
import type { TokenFamily, TokenQuery } from './token-family.ts';
import { Tokens } from './token.ts';

/** One feature's stretch of the fused code. */
export interface SampledBlock {
  readonly bits: number;
  /** Integer 0..=65535: how often the block is sampled, against the others. */
  readonly weight: number;
}

/** Sizes of the family. */
export interface LshOptions {
  /** L, 1..=1024. */
  readonly tables: number;
  /** k, 1..=48. */
  readonly bitsPerTable: number;
  /** In the order of the fused code. */
  readonly blocks: readonly SampledBlock[];
  /** 32 bytes: of the vocabulary. */
  readonly fingerprint: Uint8Array;
}

/** The keys the family needs: `token/lsh` and `index/lsh-sample`. */
export interface LshKeys {
  readonly token: Uint8Array;
  readonly sample: Uint8Array;
}

/** Most bits of one table: sets of them are numbers below 2^53. */
const MAX_BITS_PER_TABLE = 48;
const MAX_PROBES = 65536;
const FINGERPRINT_BYTES = 32;

/**
 * Tokens by sampled bits.
 * @example
 * ```ts
 * const lsh = new LshTokens({ token: keys.get('token/lsh'), sample: keys.get('index/lsh-sample') }, options);
 * const stored = lsh.tokens(code); // one a table
 * const asked = lsh.probes({ margins }, 8); // eight a table
 * ```
 */
export class LshTokens implements TokenFamily {
  readonly name = 'lsh';
  /** Bits of a code. */
  readonly bits: number;
  readonly tables: number;
  readonly bitsPerTable: number;
  readonly #positions: Uint16Array;
  readonly #maker: Tokens;
  readonly #fingerprint: Uint8Array;

  /**
   * @throws On wrong argument types. {@link TypeError}
   * @throws On numbers out of range, or fewer bits of positive weight than a table needs. {@link RangeError}
   */
  constructor(keys: LshKeys, { tables, bitsPerTable, blocks, fingerprint }: LshOptions) {
    assertBytes(keys.sample, 'keys.sample', 32);
    assertBytes(fingerprint, 'fingerprint', FINGERPRINT_BYTES);
    this.#positions = samplePositions(keys.sample, { tables, bitsPerTable, blocks });
    this.#maker = new Tokens(keys.token);
    this.#fingerprint = new Uint8Array(fingerprint);
    this.bits = blocks.reduce((sum, block) => sum + block.bits, 0);
    this.tables = tables;
    this.bitsPerTable = bitsPerTable;
  }

  /** Tokens of one stored image: one a table. */
  get count(): number {
    return this.tables;
  }

  /**
   * Tokens of a stored image: u64[tables].
   * @param code - `bits / 8` bytes, packed LSB first.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length. {@link RangeError}
   */
  tokens(code: Uint8Array): BigUint64Array<ArrayBuffer> {
    assertBytes(code, 'code', this.bits / 8);
    const out = new BigUint64Array(this.tables);
    for (let t = 0; t < this.tables; t++) {
      const { input, at } = this.#input(t);
      for (let i = 0; i < this.bitsPerTable; i++) {
        const position = this.#positions[t * this.bitsPerTable + i]!;
        input[at + (i >> 3)]! |= ((code[position >> 3]! >> (position & 7)) & 1) << (i & 7);
      }
      out[t] = this.#maker.of(input);
    }
    return out;
  }

  /**
   * Tokens of a query: for each table in order its `perTable` cheapest buckets, cheapest first, or all 2^bitsPerTable
   * if these are fewer. Equal costs are ordered by the set of flipped bits, read as a number whose lowest bit is
   * the bit with the smallest margin.
   * @param query - Its margins, f32[bits], finite; bit = margin >= 0.
   * @param perTable - 1..=65536.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On another length, a number out of range, or a margin that is not finite. {@link RangeError}
   */
  probes({ margins }: Pick<TokenQuery, 'margins'>, perTable: number): BigUint64Array<ArrayBuffer> {
    assertFloats(margins, 'margins', this.bits);
    assertInteger(perTable, 'perTable', 1, MAX_PROBES);
    if (!margins.every(Number.isFinite)) throw new RangeError('"margins" expected finite numbers, got others');
    const k = this.bitsPerTable;
    const count = Math.min(perTable, 2 ** k);
    const out = new BigUint64Array(this.tables * count);
    for (let t = 0; t < this.tables; t++) {
      const { input, at } = this.#input(t);
      const sampled = Array.from({ length: k }, (_, i) => margins[this.#positions[t * k + i]!]!);
      sampled.forEach((margin, i) => (input[at + (i >> 3)]! |= (margin >= 0 ? 1 : 0) << (i & 7)));
      // Rank 0 is the least certain bit; ties go to the earlier one.
      const ranked = sampled
        .map((margin, i) => ({ cost: Math.abs(margin), i }))
        .sort((a, b) => a.cost - b.cost || a.i - b.i);
      const sets = cheapestSets(
        ranked.map(({ cost }) => cost),
        count,
      );
      sets.forEach((set, s) => {
        const flip = (): void => {
          for (let rank = 0, rest = set; rest > 0; rank++, rest = Math.floor(rest / 2))
            if (rest % 2 === 1) {
              const { i } = ranked[rank]!;
              input[at + (i >> 3)]! ^= 1 << (i & 7);
            }
        };
        flip();
        out[t * count + s] = this.#maker.of(input);
        flip();
      });
    }
    return out;
  }

  wipe(): void {
    this.#maker.wipe();
    this.#positions.fill(0);
  }

  /** `fingerprint || u16(t) || bits`, the bits still zero from `at` on. */
  #input(table: number): { input: Uint8Array; at: number } {
    const at = FINGERPRINT_BYTES + 2;
    const input = new Uint8Array(at + Math.ceil(this.bitsPerTable / 8));
    input.set(this.#fingerprint);
    new DataView(input.buffer).setUint16(FINGERPRINT_BYTES, table, true);
    return { input, at };
  }
}

/**
 * The sampled positions of all tables, u16[tables * bitsPerTable], by the sampler above.
 * @throws On numbers out of range, or fewer bits of positive weight than a table needs. {@link RangeError}
 */
export function samplePositions(
  sampleKey: Uint8Array,
  { tables, bitsPerTable, blocks }: Pick<LshOptions, 'tables' | 'bitsPerTable' | 'blocks'>,
): Uint16Array<ArrayBuffer> {
  assertInteger(tables, 'tables', 1, 1024);
  assertInteger(bitsPerTable, 'bitsPerTable', 1, MAX_BITS_PER_TABLE);
  let start = 0;
  const spans = blocks.map(({ bits, weight }) => {
    assertInteger(bits, 'blocks.bits', 0, 1024);
    if (bits % 8 !== 0) throw new RangeError(`"blocks.bits" expected multiple of 8, got ${bits}`);
    assertInteger(weight, 'blocks.weight', 0, 65535);
    start += bits;
    return { start: start - bits, bits, weight };
  });
  assertInteger(start, 'bits', 8, 1024);
  const eligible = spans.reduce((sum, { bits, weight }) => sum + (weight > 0 ? bits : 0), 0);
  if (eligible < bitsPerTable)
    throw new RangeError(`"bitsPerTable" expected at most ${eligible} bits of positive weight, got ${bitsPerTable}`);

  const word = hmacWords(sampleKey);
  const out = new Uint16Array(tables * bitsPerTable);
  for (let t = 0; t < tables; t++) {
    const left = spans.map(({ bits }) => bits);
    const taken = new Set<number>();
    for (let i = 0; i < bitsPerTable; i++) {
      const weights = spans.map(({ weight }, f) => (left[f]! > 0 ? weight : 0));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      let r = wordBelow(word, total);
      let f = 0;
      while (r >= weights[f]!) r -= weights[f++]!;
      const span = spans[f]!;
      let position: number;
      do position = span.start + wordBelow(word, span.bits);
      while (taken.has(position));
      taken.add(position);
      left[f]!--;
      out[t * bitsPerTable + i] = position;
    }
  }
  return out;
}

/** A non-empty set of ranks: the cost of all but its highest rank, that rank, and the set as a number. */
interface Candidate {
  readonly before: number;
  readonly highest: number;
  readonly cost: number;
  readonly set: number;
}

/**
 * The `count` subsets of smallest sum, as numbers whose bit r stands for `costs[r]`; equal sums by that number.
 * A sum is added up from the lowest rank on. Each set is reached once: from {0}, by moving the highest rank up by one, or by
 * adding the rank above it; both cost no less than the set they come from, so a heap yields them in order.
 * @param costs - Ascending, not negative.
 */
export function cheapestSets(costs: readonly number[], count: number): number[] {
  const sets = [0];
  const heap: Candidate[] = [];
  if (costs.length > 0) push(heap, { before: 0, highest: 0, cost: costs[0]!, set: 1 });
  while (sets.length < count && heap.length > 0) {
    const { before, highest, cost, set } = pop(heap);
    sets.push(set);
    const next = highest + 1;
    if (next === costs.length) continue;
    const step = 2 ** next;
    push(heap, { before, highest: next, cost: before + costs[next]!, set: set + step / 2 });
    push(heap, { before: cost, highest: next, cost: cost + costs[next]!, set: set + step });
  }
  return sets;
}

function earlier(a: Candidate, b: Candidate): boolean {
  return a.cost < b.cost || (a.cost === b.cost && a.set < b.set);
}

function push(heap: Candidate[], candidate: Candidate): void {
  let i = heap.length;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!earlier(candidate, heap[parent]!)) break;
    heap[i] = heap[parent]!;
    i = parent;
  }
  heap[i] = candidate;
}

function pop(heap: Candidate[]): Candidate {
  const top = heap[0]!;
  const last = heap.pop()!;
  if (heap.length > 0) {
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child++;
      if (!earlier(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
  return top;
}
