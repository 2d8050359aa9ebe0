/**
 * Ranking `client`: the server is a store of ciphertext. The client keeps a copy of all sealed records, follows what changes
 * by sequence number, and scans the codes itself. A search sends nothing of the query.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import { IdSums, NO_IDS, equalSets, type IdSet } from '../crypto/root.ts';
import type { PutItem, SyncResponse } from '../protocol/messages.ts';
import { PAGE_RECORDS, candidatePages } from './candidate-pages.ts';
import { CodeCache, NOWHERE, type CachedChange, type Position } from './code-cache.ts';
import { CodeRows, type RecordBytes } from './code-rows.ts';
import type { Ranked, Ranker, RankerOptions, RankOptions } from './ranker.ts';
import { tryStored } from './stored-record.ts';
import { ask, askRecords, assertPage, pagesDoNotGoOn } from './transport.ts';

// Times that all records are read for one search, at most.
const MAX_READINGS = 4;

export class ClientRanker implements Ranker {
  readonly vectorDims = 0;
  readonly vectors = 'f32';
  readonly #options: RankerOptions;
  readonly #rows: CodeRows;
  readonly #cache: CodeCache | undefined;
  readonly #sums: IdSums;
  /** Ids of the rows. */
  #ids: IdSet = NO_IDS;
  /** What the library root says, in the last answer of the server. */
  #expected: IdSet | undefined;
  /** Whether the server has shown the root for this search. */
  #told = false;
  #at: Position | undefined;
  /** Searches come one after another: each first brings the copy up to date. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Why the last record that could not be opened could not be. */
  #failure: RetrievalError | undefined;

  constructor(options: RankerOptions) {
    const { kernels, keys, vocabulary, parameters, cache } = options;
    this.#options = options;
    this.#rows = new CodeRows(kernels, vocabulary.codeBytes);
    this.#sums = new IdSums(keys.get('root'));
    this.#cache = cache && new CodeCache(cache, () => keys.get('cache'), parameters);
  }

  protect(): Pick<PutItem, 'tokens' | 'vector'> {
    return { tokens: new BigUint64Array(0), vector: new Float32Array(0) };
  }

  rank({ query, k }: RankOptions): Promise<Ranked> {
    const answer = this.#turn.then(async () => {
      await this.#update();
      const { codeCount: candidates, count: records, damagedCount: damaged } = this.#rows;
      const missing = this.#complete() ? {} : { missing: Math.max(1, this.#expected!.count - records) };
      return { ...this.#rows.top(query, k), tokens: 0, candidates, records, damaged, ...missing };
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  close(): void {
    this.#rows.clear();
    this.#sums.wipe();
    this.#at = undefined;
  }

  async #update(): Promise<void> {
    if (this.#at === undefined) {
      this.#at = (await this.#cache?.load(this.#rows)) ?? NOWHERE;
      for (const { id } of this.#rows.entries()) this.#ids = this.#sums.add(this.#ids, id);
    }
    await this.#catchUp();
    await this.#retry();
  }

  /** Brings the copy up to date; once more where the server has changed while it was asked. */
  async #catchUp(): Promise<void> {
    this.#told = false;
    for (let tries = 0; tries < MAX_READINGS; tries++) {
      if (await this.#follow()) return;
      const before = this.#at!.sequence;
      await this.#readAll();
      if (await this.#follow()) return;
      if (this.#at!.sequence === before) break;
    }
    if (!this.#told) throw new RetrievalError('corrupt-message', 'the server does not say what has changed');
  }

  /** What could not be opened is asked for again each time: the fault may have been on the way. */
  async #retry(): Promise<void> {
    const ids = this.#rows.damagedIds().slice(0, PAGE_RECORDS);
    if (ids.length === 0) return;
    const { parameters, transport } = this.#options;
    const records = await askRecords(transport, parameters, ids);
    for (const [i, id] of ids.entries()) {
      const record = records[i] && this.#open(id, records[i].sealed);
      if (record !== undefined) this.#apply({ id, record });
    }
  }

  /** Whether the rows are what the library root says. */
  #complete(): boolean {
    return this.#expected === undefined || equalSets(this.#expected, this.#ids);
  }

  /**
   * Applies what has changed.
   * @returns False when the copy cannot be brought up to date so: the generation is another, the log does not reach back, the
   *   server counts other records, or the library root knows of others.
   */
  async #follow(): Promise<boolean> {
    const { parameters, transport, plausible } = this.#options;
    let page: SyncResponse;
    do {
      const at = this.#at!;
      if (at.sequence === 0) return false;
      const check = await this.#options.root();
      page = await ask(transport, { kind: 'sync', parameters, since: at.sequence, limit: PAGE_RECORDS }, 'sync');
      this.#expected = (await check(page.root))?.ids;
      this.#told = true;
      if (page.changes === undefined || page.begun !== at.begun) return false;
      // More to come without a change on this page would be without end.
      if (page.until < at.sequence || (page.more && (page.until === at.sequence || page.changes.length === 0)))
        throw pagesDoNotGoOn();
      assertPage(page.changes, PAGE_RECORDS);
      const changes = page.changes.map(({ id, sealed }) => ({ id, record: sealed && this.#open(id, sealed) }));
      for (const change of changes) this.#apply(change);
      await plausible(this.#rows.count);
      this.#at = { begun: at.begun, sequence: page.until };
      if (changes.length > 0) await this.#keep((cache) => cache.append(at, page.until, changes, this.#rows));
    } while (page.more);
    return page.records === this.#rows.count && this.#complete();
  }

  async #readAll(): Promise<void> {
    this.#rows.clear();
    this.#ids = NO_IDS;
    this.#at = NOWHERE;
    let start: Position | undefined;
    for await (const { begun, sequence, entries } of candidatePages(this.#options)) {
      // What changes while the pages come is told by the log, from the first page on.
      start ??= { begun, sequence };
      for (const { id, sealed } of entries) this.#apply({ id, record: this.#open(id, sealed) });
      // Not one of them: that is another key, or a server that lies, rather than damage.
      if (this.#rows.count > 0 && this.#rows.damagedCount === this.#rows.count) throw this.#failure!;
    }
    this.#at = start ?? NOWHERE;
    await this.#keep((cache) => cache.replace(this.#at!, this.#rows));
  }

  #apply({ id, record }: CachedChange): void {
    const known = this.#rows.has(id);
    if (record === undefined) this.#rows.remove(id);
    else this.#rows.put(id, record);
    if (known !== (record !== undefined)) this.#ids = this.#sums[known ? 'remove' : 'add'](this.#ids, id);
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
