/**
 * Bringing an index up to what its store holds.
 * @module
 */
import { Generation, isSearchable, type VectorShape } from './generation.ts';
import { Postings } from './postings.ts';
import type { Segment, SegmentSource } from './segment.ts';
import type { ScanTeam } from '../wasm/scan-team.ts';
import type { Change, Store, StoredRecord } from './store.ts';
import { RetrievalError } from '../base/errors.ts';
import { pause } from '../base/pause.ts';
import { packRow, rowBytesOf, type StoredVector } from '../base/stored-vector.ts';
import { ID_BYTES } from './values.ts';

const PAGE = 512;

/** Which generation, and the shape of its vectors. */
type Wanted = VectorShape & { readonly parameters: Uint8Array };

/** Every searchable record of a generation, by pages. Damaged ones are passed over. */
async function* searchable(
  store: Store,
  { parameters, vectorDims }: Wanted,
): AsyncGenerator<StoredRecord & { readonly id: Uint8Array }> {
  let after: Uint8Array | undefined;
  for (;;) {
    const page = await store.records(parameters, after, PAGE);
    for (const { id, record } of page)
      if (record !== undefined && isSearchable(record, vectorDims)) yield { id, ...record };
    if (page.length < PAGE) return;
    await pause();
    after = page.at(-1)!.id;
  }
}

/**
 * Builds the index of a generation: from the segment that the store keeps and what has changed since, or from its records.
 * @param threads - That rank; default: the calling thread.
 * @throws `parameter-mismatch` when there is no such generation, `corrupt-record`. {@link RetrievalError}
 */
export async function loadGeneration(
  module: WebAssembly.Module,
  store: Store,
  wanted: Wanted,
  threads?: ScanTeam,
): Promise<Generation> {
  const { parameters } = wanted;
  const kept = await readKept(module, store, wanted, threads);
  if (kept !== undefined) {
    const reached = await orClose(kept, refreshGeneration(kept, store, parameters));
    if (reached && !kept.wasteful) return kept;
    kept.close();
  }
  const generation = new Generation(module, wanted, undefined, threads);
  await orClose(generation, readRecords(generation, store, wanted));
  return generation;
}

/** What `work` resolves with; where it fails, the generation lets go of its memory. */
async function orClose<T>(generation: Generation, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    generation.close();
    throw error;
  }
}

async function readRecords(generation: Generation, store: Store, wanted: Wanted): Promise<void> {
  // What changes while the pages are read comes up again in the changes since here.
  const { sequence } = await store.stats();
  for await (const { id, tokens, vector } of searchable(store, wanted)) generation.put(id, tokens, vector);
  generation.sequence = sequence;
}

/** The index as the store keeps it. That only saves time: whatever is wrong with it, the records tell the same. */
async function readKept(
  module: WebAssembly.Module,
  store: Store,
  wanted: Wanted,
  threads: ScanTeam | undefined,
): Promise<Generation | undefined> {
  let source: SegmentSource | undefined;
  try {
    source = await store.segment?.(wanted.parameters);
    return source && (await Generation.read(module, wanted, source, threads));
  } catch {
    return undefined;
  } finally {
    await source?.close();
  }
}

/**
 * Has the store keep the index as it is now, while it goes on changing.
 * @throws `storage-full`, `storage-failed`, `library-locked`. {@link RetrievalError}
 */
export async function keepGeneration(generation: Generation, store: Store, parameters: Uint8Array): Promise<void> {
  if (store.keepSegment === undefined) return;
  generation.kept = generation.sequence;
  const snapshot = generation.freeze();
  await store.keepSegment(parameters, await snapshot.measure(), (sink) => snapshot.write(parameters, sink));
}

/**
 * Applies what the store has seen since, by pages.
 * @returns False when the log does not reach back so far: load it anew.
 */
export async function refreshGeneration(
  generation: Generation,
  store: Store,
  parameters: Uint8Array,
): Promise<boolean> {
  const { sequence } = await store.stats();
  if (sequence === generation.sequence) return true;
  for (;;) {
    const changes = await store.changes(generation.sequence, PAGE);
    if (changes === undefined) return false;
    for (const { id, kind } of changes) {
      const record = await recordOf(store, parameters, { id, kind });
      if (record === undefined) generation.remove(id);
      else generation.put(id, record.tokens, record.vector);
    }
    generation.sequence = changes.at(-1)?.sequence ?? sequence;
    if (changes.length < PAGE) break;
    await pause();
  }
  generation.sequence = Math.max(sequence, generation.sequence);
  return true;
}

/** What the index must hold after a change; undefined for nothing. */
async function recordOf(
  store: Store,
  parameters: Uint8Array,
  { id, kind }: Pick<Change, 'id' | 'kind'>,
): Promise<StoredRecord | undefined> {
  if (kind === 'remove') return undefined;
  try {
    return await store.record(parameters, id);
  } catch (error) {
    if (error instanceof RetrievalError && error.code === 'corrupt-record') return undefined;
    throw error;
  }
}

/** The snapshot of a generation, as `encodeSegment` takes it. */
export async function snapshot(store: Store, wanted: Wanted): Promise<Segment> {
  const { parameters, vectorDims, vectors: format } = wanted;
  const { sequence } = await store.stats();
  const postings = new Postings();
  const found: { id: Uint8Array; vector: StoredVector }[] = [];
  const always = (): boolean => true;
  for await (const { id, tokens, vector } of searchable(store, wanted)) {
    postings.add(found.length, tokens, always);
    found.push({ id, vector });
  }
  const ids = new Uint8Array(ID_BYTES * found.length);
  const rowBytes = vectorDims === 0 ? 0 : rowBytesOf(format, vectorDims);
  const vectors = new Uint8Array(rowBytes * found.length);
  found.forEach(({ id, vector }, row) => {
    ids.set(id, ID_BYTES * row);
    if (vectorDims > 0) packRow(vector, vectors.subarray(rowBytes * row, rowBytes * (row + 1)));
  });
  const count = found.length;
  return { parameters, sequence, format, vectorDims, count, ids, vectors, postings: postings.data(always) };
}
