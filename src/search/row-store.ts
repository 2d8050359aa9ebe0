/**
 * A growing table of equal-length rows in WASM memory, and the scans over it.
 *
 * A memory holds 4 GiB, so a table has as many as it needs. In each the rows lie right after a fixed head, so growing moves nothing: scratch is laid
 * out anew, behind the rows, by every search. A scan is cut into parts where there are threads for them.
 * @module
 */
import { layOut, type Kernels } from '../wasm/kernels.ts';
import { teamOf, type KernelSource, type ScanKernel, type ScanTeam } from '../wasm/scan-team.ts';
import { BLOCK, BLOCK_BYTES, listBytesOf, mergeTop, takeTop, type TopK } from './top-k.ts';

/** Most bytes of one memory. */
const MEMORY_BYTES = 2 ** 32;
// Left free for the head and the scratch of searches: 16 of them for 10,000 answers each, in 64 parts, take 80 MiB.
const RESERVED_BYTES = 2 ** 28;
/** So many parts for each thread: one that is held up leaves the rest to others. */
const PARTS_A_THREAD = 4;
/** A part below this is not worth waking a thread for. */
const LEAST_PART_BYTES = 2 ** 18;

/** Shape of a table. */
export interface RowShape {
  /** Bytes per row, a multiple of 8. */
  readonly rowBytes: number;
  /** Bytes kept before the rows of each memory, for the query. */
  readonly headBytes: number;
  /** What is counted: so many of them lie in one row. Default: 1. */
  readonly perRow?: number;
  /** Most bytes of one memory. Default: 4 GiB. */
  readonly memoryBytes?: number | undefined;
}

/** Rows that lie side by side in one memory. */
export interface Piece {
  /** From the row of the first one on. A view, stale after the next call that grows memory. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Which of that row the first one is. */
  readonly offset: number;
  readonly count: number;
}

/** Rows and free space of one memory. */
interface Shard {
  readonly kernels: Kernels;
  /** Rows there is room for. */
  capacity: number;
}

/** Where things lie in a memory while it is scanned. */
export interface Scan {
  readonly kernels: Kernels;
  /** `headBytes`, for the query. */
  readonly head: number;
  /** As many bytes as the scan asked for. */
  readonly extra: number;
}

/** What a kernel goes through in one part. */
export interface Part {
  /** The part's first row. */
  readonly rows: number;
  /** u32[count], rows counted from `rows`; 0 for the first `count`. */
  readonly candidates: number;
  readonly count: number;
  readonly k: number;
  readonly block: number;
  /** Of the first query; the next one's is `listBytes` behind it. */
  readonly scores: number;
  readonly indices: number;
  readonly listBytes: number;
  /** u32[queries], where there are several. */
  readonly found: number;
}

/** One search, or several that go through the rows together. */
export interface Search {
  readonly k: number;
  /** Default: 1. */
  readonly queries?: number;
  readonly candidates?: Uint32Array | undefined;
  readonly kernel: ScanKernel;
  /** Bytes it wants in each memory besides the head. */
  readonly extraBytes?: number;
  /** Writes the queries into a memory. */
  enter(scan: Scan): void;
  /** Arguments of the kernel. */
  argumentsOf(scan: Scan, part: Part): readonly number[];
}

/** Rows of `rowBytes` bytes each. Checks nothing: the tables built on it do. */
export class RowStore {
  readonly rowBytes: number;
  readonly #team: ScanTeam;
  readonly #headBytes: number;
  readonly #perRow: number;
  /** Counted ones that one memory holds. */
  readonly #limit: number;
  readonly #shards: Shard[] = [];
  #count = 0;

  /** @param source - Compiled kernels, or the threads that scan. */
  constructor(source: KernelSource, { rowBytes, headBytes, perRow = 1, memoryBytes = MEMORY_BYTES }: RowShape) {
    this.#team = teamOf(source);
    this.rowBytes = rowBytes;
    this.#headBytes = headBytes;
    this.#perRow = perRow;
    this.#limit =
      perRow * Math.max(1, Math.floor((memoryBytes - Math.min(RESERVED_BYTES, memoryBytes / 2)) / rowBytes));
    this.#shard(0);
  }

  /** Held: rows, or what lies in them. */
  get count(): number {
    return this.#count;
  }

