/**
 * The server: answers the messages of `protocol/` from a store of ciphertext.
 *
 * It can compare tokens, multiply vectors and hand out bytes, and has of these what the ranking of the library gives it; it has no
 * key, and cannot import what uses one.
 * @module
 */
import { toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { dimsOf } from '../base/stored-vector.ts';
import type { Generation } from '../index/generation.ts';
import { keepGeneration, loadGeneration, refreshGeneration } from '../index/refresh.ts';
import type { ScanTeam } from '../wasm/scan-team.ts';
import type { GenerationInfo, RootMutation, Store, StoredRecord } from '../index/store.ts';
import {
  HAS_BLOB,
  HAS_RECORD,
  MAX_PAGE_BYTES,
  decodeRequest,
  encodeFailure,
  encodeResponse,
  type CandidatesRequest,
  type HeadAnswer,
  type Request,
  type Response,
  type RootChange,
  type SealedEntry,
  type SearchRequest,
  type SyncEntry,
  type SyncRequest,
} from '../protocol/messages.ts';
import { ScanBatch } from './scan-batch.ts';

/** What a server is made of. */
export interface ServerOptions {
  /** Closed with the server. */
  readonly store: Store;
  /** Compiled kernels. */
  readonly kernels: WebAssembly.Module;
  /** That rank. Not closed with the server. Default: the calling thread. */
  readonly threads?: ScanTeam | undefined;
}

/** Answers requests. */
export interface Server {
  /**
   * Answers one message. Never rejects: whatever goes wrong is an error response.
   * @param request - As made by `encodeRequest`.
   */
  handle(request: Uint8Array): Promise<Uint8Array>;
  /** Waits for what is under way, then closes the store. Calling it again does nothing. */
  close(): Promise<void>;
}

/**
 * Makes a server over a store. Indexes are read from the store when a search first needs them, and the
 * store is given them to keep when they have changed.
 * @example
 * ```ts
 * const server = createServer({ store: createMemoryStore(), kernels: await compileKernels(wasm) });
 * const answer = decodeResponse(await server.handle(encodeRequest({ kind: 'info' })));
 * ```
 */
export function createServer(options: ServerOptions): Server {
  return new StoreServer(options);
}

/** What clients are told of a record whose checksum does not match: no sealed record is empty. */
const DAMAGED: StoredRecord = {
  tokens: /* @__PURE__ */ new BigUint64Array(0),
  vector: /* @__PURE__ */ new Float32Array(0),
  sealed: /* @__PURE__ */ new Uint8Array(0),
};

// Writing an index costs about what reading it costs, and catching up some ten times that for each change. Shares of the images.
const KEPT_WHILE_RUNNING = 1 / 4;
const KEPT_AT_END = 1 / 64;

/** The same of an image. */
const DAMAGED_HEAD: HeadAnswer = {
  wrapped: /* @__PURE__ */ new Uint8Array(0),
  bytes: /* @__PURE__ */ new Uint8Array(0),
};

interface LoadedIndex {
  readonly info: GenerationInfo;
  readonly generation: Generation;
}

/** What a message changes of the root. */
function rootMutation({ root }: { readonly root?: RootChange | undefined }): RootMutation[] {
  return root === undefined ? [] : [{ kind: 'root', ...root }];
}

class StoreServer implements Server {
  readonly #store: Store;
  readonly #kernels: WebAssembly.Module;
  readonly #threads: ScanTeam | undefined;
  /** By name of the generation. */
  readonly #indexes = new Map<string, LoadedIndex>();
  /** Writes, and searches with the reading they need, come one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #scans = new ScanBatch<SearchRequest, Response>(
    (task) => this.#inTurn(task),
    (requests) => this.#scan(requests),
  );
  /** An index that the store is being given to keep. */
  #keeping: Promise<void> | undefined;
  /** Answers that are not given yet. */
  readonly #underWay = new Set<Promise<Uint8Array>>();
  #closed: Promise<void> | undefined;

  constructor({ store, kernels, threads }: ServerOptions) {
    this.#store = store;
    this.#kernels = kernels;
    this.#threads = threads;
  }

  handle(request: Uint8Array): Promise<Uint8Array> {
    const answer = this.#respond(request).finally(() => this.#underWay.delete(answer));
    this.#underWay.add(answer);
    return answer;
  }

  async #respond(request: Uint8Array): Promise<Uint8Array> {
    try {
      if (this.#closed !== undefined) throw new RetrievalError('storage-failed', 'the server is closed');
      return encodeResponse(await this.#answer(decodeRequest(request)));
    } catch (error) {
      return encodeFailure(error);
    }
  }

  close(): Promise<void> {
    return (this.#closed ??= Promise.all(this.#underWay).then(async () => {
      await this.#keeping;
      for (const index of this.#indexes.values()) await this.#keep(index, KEPT_AT_END);
      for (const name of this.#indexes.keys()) this.#drop(name);
      await this.#store.close();
    }));
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #answer(request: Request): Promise<Response> {
    const store = this.#store;
    switch (request.kind) {
      case 'info': {
        return { kind: 'info', ...(await store.stats()) };
      }
      case 'activate':
        await this.#inTurn(() => store.commit([request, ...rootMutation(request)]));
        return { kind: 'done' };
      case 'begin':
      case 'discard':
        await this.#inTurn(() => store.commit([request]));
        return { kind: 'done' };
      case 'has': {
        const { state } = await this.#generation(request.parameters);
        const flags = (await store.images(request.ids)).map((image) =>
          image === undefined ? 0 : HAS_BLOB + (image[state] ? HAS_RECORD : 0),
        );
        return { kind: 'has', flags: Uint8Array.from(flags) };
      }
      case 'put': {
        const { parameters, items } = request;
        const mutations = items.map((item) => ({ kind: 'put' as const, parameters, ...item }));
        return {
          kind: 'put',
          sequence: await this.#inTurn(() => store.commit([...rootMutation(request), ...mutations])),
        };
      }
      case 'remove': {
        return this.#inTurn(async () => {
          const before = await store.stats();
          const removals = request.ids.map((id) => ({ kind: 'remove' as const, id }));
          const sequence = await store.commit([...rootMutation(request), ...removals]);
          return { kind: 'remove', removed: sequence - before.sequence, sequence };
        });
      }
      case 'search': {
        const name = toHex(request.parameters);
        if (!request.scan || this.#indexes.get(name)?.generation.sharesPasses !== true)
          return this.#inTurn(() => this.#search(request));
        await this.#searchable(request);
        return this.#scans.add(name, request);
      }
      case 'records': {
        await this.#generation(request.parameters);
        const records = [];
        for (const id of request.ids) {
          const record = await this.#record(request.parameters, id);
          records.push(
            record && { sealed: record.sealed, tokenCount: record.tokens.length, vectorDims: dimsOf(record.vector) },
          );
        }
        return { kind: 'records', records };
      }
      case 'keys':
        return { kind: 'keys', wrapped: await store.wrappedKeys(request.ids) };
      case 'list':
        return { kind: 'list', entries: await store.list(request.after, request.limit) };
      case 'blob': {
        const range = await store.blob(request.id, request.offset, request.length);
        if (range === undefined) throw new RetrievalError('unknown-id', `there is no image ${toHex(request.id)}`);
        return { kind: 'blob', ...range };
      }
      case 'heads':
        return { kind: 'heads', heads: await Promise.all(request.ids.map((id) => this.#head(id, request.length))) };
      case 'verify':
        return { kind: 'verify', ...(await store.verify(request.after, request.limit)) };
      case 'salvage':
        return { kind: 'salvage', ...(await store.salvage(request.parameters, request.id)) };
      case 'repair':
        return { kind: 'repair', removed: await this.#inTurn(() => store.repair()) };
      case 'candidates':
        return this.#inTurn(() => this.#candidates(request));
      case 'sync':
        return this.#inTurn(() => this.#sync(request));
    }
  }

  async #search(request: SearchRequest): Promise<Response> {
    const info = await this.#searchable(request);
    const { tokens, vector, k, scan } = request;
    const index = await this.#index(info);
    return { kind: 'search', ...index.search(tokens, vector, k, scan), records: info.records };
  }

  /** Searches of one index, of all that it holds. */
  async #scan(requests: readonly SearchRequest[]): Promise<Response[]> {
    const info = await this.#searchable(requests[0]!);
    const index = await this.#index(info);
    const most = Math.max(...requests.map(({ k }) => k));
    const ranked = index.scan(
      requests.map(({ vector }) => vector),
      most,
    );
    return ranked.map(({ ids, scores, candidates }, i) => {
      const { k } = requests[i]!;
      return { kind: 'search', ids: ids.slice(0, k), scores: scores.slice(0, k), candidates, records: info.records };
    });
  }

  /** The generation that a search is about, if it can be searched so. */
  async #searchable({ parameters, vector }: SearchRequest): Promise<GenerationInfo> {
    const info = await this.#generation(parameters);
    if (info.ranking !== 'server')
      throw new RetrievalError('parameter-mismatch', `expected ranking server, got ${info.ranking}`);
    if (vector.length !== info.vectorDims)
      throw new RetrievalError(
        'parameter-mismatch',
        `expected a vector of ${info.vectorDims} numbers, got ${vector.length}`,
      );
    return info;
  }

  async #candidates({ parameters, tokens, after, limit }: CandidatesRequest): Promise<Response> {
    const info = await this.#generation(parameters);
    if (tokens !== undefined && info.ranking === 'client')
      throw new RetrievalError('parameter-mismatch', 'this library has no tokens: the client ranks');
    const { sequence } = await this.#store.stats();
    const found = tokens === undefined ? undefined : (await this.#index(info)).candidates(tokens, after, limit);
    const page =
      found === undefined
        ? (await this.#store.records(parameters, after, limit)).map(({ id, record = DAMAGED }) => ({ id, record }))
        : await Promise.all(found.ids.map(async (id) => ({ id, record: await this.#record(parameters, id) })));
    const entries: SealedEntry[] = [];
    let bytes = 0;
    let seen = 0;
    for (const { id, record } of page) {
      if (bytes >= MAX_PAGE_BYTES) break;
      seen++;
      if (record === undefined) continue;
      entries.push({ id, sealed: record.sealed });
      bytes += record.sealed.length;
    }
    return {
      kind: 'candidates',
      begun: info.begun,
      sequence,
      entries,
      candidates: found?.count ?? info.records,
      records: info.records,
      next: seen < page.length || page.length === limit ? page[seen - 1]!.id : undefined,
    };
  }

  async #sync({ parameters, since, limit }: SyncRequest): Promise<Response> {
    const { begun } = await this.#generation(parameters);
    const { sequence } = await this.#store.stats();
    const log = since > sequence ? undefined : await this.#store.changes(since, limit);
    const changes: SyncEntry[] = [];
    let bytes = 0;
    let until = since;
    for (const change of log ?? []) {
      if (bytes >= MAX_PAGE_BYTES) break;
      const record = change.kind === 'remove' ? undefined : await this.#record(parameters, change.id);
      changes.push({ id: change.id, sealed: record?.sealed });
      bytes += record?.sealed.length ?? 0;
      until = change.sequence;
    }
    const more = log !== undefined && (changes.length < log.length || log.length === limit);
    const { records } = await this.#generation(parameters);
    const { root } = await this.#store.stats();
    return {
      ...{ kind: 'sync', begun, records, root, more },
      until: more ? until : Math.max(until, sequence),
      changes: log && changes,
    };
  }

  /** A record, or {@link DAMAGED}: `verify` names it, and the others go on. */
  async #record(parameters: Uint8Array, id: Uint8Array): Promise<StoredRecord | undefined> {
    try {
      return await this.#store.record(parameters, id);
    } catch (error) {
      if (error instanceof RetrievalError && error.code === 'corrupt-record') return DAMAGED;
      throw error;
    }
  }

  /** The beginning of an image, or {@link DAMAGED_HEAD}; undefined where there is none. */
  async #head(id: Uint8Array, length: number): Promise<HeadAnswer | undefined> {
    try {
      return await this.#store.blob(id, 0, length);
    } catch (error) {
      if (error instanceof RetrievalError && error.code === 'corrupt-record') return DAMAGED_HEAD;
      throw error;
    }
  }

  /** The generation of that name, as it is now. */
  async #generation(parameters: Uint8Array): Promise<GenerationInfo> {
    const name = toHex(parameters);
    const found = (await this.#store.stats()).generations.find((generation) => toHex(generation.parameters) === name);
    if (found === undefined)
      throw new RetrievalError(
        'parameter-mismatch',
        'the library has no index made with this vocabulary and these parameters',
      );
    return found;
  }

  /** The index of a generation, up to date. */
  async #index(info: GenerationInfo): Promise<Generation> {
    const name = toHex(info.parameters);
    await this.#forget();
    let { generation } = this.#indexes.get(name) ?? {};
    if (
      generation === undefined ||
      generation.wasteful ||
      !(await refreshGeneration(generation, this.#store, info.parameters))
    ) {
      if (generation?.wasteful === true) {
        // What is left of it is read back sooner than the records.
        await this.#keeping;
        await this.#keep({ info, generation }, 0);
      }
      // Let go of first: two of them may not fit into memory.
      this.#drop(name);
      generation = undefined;
      generation = await loadGeneration(this.#kernels, this.#store, info, this.#threads);
      this.#indexes.set(name, { info, generation });
    }
    if (this.#keeping === undefined) void this.#keep({ info, generation }, KEPT_WHILE_RUNNING);
    return generation;
  }

  /** Has the store keep an index that has changed by a share of its images. That only saves time: where it fails, nothing is lost. */
  #keep({ info, generation }: LoadedIndex, share: number): Promise<void> {
    if (!generation.hasChanged(share)) return Promise.resolve();
    this.#keeping = keepGeneration(generation, this.#store, info.parameters)
      .catch(() => undefined)
      .finally(() => (this.#keeping = undefined));
    return this.#keeping;
  }

  /** Lets go of indexes whose generation is gone, or has been begun again. */
  async #forget(): Promise<void> {
    const begun = new Map((await this.#store.stats()).generations.map((g) => [toHex(g.parameters), g.begun]));
    for (const [name, { info }] of this.#indexes) if (begun.get(name) !== info.begun) this.#drop(name);
  }

  #drop(name: string): void {
    this.#indexes.get(name)?.generation.close();
    this.#indexes.delete(name);
  }
}
