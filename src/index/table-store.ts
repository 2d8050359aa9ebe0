/**
 * A {@link Store} over ordered tables: what a mutation does, in which table, is said here once for every
 * engine. An image, its file, its key, its record and its log entry change in one transaction, so none
 * of them is ever without the others.
 * @module
 */
import { concat, equalBytes, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { dimsOf, formatOf } from '../base/stored-vector.ts';
import type {
  BlobRange,
  Change,
  GenerationInfo,
  ImageEntry,
  Leftovers,
  Mutation,
  PutMutation,
  RecordEntry,
  Store,
  StoredRecord,
  StoreStats,
  VerifyPage,
} from './store.ts';
import { SEGMENT_HEAD_BYTES, decodeHead, type SegmentSink, type SegmentSource } from './segment.ts';
import type { SegmentKeeper, Table, Tables } from './tables.ts';
import {
  CHECK_BYTES,
  CHUNK_BYTES,
  ID_BYTES,
  SEGMENT_KEY,
  STATE_KEY,
  chunkKey,
  decodeImage,
  decodeRecord,
  decodeState,
  encodeImage,
  encodeRecord,
  encodeState,
  protect,
  salvageImage,
  salvageRecord,
  sequenceKey,
  sequenceOf,
  unprotect,
  type ImageRow,
  type Slot,
  type State,
  type StoredGeneration,
} from './values.ts';

// Removals kept in the log, for readers that were away; half of them go when there are more.
const MAX_REMOVALS = 65536;
// Bytes of files that one page of `verify` reads at most, the last image aside.
const VERIFY_BYTES = 64 * 1024 * 1024;
// Bytes around a record that the engine writes as well, for the check of free space.
const OVERHEAD_BYTES = 4096;

// Keys read at a time.
const PAGE = 1024;
// Keys read first of the pieces of one file.
const FEW_PIECES = 4;

/** No entry has this number: the first change is 1. */
const NO_LOG = 0;
const NO_BYTES: Uint8Array = /* @__PURE__ */ new Uint8Array(0);
const EMPTY: State = { sequence: 0, trimmed: 0, removals: 0, images: 0, blobBytes: 0, generations: [], root: NO_BYTES };

export class TableStore implements Store {
  readonly readOnly: boolean;
  readonly keepSegment?: NonNullable<Store['keepSegment']>;
  readonly #tables: Tables;
  /** Counts when what is kept, or is being written, has become of the past. */
  #outdated = 0;
  #closed: Promise<void> | undefined;

  /**
   * @param tables - Owned from here on: closed with the store.
   * @throws `corrupt-index` or `unsupported-version`. {@link RetrievalError}
   */
  constructor(tables: Tables) {
    this.#tables = tables;
    this.readOnly = tables.readOnly;
    this.#read(() => this.#state());
    const { segments } = tables;
    if (segments !== undefined && !this.readOnly)
      this.keepSegment = (parameters, bytes, write) => this.#keep(segments, parameters, bytes, write);
    if (!this.readOnly && this.#read(() => tables.table.meta.get(SEGMENT_KEY)) === undefined) segments?.remove();
  }

  async commit(mutations: readonly Mutation[]): Promise<number> {
    let bytes = 0;
    for (const mutation of mutations) bytes += mutationBytes(mutation);
    const rooted = mutations.some(({ kind }) => kind === 'root');
    const { sequence } = this.#change((state) => {
      for (const mutation of mutations) {
        // A root that does not say what is there would be worth nothing.
        const stale = !rooted && state.root.length > 0 && this.#needsRoot(state, mutation);
        state = this.#apply({ ...state, sequence: state.sequence + 1 }, mutation);
        if (stale) throw conflict();
      }
      return state;
    }, bytes);
    if (mutations.some(({ kind }) => kind === 'activate')) this.#dropSegment();
    return sequence;
  }

  /** The file goes once the tables do not hold its head: another ranking, or another key, may have been chosen for the sake of what is in it. */
  #dropSegment(): void {
    if (this.#read(() => this.#tables.table.meta.get(SEGMENT_KEY)) !== undefined) return;
    this.#outdated++;
    this.#tables.segments?.remove();
  }

  /** Changes everything in one transaction. @returns The state after it. */
  #change(work: (state: State) => State, bytes: number): State {
    this.#assertOpen();
    if (this.readOnly) throw new RetrievalError('storage-failed', 'the store was opened for reading only');
    let state = EMPTY;
    this.#tables.transaction(() => {
      state = this.#trim(work(this.#state()));
      this.#tables.table.meta.put(STATE_KEY, encodeState(state));
    }, bytes);
    return state;
  }

  async stats(): Promise<StoreStats> {
    const { sequence, images, blobBytes, generations, root } = this.#read(() => this.#state());
    return { sequence, images, blobBytes, generations: generations.map(infoOf), root };
  }

  async images(ids: readonly Uint8Array[]): Promise<(ImageEntry | undefined)[]> {
    return this.#read(() => {
      const state = this.#state();
      return ids.map((id) => {
        try {
          const row = this.#image(id);
          if (row !== undefined) return entryOf(id, row, state);
          // Pieces without a row are those of an image whose row is lost.
          return this.#whatIsLeft(id, state) && damagedEntry(id);
        } catch (error) {
          if (error instanceof RetrievalError) return damagedEntry(id);
          throw error;
        }
      });
    });
  }

  async wrappedKeys(ids: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read(() => {
      const state = this.#state();
      return ids.map((id) => {
        const row = this.#image(id);
        return row && wrappedOf(row, state);
      });
    });
  }

  async list(after: Uint8Array | undefined, limit: number): Promise<ImageEntry[]> {
    return this.#read(() => {
      const state = this.#state();
      return keysAfter(this.#tables.table.images, after, limit).map((id) => {
        const row = whole(() => this.#image(id));
        return row === undefined ? damagedEntry(id) : entryOf(id, row, state);
      });
    });
  }

  async record(parameters: Uint8Array, id: Uint8Array): Promise<StoredRecord | undefined> {
    return this.#read(() => {
      const stored = this.#recordsOf(generationOf(this.#state(), parameters).slot).get(id);
      return stored && decodeRecord(id, stored);
    });
  }

  async records(parameters: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<RecordEntry[]> {
    return this.#read(() => {
      const table = this.#recordsOf(generationOf(this.#state(), parameters).slot);
      return keysAfter(table, after, limit).map((id) => ({
        id,
        record: whole(() => decodeRecord(id, table.get(id)!)),
      }));
    });
  }

  async segment(parameters: Uint8Array): Promise<SegmentSource | undefined> {
    const source = await this.#tables.segments?.open();
    if (source === undefined || (await this.#isOwn(source, parameters).catch(() => false))) return source;
    await source.close();
    return undefined;
  }

  /**
   * Whether a segment is of a state that these tables have come from, and worth reading. The file may have been left behind by a store whose place
   * this one has taken, or by a future that a backup, now restored, does not have. So the tables hold the head, with its
   * checksums, of the segment that is theirs, from a transaction on that came after the state it is of.
   */
  async #isOwn(source: SegmentSource, parameters: Uint8Array): Promise<boolean> {
    if (source.bytes < SEGMENT_HEAD_BYTES) return false;
    const head = new Uint8Array(SEGMENT_HEAD_BYTES);
    await source.read(head, 0);
    const { sequence, count } = decodeHead(head, parameters);
    return this.#read(() => {
      const state = this.#state();
      const { begun, records } = generationOf(state, parameters);
      const stored = this.#tables.table.meta.get(SEGMENT_KEY);
      if (stored === undefined || !equalBytes(unprotect(SEGMENT_KEY, stored, 'the head of a segment'), head))
        return false;
      // Begun again, a generation is another one. More changes than records, or some that the log has forgotten: records are read sooner.
      return sequence >= Math.max(begun, state.trimmed) && state.sequence - sequence <= Math.max(count, records);
    });
  }

  async #keep(
    segments: SegmentKeeper,
    parameters: Uint8Array,
    bytes: number,
    write: (sink: SegmentSink) => Promise<Uint8Array>,
  ): Promise<void> {
    const generations = this.#read(() => this.#state().generations);
    if (!generations.some((g) => g.state === 'active' && equalBytes(g.parameters, parameters))) return;
    const outdated = this.#outdated;
    const head = await segments.replace(bytes, write);
    this.#assertOpen();
    if (outdated !== this.#outdated) return segments.remove();
    this.#tables.transaction(
      () => this.#tables.table.meta.put(SEGMENT_KEY, protect(SEGMENT_KEY, head)),
      OVERHEAD_BYTES,
    );
  }

  async blob(id: Uint8Array, offset: number, length: number): Promise<BlobRange | undefined> {
    return this.#read(() => {
      const row = this.#image(id);
      if (row === undefined) return undefined;
      const end = Math.min(row.blobBytes, offset + length);
      const bytes = new Uint8Array(Math.max(0, end - offset));
      for (let at = offset; at < end;) {
        const chunk = Math.floor(at / CHUNK_BYTES);
        const from = at - chunk * CHUNK_BYTES;
        const piece = this.#chunk(id, chunk, row.blobBytes).subarray(from, from + end - at);
        bytes.set(piece, at - offset);
        at += piece.length;
      }
      return { total: row.blobBytes, wrapped: wrappedOf(row, this.#state()), bytes };
    });
  }

  async changes(since: number, limit: number): Promise<Change[] | undefined> {
    return this.#read(() => {
      const { log, removed } = this.#tables.table;
      if (since < this.#state().trimmed) return undefined;
      const from = sequenceKey(since + 1);
      const entries = (table: Table, kind: Change['kind']): Change[] =>
        table.keys(from, limit).map((key) => {
          const id = unprotect(key, table.get(key)!, 'a log entry').slice();
          return { sequence: sequenceOf(key), id, kind };
        });
      const puts = whole(() => entries(log, 'put'));
      const removals = whole(() => entries(removed, 'remove'));
      if (puts === undefined || removals === undefined) return undefined;
      return [...puts, ...removals].sort((a, b) => a.sequence - b.sequence).slice(0, limit);
    });
  }

  async verify(after: Uint8Array | undefined, limit: number): Promise<VerifyPage> {
    return this.#read(() => {
      const state = this.#state();
      const active = state.generations.find((generation) => generation.state === 'active');
      const damaged: Uint8Array[] = [];
      const orphanBlobs: Uint8Array[] = [];
      const orphanRecords: Uint8Array[] = [];
      let images = 0;
      let records = 0;
      let bytes = 0;
      let seen = 0;
      let next: Uint8Array | undefined;
      const ids = this.#idsAfter(after, limit);
      for (const id of ids) {
        if (bytes > VERIFY_BYTES) break;
        seen++;
        next = id;
        const found = this.#check(id);
        images += found.row === undefined && !found.damaged ? 0 : 1;
        records += found.records;
        bytes += found.row?.blobBytes ?? 0;
        if (found.damaged) damaged.push(id);
        else if (found.row === undefined) orphanRecords.push(id);
        else if (active === undefined || (found.row.slots & (1 << active.slot)) === 0) orphanBlobs.push(id);
      }
      const done = seen === ids.length && ids.length < limit;
      return { images, records, damaged, orphanBlobs, orphanRecords, next: done ? undefined : next };
    });
  }

  async salvage(parameters: Uint8Array, id: Uint8Array): Promise<Leftovers> {
    return this.#read(() => {
      const { images, blobs } = this.#tables.table;
      const { slot } = generationOf(this.#state(), parameters);
      const [stored, image] = [this.#recordsOf(slot).get(id), images.get(id)];
      const row = image && whole(() => salvageImage(image));
      const wrapped = row && (row.wrapped[slot].length > 0 ? row.wrapped[slot] : row.wrapped[slot === 0 ? 1 : 0]);
      const pieces = this.#chunkKeys(id).map((key) => blobs.get(key)!.subarray(CHECK_BYTES));
      return { sealed: stored && whole(() => salvageRecord(stored).sealed), wrapped, blob: concat(...pieces) };
    });
  }

  async repair(): Promise<number> {
    let removed = 0;
    this.#change((state) => {
      const orphans = this.#orphans();
      removed = orphans.length;
      for (const id of orphans) state = this.#removeOrphan({ ...state, sequence: state.sequence + 1 }, id);
      // Not all of this is in the log.
      this.#tables.table.meta.remove(SEGMENT_KEY);
      return this.#recount(this.#mendRemovals(state));
    }, OVERHEAD_BYTES);
    this.#dropSegment();
    return removed;
  }

  /** Ids with pieces, but without an image. */
  #orphans(): Uint8Array[] {
    const { images } = this.#tables.table;
    const found: Uint8Array[] = [];
    for (let after: Uint8Array | undefined; ;) {
      const ids = this.#idsAfter(after, PAGE);
      found.push(...ids.filter((id) => images.get(id) === undefined));
      if (ids.length < PAGE) return found;
      after = ids.at(-1);
    }
  }

  #removeOrphan(state: State, id: Uint8Array): State {
    const { blobs, records0, records1 } = this.#tables.table;
    for (const chunk of this.#chunkKeys(id)) blobs.remove(chunk);
    for (const table of [records0, records1]) table.remove(id);
    return this.#logRemoval(state, id);
  }

  #logRemoval(state: State, id: Uint8Array): State {
    const key = sequenceKey(state.sequence);
    this.#tables.table.removed.put(key, protect(key, id));
    return { ...state, removals: state.removals + 1 };
  }

  /** A removal whose id cannot be read is forgotten as if it were too old. */
  #mendRemovals(state: State): State {
    const { removed } = this.#tables.table;
    let { trimmed } = state;
    let removals = 0;
    for (let after: Uint8Array | undefined; ;) {
      const keys = keysAfter(removed, after, PAGE);
      for (const key of keys)
        if (whole(() => unprotect(key, removed.get(key)!, 'a log entry')) !== undefined) removals++;
        else {
          removed.remove(key);
          trimmed = Math.max(trimmed, sequenceOf(key));
        }
      if (keys.length < PAGE) return { ...state, removals, trimmed };
      after = keys.at(-1);
    }
  }

  /** Counts all images anew; marks, log and records of the pending generation are made to fit what is there. */
  #recount(state: State): State {
    const { images, log } = this.#tables.table;
    const records = new Map<Slot, number>();
    const logged = new Set<number>();
    let [count, blobBytes] = [0, 0];
    for (let after: Uint8Array | undefined; ;) {
      const ids = keysAfter(images, after, PAGE);
      for (const id of ids) {
        const readable = whole(() => this.#image(id)) !== undefined;
        const row = this.#whatIsLeft(id, state)!;
        let slots = 0;
        for (const slot of [0, 1] as const) {
          const stored = this.#recordsOf(slot).get(id);
          const phase = state.generations.find((generation) => generation.slot === slot)?.state;
          if (stored === undefined) continue;
          const kept =
            phase === 'active' || (phase === 'pending' && whole(() => decodeRecord(id, stored)) !== undefined);
          if (!kept) this.#recordsOf(slot).remove(id);
          else {
            slots |= 1 << slot;
            records.set(slot, (records.get(slot) ?? 0) + 1);
          }
        }
        count++;
        blobBytes += row.blobBytes;
        if (!readable) continue;
        // The wrapped keys stay in any case: without them the image is lost.
        if (slots !== row.slots) images.put(id, encodeImage(id, { ...row, slots }));
        const key = sequenceKey(row.log);
        logged.add(row.log);
        const entry = log.get(key);
        if (entry === undefined || !equalBytes(entry, protect(key, id))) log.put(key, protect(key, id));
      }
      if (ids.length < PAGE) break;
      after = ids.at(-1);
    }
    for (let after: Uint8Array | undefined; ;) {
      const keys = keysAfter(log, after, PAGE);
      for (const key of keys) if (!logged.has(sequenceOf(key))) log.remove(key);
      if (keys.length < PAGE) break;
      after = keys.at(-1);
    }
    const generations = state.generations.map((g) => ({ ...g, records: records.get(g.slot) ?? 0 }));
    return { ...state, images: count, blobBytes, generations };
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#tables.close());
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new RetrievalError('storage-failed', 'the store is closed');
  }

  #read<T>(look: () => T): T {
    this.#assertOpen();
    return this.#tables.read(look);
  }

  #state(): State {
    const stored = this.#tables.table.meta.get(STATE_KEY);
    return stored === undefined ? EMPTY : decodeState(stored);
  }

  #image(id: Uint8Array): ImageRow | undefined {
    const stored = this.#tables.table.images.get(id);
    return stored && decodeImage(id, stored);
  }

  #recordsOf(slot: Slot): Table {
    return slot === 0 ? this.#tables.table.records0 : this.#tables.table.records1;
  }

  /** A piece of a file, of the length it must have. */
  #chunk(id: Uint8Array, chunk: number, blobBytes: number): Uint8Array {
    const key = chunkKey(id, chunk);
    const stored = this.#tables.table.blobs.get(key);
    if (stored === undefined) throw new RetrievalError('corrupt-record', `piece ${chunk} of a file is missing`);
    const piece = unprotect(key, stored, `piece ${chunk} of a file`);
    const expected = Math.min(CHUNK_BYTES, blobBytes - chunk * CHUNK_BYTES);
    if (piece.length !== expected)
      throw new RetrievalError(
        'corrupt-record',
        `piece ${chunk} of a file: expected ${expected} bytes, got ${piece.length}`,
      );
    return piece;
  }

  #apply(state: State, mutation: Mutation): State {
    switch (mutation.kind) {
      case 'root': {
        const { expected, next } = mutation;
        if (!equalBytes(state.root, expected) && !equalBytes(state.root, next)) throw conflict();
        return unchanged({ ...state, root: next });
      }
      case 'put':
        return this.#put(state, mutation);
      case 'remove':
        return this.#remove(state, mutation.id);
      case 'begin': {
        const { parameters, ranking, vectorDims, vectors = 'f32', state: phase } = mutation;
        const { sequence, generations } = state;
        const known = generations.find((generation) => equalBytes(generation.parameters, parameters));
        if (known !== undefined) {
          if (known.ranking !== ranking || known.vectorDims !== vectorDims || known.vectors !== vectors)
            throw mismatch(
              `this generation was begun for ranking ${known.ranking} with vectors of ${known.vectorDims} ${known.vectors} numbers`,
            );
          return unchanged(state);
        }
        if (generations.some((generation) => generation.state === phase))
          throw mismatch(`there is another ${phase} generation already`);
        if (phase === 'pending' && generations.length === 0)
          throw mismatch('there is no active generation to stand beside');
        const slot = generations.some((generation) => generation.slot === 0) ? 1 : 0;
        const made = {
          slot,
          state: phase,
          ranking,
          vectorDims,
          vectors,
          begun: sequence,
          records: 0,
          parameters,
        } as const;
        return { ...state, generations: [...generations, made] };
      }
      case 'activate': {
        const next = generationOf(state, mutation.parameters);
        if (next.state === 'active') return unchanged(state);
        if (next.records !== state.images)
          throw new RetrievalError(
            'index-incomplete',
            `the new index holds ${next.records} of ${state.images} images: it cannot take over yet`,
          );
        for (const old of state.generations) if (old !== next) this.#dropRecords(old.slot);
        this.#tables.table.meta.remove(SEGMENT_KEY);
        return { ...state, generations: [{ ...next, state: 'active' }] };
      }
      case 'discard': {
        const gone = generationOf(state, mutation.parameters);
        if (gone.state !== 'pending') throw mismatch('only the pending generation can be discarded');
        this.#dropRecords(gone.slot);
        return { ...state, generations: state.generations.filter((generation) => generation !== gone) };
      }
    }
  }

  /** Whether a mutation changes what the root speaks of: which images the active generation has. */
  #needsRoot({ generations }: State, mutation: Mutation): boolean {
    if (mutation.kind === 'put') return generationOf({ generations }, mutation.parameters).state === 'active';
    if (mutation.kind === 'remove') return this.#hasPieces(mutation.id);
    return mutation.kind === 'activate' && generationOf({ generations }, mutation.parameters).state !== 'active';
  }

  /** Empties a slot, and its bit in every image. */
  #dropRecords(slot: Slot): void {
    const { images } = this.#tables.table;
    this.#recordsOf(slot).clear();
    let after: Uint8Array | undefined;
    for (;;) {
      const ids = keysAfter(images, after, PAGE);
      for (const id of ids) {
        const row = whole(() => this.#image(id));
        if (row !== undefined && (row.slots & (1 << slot)) !== 0)
          images.put(id, encodeImage(id, withoutSlot(row, slot)));
      }
      if (ids.length < PAGE) return;
      after = ids.at(-1);
    }
  }

  #put(state: State, { parameters, id, tokens, vector, sealed, wrapped, blob }: PutMutation): State {
    const { images, log } = this.#tables.table;
    const generation = generationOf(state, parameters);
    const { vectorDims, vectors } = generation;
    if (vector.length !== 0 && (dimsOf(vector) !== vectorDims || formatOf(vector) !== vectors))
      throw mismatch(
        `expected vectors of ${vectorDims} ${vectors} numbers, got ${dimsOf(vector)} ${formatOf(vector)} numbers`,
      );
    // What the ranking does not need, the server is not to have.
    if (generation.ranking === 'client' && tokens.length !== 0) throw mismatch('expected no tokens: the client ranks');
    // The whole file mends an image whose row is damaged; its log entry stays, as that of a removed one does.
    const old = blob === undefined ? this.#image(id) : this.#whatIsLeft(id, state);
    if (old === undefined && blob === undefined)
      throw new RetrievalError('unknown-id', `image ${toHex(id)} is not stored, so a record alone cannot be`);
    if (blob !== undefined) this.#putBlob(id, blob, old?.blobBytes ?? 0);
    if (old !== undefined) log.remove(sequenceKey(old.log));
    const { slot } = generation;
    const other = slot === 0 ? 1 : 0;
    // Another file has another key, which the other generation does not know: its record is to be made anew.
    const ended = old !== undefined && blob !== undefined && (old.slots & (1 << other)) !== 0;
    if (ended) this.#recordsOf(other).remove(id);
    const kept = ended ? withoutSlot(old, other) : old;
    const stays = blob === undefined && wrapped.length === 0;
    const known = kept?.wrapped[slot] ?? NO_BYTES;
    const own = !stays ? wrapped : known.length > 0 ? known : kept!.wrapped[other];
    const theirs = kept?.wrapped[other] ?? NO_BYTES;
    const row: ImageRow = {
      log: state.sequence,
      blobBytes: blob?.length ?? old!.blobBytes,
      slots: (kept?.slots ?? 0) | (1 << slot),
      wrapped: slot === 0 ? [own, theirs] : [theirs, own],
    };
    const key = sequenceKey(state.sequence);
    log.put(key, protect(key, id));
    images.put(id, encodeImage(id, row));
    this.#recordsOf(slot).put(id, encodeRecord(id, { tokens, vector, sealed }));
    const added = old === undefined || (old.slots & (1 << slot)) === 0 ? 1 : 0;
    return {
      ...state,
      images: state.images + (old === undefined ? 1 : 0),
      blobBytes: state.blobBytes + row.blobBytes - (old?.blobBytes ?? 0),
      generations: state.generations.map((g) => ({
        ...g,
        records: g.records + (g === generation ? added : ended ? -1 : 0),
      })),
    };
  }

  #putBlob(id: Uint8Array, blob: Uint8Array, oldBytes: number): void {
    const { blobs } = this.#tables.table;
    const chunks = Math.ceil(blob.length / CHUNK_BYTES);
    for (let chunk = 0; chunk < chunks; chunk++) {
      const key = chunkKey(id, chunk);
      blobs.put(key, protect(key, blob.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES)));
    }
    for (let chunk = chunks; chunk < Math.ceil(oldBytes / CHUNK_BYTES); chunk++) blobs.remove(chunkKey(id, chunk));
  }

  /** Damage is no reason to keep an image: what belongs to the id is found by its keys. */
  #remove(state: State, id: Uint8Array): State {
    const { images, blobs, log } = this.#tables.table;
    const row = this.#whatIsLeft(id, state);
    if (row === undefined) return unchanged(state);
    for (const chunk of this.#chunkKeys(id)) blobs.remove(chunk);
    for (const { slot } of state.generations) this.#recordsOf(slot).remove(id);
    // The log entry of a damaged image stays: readers find no record behind it.
    log.remove(sequenceKey(row.log));
    images.remove(id);
    return {
      ...this.#logRemoval(state, id),
      images: state.images - 1,
      blobBytes: Math.max(0, state.blobBytes - row.blobBytes),
      generations: state.generations.map((g) =>
        (row.slots & (1 << g.slot)) === 0 ? g : { ...g, records: g.records - 1 },
      ),
    };
  }

  /** Whether anything is stored of an id. */
  #hasPieces(id: Uint8Array): boolean {
    const { images, records0, records1, blobs } = this.#tables.table;
    if ([images, records0, records1].some((table) => table.get(id) !== undefined)) return true;
    const [piece] = blobs.keys(chunkKey(id, 0), 1);
    return piece !== undefined && equalBytes(piece.subarray(0, ID_BYTES), id);
  }

  /** The row of an image; where it is damaged or lost, what the rest of the image tells of it, without a key. */
  #whatIsLeft(id: Uint8Array, { generations }: State): ImageRow | undefined {
    const stored = this.#tables.table.images.get(id);
    if (stored === undefined && !this.#hasPieces(id)) return undefined;
    const row = stored && whole(() => decodeImage(id, stored));
    if (row !== undefined) return row;
    let blobBytes = 0;
    for (const key of this.#chunkKeys(id))
      blobBytes += Math.max(0, (this.#tables.table.blobs.get(key)?.length ?? 0) - CHECK_BYTES);
    let slots = 0;
    for (const { slot } of generations) if (this.#recordsOf(slot).get(id) !== undefined) slots |= 1 << slot;
    return { log: NO_LOG, blobBytes, slots, wrapped: [NO_BYTES, NO_BYTES] };
  }

  /** Keys of the pieces of a file, whatever its row says. */
  #chunkKeys(id: Uint8Array): Uint8Array[] {
    const { blobs } = this.#tables.table;
    const found: Uint8Array[] = [];
    // Most files have few pieces, and the keys of other files behind them are not worth reading.
    let limit = FEW_PIECES;
    for (let page = blobs.keys(chunkKey(id, 0), limit); ; page = keysAfter(blobs, found.at(-1), limit)) {
      const own = page.filter((key) => equalBytes(key.subarray(0, ID_BYTES), id));
      found.push(...own);
      if (own.length < limit) return found;
      limit = PAGE;
    }
  }

  /** Forgets the oldest removals when there are too many. */
  #trim(state: State): State {
    if (state.removals <= MAX_REMOVALS) return state;
    const { removed } = this.#tables.table;
    const gone = removed.keys(new Uint8Array(0), state.removals - MAX_REMOVALS / 2);
    for (const key of gone) removed.remove(key);
    return { ...state, removals: state.removals - gone.length, trimmed: sequenceOf(gone.at(-1)!) };
  }

  /** Ids that stand anywhere, images or not, in order. */
  #idsAfter(after: Uint8Array | undefined, limit: number): Uint8Array[] {
    const { images, records0, records1, blobs } = this.#tables.table;
    const found = new Map<string, Uint8Array>();
    for (const table of [images, records0, records1])
      for (const id of keysAfter(table, after, limit)) found.set(toHex(id), id);
    for (let last = after, i = 0; i < limit; i++) {
      const key = blobs.keys(last === undefined ? new Uint8Array(0) : beyond(last), 1)[0];
      if (key === undefined) break;
      last = key.subarray(0, ID_BYTES);
      found.set(toHex(last), last);
    }
    return [...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([, id]) => id);
  }

  /** Reads everything that is stored of an id. */
  #check(id: Uint8Array): { row: ImageRow | undefined; records: number; damaged: boolean } {
    let records = 0;
    let row: ImageRow | undefined;
    try {
      row = this.#image(id);
      if (row !== undefined) {
        const key = sequenceKey(row.log);
        const entry = this.#tables.table.log.get(key);
        if (entry === undefined || !equalBytes(unprotect(key, entry, 'a log entry'), id))
          throw new RetrievalError('corrupt-record', 'a log entry is missing');
      }
      const chunks = Math.ceil((row?.blobBytes ?? 0) / CHUNK_BYTES);
      for (let chunk = 0; chunk < chunks; chunk++) this.#chunk(id, chunk, row!.blobBytes);
      for (const slot of [0, 1] as const) {
        const stored = this.#recordsOf(slot).get(id);
        if (stored !== undefined) records++;
        if (stored !== undefined) decodeRecord(id, stored);
        else if (row !== undefined && (row.slots & (1 << slot)) !== 0)
          throw new RetrievalError('corrupt-record', 'a record is missing');
      }
      return { row, records, damaged: false };
    } catch (error) {
      if (error instanceof RetrievalError && (error.code === 'corrupt-record' || error.code === 'corrupt-index'))
        return { row, records, damaged: true };
      throw error;
    }
  }
}