  /**
   * Counts `more` in and makes room for them, by half of what is there or more. They hold whatever lay there.
   * @returns Number of the first one.
   * @throws When there is no memory for them: none is counted in. {@link RangeError}
   */
  extend(more: number): number {
    const first = this.#count;
    const count = first + more;
    for (let i = Math.floor(first / this.#limit); i * this.#limit < count; i++) {
      const shard = this.#shard(i);
      const rows = Math.ceil(Math.min(this.#limit, count - i * this.#limit) / this.#perRow);
      if (rows <= shard.capacity) continue;
      const capacity = Math.min(this.#limit / this.#perRow, Math.max(rows, Math.ceil(1.5 * shard.capacity)));
      this.#place({ ...shard, capacity }, {});
      shard.capacity = capacity;
    }
    this.#count = count;
    return first;
  }

  /** Counts the last one out. */
  pop(): void {
    this.#count--;
  }

  /** `count` from number `first` on: one piece for each memory that has some. */
  *pieces(first: number, count: number): Generator<Piece, void, void> {
    for (let i = Math.floor(first / this.#limit); count > 0; i++) {
      const from = first - i * this.#limit;
      const here = Math.min(count, this.#limit - from);
      const row = Math.floor(from / this.#perRow);
      const offset = from - row * this.#perRow;
      const shard = this.#shards[i]!;
      const bytes = new Uint8Array(
        shard.kernels.memory.buffer,
        this.#place(shard, {}).rows + row * this.rowBytes,
        Math.ceil((offset + here) / this.#perRow) * this.rowBytes,
      );
      yield { bytes, offset, count: here };
      first += here;
      count -= here;
    }
  }

  /** The row that number `index` lies in. */
  row(index: number): Piece {
    return this.pieces(index, 1).next().value!;
  }

  /** Each memory that holds something: `look` gets its rows, how many they hold, and `bytes` bytes of scratch for each of those. */
  each(bytes: number, look: (scan: Scan, rows: number, count: number) => void): void {
    this.#shards.forEach((shard, i) => {
      const count = this.#countOf(i);
      const at = this.#place(shard, { extra: bytes * count });
      if (count > 0) look({ kernels: shard.kernels, ...at }, at.rows, count);
    });
  }

  /** The best of all, or of the candidates: one answer a query. */
  top(search: Search): TopK[] {
    const { candidates, queries = 1 } = search;
    const found = this.#shards.flatMap((_, i) => {
      const base = i * this.#limit;
      const count = this.#countOf(i);
      if (this.#shards.length === 1 || candidates === undefined) return this.#scan(search, i, base, candidates);
      const here = candidates.filter((row) => row >= base && row < base + count);
      return this.#scan(
        search,
        i,
        base,
        here.map((row) => row - base),
      );
    });
    return Array.from({ length: queries }, (_, q) =>
      mergeTop(
        found.map((answers) => answers[q]!),
        search.k,
      ),
    );
  }

  /** Lets go of the memory. Nothing else may be called after it. */
  close(): void {
    for (const { kernels } of this.#shards.splice(0)) this.#team.release(kernels);
  }

  /** One memory's best: for each part, one answer a query. */
  #scan(search: Search, i: number, base: number, candidates: Uint32Array | undefined): TopK[][] {
    const count = candidates?.length ?? this.#countOf(i);
    if (count === 0) return [];
    const length = this.#partLength(count);
    const k = Math.min(search.k, length);
    const parts = Math.ceil(count / length);
    const shard = this.#shards[i]!;
    const { kernels } = shard;
    const { queries = 1, extraBytes = 0 } = search;
    const listBytes = listBytesOf(k);
    const at = this.#place(shard, {
      ...{ block: parts * BLOCK_BYTES, scores: parts * queries * listBytes, indices: parts * queries * listBytes },
      ...{ found: 4 * parts * queries, extra: extraBytes, candidates: candidates === undefined ? 0 : 4 * count },
    });
    if (candidates !== undefined) new Uint32Array(kernels.memory.buffer, at.candidates, count).set(candidates);
    const scan = { kernels, head: at.head, extra: at.extra };
    search.enter(scan);
    const list: Part[] = Array.from({ length: parts }, (_, part) => {
      const first = part * length;
      const listed = candidates !== undefined;
      return {
        rows: at.rows + (listed ? 0 : (first / this.#perRow) * this.rowBytes),
        candidates: listed ? at.candidates + 4 * first : 0,
        count: Math.min(length, count - first),
        k,
        block: at.block + part * BLOCK_BYTES,
        scores: at.scores + part * queries * listBytes,
        indices: at.indices + part * queries * listBytes,
        listBytes,
        found: at.found + 4 * part * queries,
      };
    });
    const returned = this.#team.run(
      kernels,
      search.kernel,
      list.map((part) => search.argumentsOf(scan, part)),
    );
    return list.map((part, p) => {
      const first = base + (candidates === undefined ? p * length : 0);
      const found = queries === 1 ? [returned[p]!] : new Uint32Array(kernels.memory.buffer, part.found, queries);
      return Array.from(found, (count, q) => {
        const [scores, indices] = [part.scores + q * listBytes, part.indices + q * listBytes];
        return takeTop(kernels.memory, { scores, indices }, count, first);
      });
    });
  }

  /** Of how many a part is: whole blocks, so that no row is split. */
  #partLength(count: number): number {
    const bytes = (count * this.rowBytes) / this.#perRow;
    const parts = Math.min(this.#team.size * PARTS_A_THREAD, Math.floor(bytes / LEAST_PART_BYTES));
    return this.#team.size === 1 || parts < 2 ? count : BLOCK * Math.ceil(count / parts / BLOCK);
  }

  #countOf(shard: number): number {
    return Math.max(0, Math.min(this.#limit, this.#count - shard * this.#limit));
  }

  #shard(i: number): Shard {
    return (this.#shards[i] ??= { kernels: this.#team.instantiate(), capacity: 0 });
  }

  /** Lays out `head`, `rows` and the scratch named. Views of the memory taken before are stale. */
  #place<Region extends string>(
    { kernels, capacity }: Shard,
    scratch: Record<Region, number>,
  ): Record<Region | 'head' | 'rows', number> {
    const sizes = { head: this.#headBytes, rows: capacity * this.rowBytes, ...scratch };
    return layOut(kernels, sizes as Record<Region | 'head' | 'rows', number>);
  }
}
