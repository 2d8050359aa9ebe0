/**
 * Bringing an index up to what its store holds.
 * @module
 */
import { Generation, isSearchable, type VectorShape } from './generation.ts';
import { NO_POSTINGS, Postings } from './postings.ts';
import type { Segment } from './segment.ts';
import type { ScanTeam } from '../wasm/scan-team.ts';
import type { Change, Store, StoredRecord } from './store.ts';
import { RetrievalError } from '../base/errors.ts';
import { entriesOf, vectorArray, type StoredVector } from '../base/stored-vector.ts';
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
    after = page.at(-1)!.id;
  }
}

/**
 * Builds the index of a generation from its records.
 * @param threads - That rank; default: the calling thread.
 * @throws `parameter-mismatch` when there is no such generation, `corrupt-record`. {@link RetrievalError}
 */
export async function loadGeneration(
  module: WebAssembly.Module,
  store: Store,
  wanted: Wanted,
  threads?: ScanTeam,
): Promise<Generation> {
  const segment = await store.segment?.(wanted.parameters);
  if (segment !== undefined) return new Generation(module, wanted, segment, threads);
  const generation = new Generation(module, wanted, undefined, threads);
  // What changes while the pages are read comes up again in the changes since here.
  const { sequence } = await store.stats();
  for await (const { id, tokens, vector } of searchable(store, wanted)) generation.put(id, tokens, vector);
  generation.sequence = sequence;
  return generation;
}

/**
 * Applies what the store has seen since. Searches see the index before or after, never between.
 * @returns False when the log does not reach back so far: load it anew.
 */
export async function refreshGeneration(
  generation: Generation,
  store: Store,
  parameters: Uint8Array,
): Promise<boolean> {
  const { sequence } = await store.stats();
  if (sequence === generation.sequence) return true;
  const steps: (() => void)[] = [];
  for (let since = generation.sequence; ;) {
    const changes = await store.changes(since, PAGE);
    if (changes === undefined) return false;
    for (const { id, kind } of changes) {
      const record = await recordOf(store, parameters, { id, kind });
      if (record === undefined) steps.push(() => generation.remove(id));
      else steps.push(() => generation.put(id, record.tokens, record.vector));
    }
    since = changes.at(-1)?.sequence ?? since;
    if (changes.length < PAGE) break;
  }
  for (const step of steps) step();
  generation.sequence = sequence;
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
  const { parameters, vectorDims } = wanted;
  const { sequence } = await store.stats();
  const postings = new Postings(NO_POSTINGS, 0);
  const found: { id: Uint8Array; vector: StoredVector }[] = [];
  const always = (): boolean => true;
  for await (const { id, tokens, vector } of searchable(store, wanted)) {
    postings.add(found.length, tokens, always);
    found.push({ id, vector });
  }
  const ids = new Uint8Array(ID_BYTES * found.length);
  const vectors = vectorArray(wanted.vectors, vectorDims, found.length);
  const entries = entriesOf(wanted.vectors, vectorDims, 1);
  found.forEach(({ id, vector }, row) => {
    ids.set(id, ID_BYTES * row);
    vectors.set(vector, entries * row);
  });
  return { parameters, sequence, vectorDims, ids, vectors, postings: postings.data(always) };
}