/** Nothing happened: the number is not used up. */
function unchanged(state: State): State {
  return { ...state, sequence: state.sequence - 1 };
}

function conflict(): RetrievalError {
  return new RetrievalError('conflict', 'the library was changed by another client meanwhile');
}

function mismatch(message: string): RetrievalError {
  return new RetrievalError('parameter-mismatch', message);
}

function mutationBytes(mutation: Mutation): number {
  if (mutation.kind !== 'put') return OVERHEAD_BYTES;
  const { tokens, vector, sealed, blob } = mutation;
  return OVERHEAD_BYTES + tokens.byteLength + vector.byteLength + sealed.length + (blob?.length ?? 0);
}

function generationOf(state: Pick<State, 'generations'>, parameters: Uint8Array): StoredGeneration {
  const found = state.generations.find((generation) => equalBytes(generation.parameters, parameters));
  if (found === undefined) throw mismatch('the library has no index made with this vocabulary and these parameters');
  return found;
}

/** What is read, unless it is damaged. */
function whole<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof RetrievalError) return undefined;
    throw error;
  }
}

/** An image whose record in a slot is gone. */
function withoutSlot(row: ImageRow, slot: Slot): ImageRow {
  const [first, second] = row.wrapped;
  return { ...row, slots: row.slots & ~(1 << slot), wrapped: slot === 0 ? [NO_BYTES, second] : [first, NO_BYTES] };
}

