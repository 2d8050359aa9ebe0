/**
 * From tokens to the records that carry them: the prefilter of a search.
 *
 * A fixed table, copied into WASM memory once. Tokens are u64 and mean nothing here.
 * @module
 */
import { assertInteger } from '../base/assert.ts';
import { instantiateKernels, layOut, type Kernels } from '../wasm/kernels.ts';

const MAX_STAMP = 0xffffffff;

/** The lists of all tokens, back to back. */
export interface Postings {
  /** Ascending, distinct. */
  readonly tokens: BigUint64Array;
  /** u32[tokens.length + 1]: the list of token t is `records[offsets[t] .. offsets[t + 1]]`. */
  readonly offsets: Uint32Array;
  /** Record numbers, below `recordCount`. */
  readonly records: Uint32Array;
  readonly recordCount: number;
}

/** Room for postings that are still to come. */
export interface PostingRoom {
  readonly tokenCount: number;
  readonly postingCount: number;
  readonly recordCount: number;
}

/** A fixed table of postings. */
export class PostingTable {
  readonly recordCount: number;
  #tokenCount: number;
  #postingCount: number;
  readonly #kernels: Kernels;
  readonly #sizes: Record<'tokens' | 'offsets' | 'records' | 'stamps' | 'out', number>;
  #stamp = 0;

  /**
   * @param module - Compiled kernels.
   * @param start - Postings, copied; or room for some, that the caller fills in through {@link postings} and checks by {@link assertPostings}.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On tokens or offsets out of order, or a record that is not there. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, start: Postings | PostingRoom) {
    if ('tokens' in start) assertPostings(start);
    const { recordCount } = start;
    const [tokenCount, postingCount] =
      'tokens' in start ? [start.tokens.length, start.records.length] : [start.tokenCount, start.postingCount];
    this.#tokenCount = tokenCount;
    this.#postingCount = postingCount;
    this.recordCount = recordCount;
    this.#kernels = instantiateKernels(module);
    this.#sizes = {
      tokens: 8 * tokenCount,
      offsets: 4 * (tokenCount + 1),
      records: 4 * postingCount,
      stamps: 4 * recordCount,
      out: 4 * recordCount,
    };
    const { tokens, offsets, records } = this.postings;
    if (!('tokens' in start)) return;
    tokens.set(start.tokens);
    offsets.set(start.offsets);
    records.set(start.records);
  }

  get tokenCount(): number {
    return this.#tokenCount;
  }

  /** Says that less was filled in than there was room for. */
  cut(tokenCount: number, postingCount: number): void {
    this.#tokenCount = tokenCount;
    this.#postingCount = postingCount;
  }

  /** What the table holds. Views, stale after the next look-up. */
  get postings(): Postings {
    const at = layOut(this.#kernels, this.#sizes);
    const { buffer } = this.#kernels.memory;
    return {
      tokens: new BigUint64Array(buffer, at.tokens, this.#tokenCount),
      offsets: new Uint32Array(buffer, at.offsets, this.#tokenCount + 1),
      records: new Uint32Array(buffer, at.records, this.#postingCount),
      recordCount: this.recordCount,
    };
  }

  /**
   * The records that carry any of the tokens, each once.
   * @param query - Tokens, in any order; unknown ones and repeated ones do no harm.
   * @returns Record numbers, in the order of the query's tokens and their lists.
   * @throws On anything but a `BigUint64Array`. {@link TypeError}
   */
  lookUp(query: BigUint64Array): Uint32Array<ArrayBuffer> {
    if (!(query instanceof BigUint64Array)) throw new TypeError(`"query" expected BigUint64Array, got ${typeof query}`);
    const at = layOut(this.#kernels, { ...this.#sizes, query: query.byteLength });
    const { buffer } = this.#kernels.memory;
    new BigUint64Array(buffer, at.query, query.length).set(query);
    if (this.#stamp === MAX_STAMP) {
      new Uint32Array(buffer, at.stamps, this.recordCount).fill(0);
      this.#stamp = 0;
    }
    this.#stamp++;
    const found = this.#kernels.lookUpPostings(
      at.tokens,
      at.offsets,
      this.#tokenCount,
      at.records,
      at.query,
      query.length,
      at.stamps,
      this.#stamp,
      at.out,
    );
    return new Uint32Array(buffer, at.out, found).slice();
  }
}

/** Throws as {@link PostingTable} does. */
export function assertPostings({ tokens, offsets, records, recordCount }: Postings): void {
  if (!(tokens instanceof BigUint64Array))
    throw new TypeError(`"tokens" expected BigUint64Array, got ${typeof tokens}`);
  if (!(offsets instanceof Uint32Array)) throw new TypeError(`"offsets" expected Uint32Array, got ${typeof offsets}`);
  if (!(records instanceof Uint32Array)) throw new TypeError(`"records" expected Uint32Array, got ${typeof records}`);
  assertInteger(recordCount, 'recordCount', 0, 0x7fffffff);
  if (offsets.length !== tokens.length + 1)
    throw new RangeError(`"offsets" expected ${tokens.length + 1} numbers, got ${offsets.length}`);
  const step = findStepBack(tokens);
  if (step !== undefined) throw new RangeError(`"tokens" expected ascending, got a step back at ${step}`);
  for (let t = 1; t < offsets.length; t++)
    if (offsets[t]! < offsets[t - 1]!) throw new RangeError(`"offsets" expected ascending, got a step back at ${t}`);
  if (offsets[0] !== 0 || offsets[tokens.length] !== records.length)
    throw new RangeError(`"offsets" expected 0..${records.length}, got ${offsets[0]}..${offsets[tokens.length]}`);
  for (let i = 0; i < records.length; i++)
    if (records[i]! >= recordCount)
      throw new RangeError(`"records" expected numbers below ${recordCount}, got ${records[i]}`);
}

/** The first token that is not above the one before it. By 32-bit halves: there may be millions, and a bigint each costs more than the comparison. */
function findStepBack(tokens: BigUint64Array): number | undefined {
  const halves = new Uint32Array(tokens.buffer, tokens.byteOffset, 2 * tokens.length);
  for (let t = 1, low = halves[0]!, high = halves[1]!; t < tokens.length; t++) {
    const [nextLow, nextHigh] = [halves[2 * t]!, halves[2 * t + 1]!];
    if (nextHigh < high || (nextHigh === high && nextLow <= low)) return t;
    low = nextLow;
    high = nextHigh;
  }
  return undefined;
}
