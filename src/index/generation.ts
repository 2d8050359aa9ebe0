/**
 * The live index of one generation, in memory: which rows carry a token and, where the server ranks, which rows are nearest
 * to a vector.
 *
 * A view of the store. Images that cannot be searched have no row.
 * @module
 */
import { bytesOf } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { pause } from '../base/pause.ts';
import type { StoredVector } from '../base/stored-vector.ts';
import { IdRows } from './id-rows.ts';
import { Postings, type BaseLookUp, type MakeBase } from './postings.ts';
import { checkPostings, readSegment, type SegmentSource } from './segment.ts';
import { PostingsFiller } from './postings-merge.ts';
import { Snapshot } from './snapshot.ts';
import type { GenerationInfo } from './store.ts';
import { Int8Table } from '../search/int8-table.ts';
import { PostingTable } from '../search/posting-table.ts';
import type { TopK } from '../search/top-k.ts';
import { VectorTable } from '../search/vector-table.ts';
import type { KernelSource, ScanTeam } from '../wasm/scan-team.ts';

// Rows that are gone, above which the index is better made anew.
const MIN_WASTE = 1024;
// Changes that are caught up with in a moment.
const MIN_CHANGES = 1024;
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
  reserve(count: number): Uint8Array[];
  rows(first: number, count: number): Uint8Array[];
  hide(index: number): void;
  top(query: Float32Array, k: number, candidates?: Uint32Array): TopK;
  close(): void;
}

/** What a generation must know of itself to be held in memory. */
export type VectorShape = Pick<GenerationInfo, 'vectorDims' | 'vectors'>;

/** What a generation goes on from. */
interface Start {
  readonly sequence: number;
  readonly vectors: Vectors | undefined;
  readonly postings: PostingTable;
  readonly ids: IdRows;
}

// Ids that are linked at a time.
const LINKED = 65536;

export class Generation {
  readonly #shape: VectorShape;
  /** Last mutation this index has seen. */
  sequence: number;
  /** Last mutation that a segment which the store keeps has seen; 0 where there is none. */
  kept: number;
  /** None where the client ranks the candidates. */
  readonly #vectors: Vectors | undefined;
  readonly #postings: Postings;
  readonly #ids: IdRows;
  readonly #isAlive = (row: number): boolean => this.#ids.has(row);
  #closed = false;

  /**
   * @param module - Compiled kernels.
   * @param shape - Of its vectors.
   * @param start - Where to go on from; default: nothing.
   * @param threads - That rank; default: the calling thread.
   */
  constructor(module: WebAssembly.Module, shape: VectorShape, start?: Start, threads?: ScanTeam) {
    this.#shape = shape;
    this.sequence = start?.sequence ?? 0;
    this.kept = this.sequence;
    this.#vectors = start === undefined ? tableOf(threads ?? module, shape) : start.vectors;
    this.#ids = start?.ids ?? new IdRows();
    const table = start?.postings ?? new PostingTable(module, { tokenCount: 0, postingCount: 0, recordCount: 0 });
    this.#postings = new Postings(baseOf(table), table.recordCount, makerOf(module));
  }