/** The image key as the active generation has it, or else the one there is. */
function wrappedOf({ wrapped }: ImageRow, { generations }: State): Uint8Array {
  const slot = generations.find(({ state }) => state === 'active')?.slot ?? 0;
  return wrapped[slot].length > 0 ? wrapped[slot] : wrapped[slot === 0 ? 1 : 0];
}

function infoOf({ parameters, state, ranking, vectorDims, vectors, begun, records }: StoredGeneration): GenerationInfo {
  return { parameters, state, ranking, vectorDims, vectors, begun, records };
}

/** An image whose row cannot be read. */
function damagedEntry(id: Uint8Array): ImageEntry {
  return { id, blobBytes: 0, active: false, pending: false };
}

function entryOf(id: Uint8Array, row: ImageRow, { generations }: State): ImageEntry {
  const has = (phase: StoredGeneration['state']): boolean =>
    generations.some(({ slot, state }) => state === phase && (row.slots & (1 << slot)) !== 0);
  return { id, blobBytes: row.blobBytes, active: has('active'), pending: has('pending') };
}

/** The first key after every key that starts with `key`, but for keys of 0xff alone. */
function beyond(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(ID_BYTES + 5).fill(0xff);
  next.set(key);
  return next;
}

function keysAfter(table: Table, after: Uint8Array | undefined, limit: number): Uint8Array[] {
  if (after === undefined) return table.keys(new Uint8Array(0), limit);
  const from = new Uint8Array(after.length + 1);
  from.set(after);
  return table.keys(from, limit);
}
