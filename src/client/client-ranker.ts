/**
 * Ranking `client`: the server is a store of ciphertext. The client keeps a copy of all sealed records, follows what changes
 * by sequence number, and scans the codes itself. A search sends nothing of the query.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { PutItem, SyncResponse } from '../protocol/messages.ts';
import { PAGE_RECORDS, candidatePages } from './candidate-pages.ts';
import { CodeCache, NOWHERE, type CachedChange, type Position } from './code-cache.ts';
import { CodeRows, type RecordBytes } from './code-rows.ts';
import type { Ranked, Ranker, RankerOptions, RankOptions } from './ranker.ts';
import { tryStored } from './stored-record.ts';
import { ask } from './transport.ts';

export class ClientRanker implements Ranker {
  readonly vectorDims = 0;
  readonly #options: RankerOptions;
  readonly #rows: CodeRows;
  readonly #cache: CodeCache | undefined;
  #at: Position | undefined;
  /** Searches come one after another: each first brings the copy up to date. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Why the last record that could not be opened could not be. */
  #failure: RetrievalError | undefined;

  constructor(options: RankerOptions) {
    const { kernels, keys, vocabulary, parameters, cache } = options;
    this.#options = options;
    this.#rows = new CodeRows(kernels, vocabulary.codeBytes);
    this.#cache = cache && new CodeCache(cache, () => keys.get('cache'), parameters);
  }

  protect(): Pick<PutItem, 'tokens' | 'vector'> {
    return { tokens: new BigUint64Array(0), vector: new Float32Array(0) };
  }

  rank({ query, k }: RankOptions): Promise<Ranked> {
    const answer = this.#turn.then(async () => {
      await this.#update();
      const { codeCount: candidates, count: records, damagedCount: damaged } = this.#rows;
      return { ...this.#rows.top(query, k), tokens: 0, candidates, records, damaged };
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  close(): void {
    this.#rows.clear();
    this.#at = undefined;
  }

  async #update(): Promise<void> {
    this.#at ??= (await this.#cache?.load(this.#rows)) ?? NOWHERE;
    if (!(await this.#follow())) {
      await this.#readAll();
      await this.#follow();
    }
    await this.#retry();
  }

  /** What could not be opened is asked for again each time: the fault may have been on the way. */
  async #retry(): Promise<void> {
    const ids = this.#rows.damagedIds().slice(0, PAGE_RECORDS);
    if (ids.length === 0) return;
    const { parameters, transport } = this.#options;
    const { records } = await ask(transport, { kind: 'records', parameters, ids }, 'records');
    for (const [i, id] of ids.entries()) {
      const record = records[i] && this.#open(id, records[i].sealed);
      if (record !== undefined) this.#apply({ id, record });
    }
  }

  /**
   * Applies what has changed.
   * @returns False when the copy cannot be brought up to date so: the generation is another, the log does not reach back, or the
   *   server counts other records.
   */
  async #follow(): Promise<boolean> {
    const { parameters, transport } = this.#options;
    let page: SyncResponse;
    do {
      const at = this.#at!;
      if (at.sequence === 0) return false;
      page = await ask(transport, { kind: 'sync', parameters, since: at.sequence, limit: PAGE_RECORDS }, 'sync');
      if (page.changes === undefined || page.begun !== at.begun) return false;
      if (page.until < at.sequence || (page.more && page.until === at.sequence))
        throw new RetrievalError('corrupt-message', 'the pages of the server do not go on');
      const changes = page.changes.map(({ id, sealed }) => ({ id, record: sealed && this.#open(id, sealed) }));
      for (const change of changes) this.#apply(change);
      this.#at = { begun: at.begun, sequence: page.until };
      if (changes.length > 0) await this.#keep((cache) => cache.append(at, page.until, changes, this.#rows));
    } while (page.more);
    return page.records === this.#rows.count;
  }

  async #readAll(): Promise<void> {
    const { parameters, transport } = this.#options;
    this.#rows.clear();
    this.#at = NOWHERE;
    let start: Position | undefined;
    for await (const { begun, sequence, entries } of candidatePages(transport, parameters)) {
      // What changes while the pages come is told by the log, from the first page on.
      start ??= { begun, sequence };
      for (const { id, sealed } of entries) this.#apply({ id, record: this.#open(id, sealed) });
    }
    // Not one of them: that is another key, or a server that lies, rather than damage.
    if (this.#rows.count > 0 && this.#rows.damagedCount === this.#rows.count) throw this.#failure!;
    this.#at = start ?? NOWHERE;
    await this.#keep((cache) => cache.replace(this.#at!, this.#rows));
  }

  #apply({ id, record }: CachedChange): void {
    if (record === undefined) this.#rows.remove(id);
    else this.#rows.put(id, record);
  }

  #open(id: Uint8Array, sealed: Uint8Array): RecordBytes {
    const { keys, vocabulary } = this.#options;
    const opened = tryStored(keys.get('record'), vocabulary, id, sealed);
    if (!(opened instanceof RetrievalError)) return opened.bytes;
    this.#failure = opened;
    return 'damaged';
  }

  /** A full or read-only disk costs the next process time, and this search nothing. */
  async #keep(write: (cache: CodeCache) => Promise<void>): Promise<void> {
    if (this.#cache !== undefined) await write(this.#cache).catch(() => undefined);
  }
}