  /**
   * Goes on from a segment, whose parts are read into their places.
   * @throws `corrupt-index`, `unsupported-version` or `parameter-mismatch`. {@link RetrievalError}
   */
  static async read(
    module: WebAssembly.Module,
    shape: VectorShape & { readonly parameters: Uint8Array },
    source: SegmentSource,
    threads?: ScanTeam,
  ): Promise<Generation> {
    const vectors = tableOf(threads ?? module, shape);
    try {
      const start = await readSegment(source, shape.parameters, (head) => {
        const { sequence, count, vectorDims, format, tokenCount, postings: postingCount } = head;
        if (vectorDims !== shape.vectorDims || format !== shape.vectors)
          throw new RetrievalError('parameter-mismatch', 'the segment holds vectors of another shape');
        const postings = new PostingTable(module, { tokenCount, postingCount, recordCount: count });
        const ids = new IdRows(count);
        const { tokens, offsets, records } = postings.postings;
        const places = {
          ids: [ids.ids(0, count)],
          tokens: [bytesOf(tokens)],
          vectors: vectors?.reserve(count) ?? [],
          offsets: [bytesOf(offsets)],
          rows: [bytesOf(records)],
        };
        return { sequence, vectors, postings, ids, places };
      });
      const { ids, postings } = start;
      checkPostings(baseOf(postings).data, ids.length);
      for (let row = 0; row < ids.length; row += LINKED) {
        ids.link(row, Math.min(ids.length, row + LINKED));
        await pause();
      }
      return new Generation(module, shape, start);
    } catch (error) {
      vectors?.close();
      throw error;
    }
  }

  /** What it holds at this moment, to be written while it goes on. */
  freeze(): Snapshot {
    const { vectorDims, vectors: format } = this.#shape;
    const [ids, vectors] = [this.#ids, this.#vectors];
    return new Snapshot({
      ...{ format, vectorDims, sequence: this.sequence, alive: ids.alive(), postings: this.#postings.freeze() },
      ids: (first, count) => [ids.ids(first, count)],
      vectors: (first, count) => vectors?.rows(first, count) ?? [],
      isGone: () => this.#closed,
    });
  }

  /** Images that can be found. */
  get count(): number {
    return this.#ids.count;
  }

  /** Whether so many rows are gone that reading everything again saves memory and time. */
  get wasteful(): boolean {
    return this.#ids.length > 2 * this.count + MIN_WASTE;
  }

  /** Lets go of the memory, also where a snapshot is being written. It is not used again. */
  close(): void {
    this.#closed = true;
    this.#vectors?.close();
  }

  /** Whether more has changed since it was kept than a share of its images, and enough to be worth a file. */
  hasChanged(share: number): boolean {
    return this.sequence - this.kept > Math.max(MIN_CHANGES, share * this.count);
  }

  /** Adds an image, or replaces it; one that cannot be searched is only taken out. */
  put(id: Uint8Array, tokens: BigUint64Array, vector: StoredVector): void {
    this.remove(id);
    if (!isSearchable({ tokens, vector }, this.#shape.vectorDims)) return;
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
    return this.#vectors instanceof VectorTable && 4 * this.#shape.vectorDims * this.count >= LEAST_SHARED_BYTES;
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

  /** How many images share a token, and the first ids of them behind `after`, in order, at most `limit`. */
  candidates(
    tokens: BigUint64Array,
    after: Uint8Array | undefined,
    limit: number,
  ): { count: number; ids: Uint8Array[] } {
    const rows = this.#postings.lookUp(tokens, this.#isAlive);
    return { count: rows.length, ids: this.#ids.first(rows, after, limit) };
  }
}

/** Room for vectors, where the server ranks. */
function tableOf(source: KernelSource, { vectorDims, vectors }: VectorShape): Vectors | undefined {
  return vectorDims === 0 ? undefined : new (vectors === 'int8' ? Int8Table : VectorTable)(source, vectorDims);
}

function baseOf(table: PostingTable): BaseLookUp {
  return {
    get data() {
      const { tokens, offsets, records } = table.postings;
      return { tokens, offsets, rows: records };
    },
    lookUp: (tokens) => table.lookUp(tokens),
  };
}

/** Bases are filled in where they are looked up. */
function makerOf(module: WebAssembly.Module): MakeBase {
  return (most, recordCount) => {
    const table = new PostingTable(module, { tokenCount: most.tokens, postingCount: most.rows, recordCount });
    const base = baseOf(table);
    const filler = new PostingsFiller(base.data);
    return {
      append: (part) => filler.append(part),
      finish() {
        table.cut(filler.tokenCount, filler.rowCount);
        return base;
      },
    };
  };
}
