/**
 * The live index of one generation, in memory: which rows carry a token and, where the server ranks, which rows are nearest
 * to a vector.
 *
 * A view of the store. Images that cannot be searched have no row.
 * @module
 */
import { compareBytes } from '../base/bytes.ts';
import type { StoredVector } from '../base/stored-vector.ts';
import { IdRows } from './id-rows.ts';
import { Postings } from './postings.ts';
import type { Segment } from './segment.ts';
import type { GenerationInfo } from './store.ts';
import { ID_BYTES } from './values.ts';
import { Int8Table } from '../search/int8-table.ts';
import { PostingTable } from '../search/posting-table.ts';
import type { TopK } from '../search/top-k.ts';
import { VectorTable } from '../search/vector-table.ts';
import type { ScanTeam } from '../wasm/scan-team.ts';

// Rows that are gone, above which the index is better made anew.
const MIN_WASTE = 1024;
// Less is scanned in a few milliseconds: waiting for company would not pay.
const LEAST_SHARED_BYTES = 2 ** 27;

/** Ranked answer of one search. */
export interface Ranked {
  /** Best first. */
  readonly ids: Uint8Array[];
  /** Larger is nearer. */
  readonly scores: Float32Array;
  /** Images that were ranked. */
  readonly candidates: number;
}

/** Whether a record can be found: it has what its ranking finds it by. */
export function isSearchable(
  { tokens, vector }: { readonly tokens: BigUint64Array; readonly vector: StoredVector },
  vectorDims: number,
): boolean {
  return vectorDims === 0 ? tokens.length > 0 : vector.length > 0;
}

/** What {@link VectorTable} and {@link Int8Table} have in common. */
interface Vectors {
  append(rows: StoredVector): number;
  hide(index: number): void;
  top(query: Float32Array, k: number, candidates?: Uint32Array): TopK;
  close(): void;
}

/** What a generation must know of itself to be held in memory. */
export type VectorShape = Pick<GenerationInfo, 'vectorDims' | 'vectors'>;

export class Generation {
  readonly vectorDims: number;
  /** Last mutation this index has seen. */
  sequence: number;
  /** None where the client ranks the candidates. */
  readonly #vectors: Vectors | undefined;
  readonly #postings: Postings;
  readonly #ids = new IdRows();
  readonly #isAlive = (row: number): boolean => this.#ids.has(row);

  /**
   * @param module - Compiled kernels.
   * @param shape - Of its vectors.
   * @param start - Where to go on from: a segment, or nothing.
   * @param threads - That rank; default: the calling thread.
   */
  constructor(module: WebAssembly.Module, { vectorDims, vectors }: VectorShape, start?: Segment, threads?: ScanTeam) {
    this.vectorDims = vectorDims;
    this.sequence = start?.sequence ?? 0;
    if (vectorDims > 0)
      this.#vectors = new (vectors === 'int8' ? Int8Table : VectorTable)(threads ?? module, vectorDims);
    const count = (start?.ids.length ?? 0) / ID_BYTES;
    this.#postings = new Postings(
      start?.postings,
      count,
      (data, recordCount) =>
        new PostingTable(module, {
          tokens: data.tokens,
          offsets: data.offsets,
          records: data.rows,
          recordCount,
        }),
    );
    if (start === undefined) return;
    this.#vectors?.append(start.vectors);
    for (let row = 0; row < count; row++) this.#ids.add(start.ids.subarray(ID_BYTES * row, ID_BYTES * (row + 1)));
  }

  /** Images that can be found. */
  get count(): number {
    return this.#ids.count;
  }

  /** Whether so many rows are gone that reading everything again saves memory and time. */
  get wasteful(): boolean {
    return this.#ids.length > 2 * this.count + MIN_WASTE;
  }

  /** Lets go of the memory. It is not used again. */
  close(): void {
    this.#vectors?.close();
  }

  /** Adds an image, or replaces it; one that cannot be searched is only taken out. */
  put(id: Uint8Array, tokens: BigUint64Array, vector: StoredVector): void {
    this.remove(id);
    if (!isSearchable({ tokens, vector }, this.vectorDims)) return;
    this.#vectors?.append(vector);
    this.#postings.add(this.#ids.add(id), tokens, this.#isAlive);
  }

  remove(id: Uint8Array): void {
    const row = this.#ids.rowOf(id);
    if (row === undefined) return;
    this.#ids.remove(row);
    this.#vectors?.hide(row);
  }

  /**
   * The k images with the largest inner products among those that share a token, or among all.
   * @param scan - All of them.
   * @throws On a generation without vectors. {@link RangeError}
   */
  search(tokens: BigUint64Array, vector: Float32Array, k: number, scan: boolean): Ranked {
    if (this.#vectors === undefined) throw new RangeError('"vectors" expected a generation with vectors');
    const candidates = scan ? undefined : this.#postings.lookUp(tokens, this.#isAlive);
    return this.#ranked(this.#vectors.top(vector, k, candidates), candidates?.length);
  }

  /** Whether scans that wait at the same time had better go through it together: its vectors come from memory, and not from a cache. */
  get sharesPasses(): boolean {
    return this.#vectors instanceof VectorTable && 4 * this.vectorDims * this.count >= LEAST_SHARED_BYTES;
  }

  /**
   * {@link search} of all images, by several vectors in one pass.
   * @throws On a generation without f32 vectors. {@link RangeError}
   */
  scan(vectors: readonly Float32Array[], k: number): Ranked[] {
    if (!(this.#vectors instanceof VectorTable))
      throw new RangeError('"vectors" expected a generation with f32 vectors');
    return this.#vectors.topMany(vectors, k).map((top) => this.#ranked(top));
  }

  #ranked({ indices, scores }: TopK, candidates: number = this.count): Ranked {
    return { ids: Array.from(indices, (row) => this.#ids.idOf(row)), scores, candidates };
  }

  /** The images that share a token, in order of id. */
  candidates(tokens: BigUint64Array): Uint8Array[] {
    const rows = this.#postings.lookUp(tokens, this.#isAlive);
    return Array.from(rows, (row) => this.#ids.idOf(row)).sort(compareBytes);
  }
}
