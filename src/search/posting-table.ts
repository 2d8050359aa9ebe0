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

/** A fixed table of postings. */
export class PostingTable {
  readonly tokenCount: number;
  readonly recordCount: number;
  readonly #kernels: Kernels;
  readonly #sizes: Record<'tokens' | 'offsets' | 'records' | 'stamps' | 'out', number>;
  #stamp = 0;

  /**
   * @param module - Compiled kernels.
   * @param postings - Copied.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On tokens or offsets out of order, or a record that is not there. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, postings: Postings) {
    assertPostings(postings);
    const { tokens, offsets, records, recordCount } = postings;
    this.tokenCount = tokens.length;
    this.recordCount = recordCount;
    this.#kernels = instantiateKernels(module);
    this.#sizes = {
      tokens: tokens.byteLength,
      offsets: offsets.byteLength,
      records: records.byteLength,
      stamps: 4 * recordCount,
      out: 4 * recordCount,
    };
    const at = layOut(this.#kernels, this.#sizes);
    const { buffer } = this.#kernels.memory;
    new BigUint64Array(buffer, at.tokens, tokens.length).set(tokens);
    new Uint32Array(buffer, at.offsets, offsets.length).set(offsets);
    new Uint32Array(buffer, at.records, records.length).set(records);
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
      this.tokenCount,
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

function assertPostings({ tokens, offsets, records, recordCount }: Postings): void {
  if (!(tokens instanceof BigUint64Array))
    throw new TypeError(`"tokens" expected BigUint64Array, got ${typeof tokens}`);
  if (!(offsets instanceof Uint32Array)) throw new TypeError(`"offsets" expected Uint32Array, got ${typeof offsets}`);
  if (!(records instanceof Uint32Array)) throw new TypeError(`"records" expected Uint32Array, got ${typeof records}`);
  assertInteger(recordCount, 'recordCount', 0, 0x7fffffff);
  if (offsets.length !== tokens.length + 1)
    throw new RangeError(`"offsets" expected ${tokens.length + 1} numbers, got ${offsets.length}`);
  for (let t = 1; t < tokens.length; t++)
    if (tokens[t]! <= tokens[t - 1]!) throw new RangeError(`"tokens" expected ascending, got a step back at ${t}`);
  for (let t = 1; t < offsets.length; t++)
    if (offsets[t]! < offsets[t - 1]!) throw new RangeError(`"offsets" expected ascending, got a step back at ${t}`);
  if (offsets[0] !== 0 || offsets[tokens.length] !== records.length)
    throw new RangeError(`"offsets" expected 0..${records.length}, got ${offsets[0]}..${offsets[tokens.length]}`);
  for (const record of records)
    if (record >= recordCount) throw new RangeError(`"records" expected numbers below ${recordCount}, got ${record}`);
}
