/**
 * Adding many files: hash, ask which are new, encode, seal, store in batches; one bad file never stops the rest.
 *
 * Work is resumable because it is idempotent: an image is named by its content, so what was stored is
 * known the next time; where the server finds it damaged, it is stored anew. A batch is stored by one message, whole or not at all.
 * @module
 */
import { assertInteger } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { PutItem } from '../protocol/messages.ts';
import type { Client, FileAttributes } from './client.ts';
import { isFatal } from './failures.ts';
import { isUnreachable } from './transport.ts';
import { isQueued, keepQueued, type UploadQueue } from './upload-queue.ts';

/** One file to be added. */
export interface Source extends FileAttributes {
  /** Reads the whole file. Called once; may reject. */
  read(): Promise<Uint8Array>;
}

/**
 * What became of one file. `added` and `known` are said only of what the server has made durable; `waiting` of what lies, encrypted, in
 * the queue of this machine.
 */
export type AddOutcome<S extends Source> =
  | { readonly source: S; readonly status: 'added' | 'known' | 'waiting'; readonly id: string }
  | { readonly source: S; readonly status: 'failed'; readonly error: unknown };

/** How to add. */
export interface AddOptions {
  /** Files worked on at a time, each held in memory; decoded too, unless the extractor decodes fewer. Default 3. */
  readonly concurrency?: number;
  /** Seals files of a known format that no decoder reads: kept, but never found by picture. */
  readonly storeUndecodable?: boolean;
  /** False: seals no small picture with each image. */
  readonly thumbnails?: boolean;
  /** Where images wait while the server cannot be reached; without it, that stops the work. `sendQueued` sends them. */
  readonly queue?: UploadQueue | undefined;
  /** The server is known to be out of reach: with a queue, it is not asked. */
  readonly away?: boolean;
  /** Stops after the files in hand. */
  readonly signal?: AbortSignal;
}

/** A batch is sent when it has this many images, or this many bytes. */
const BATCH_ITEMS = 16;
const BATCH_BYTES = 8 * 1024 * 1024;
/** Largest file: what one message can carry, with room for the rest of it. */
export const MAX_FILE_BYTES: number = 256 * 1024 * 1024;

/** An image that is encoded, but not stored yet. */
interface Prepared<S> {
  readonly source: S;
  readonly name: string;
  readonly item: PutItem;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RetrievalError && error.code === 'message-too-large';
}

/**
 * Adds files, and yields what became of each, in the order in which they were finished.
 * @throws When the server cannot store, the model is not there, or the signal fires (`cancelled`). {@link RetrievalError}
 */
export async function* addImages<S extends Source>(
  client: Client,
  sources: Iterable<S>,
  {
    concurrency = 3,
    storeUndecodable = false,
    thumbnails = true,
    queue,
    away: outOfReach = false,
    signal,
  }: AddOptions = {},
): AsyncGenerator<AddOutcome<S>, void, void> {
  assertInteger(concurrency, 'concurrency', 1, 64);
  const files = sources[Symbol.iterator]();
  // By id, what is being encoded or waits for its batch, with the other files of the same bytes: they share one fate.
  const inHand = new Map<string, S[]>();
  const outcomes: AddOutcome<S>[] = [];
  let batch: Prepared<S>[] = [];
  let batchBytes = 0;
  // The server could not be reached: it is not asked again.
  let away = outOfReach && queue !== undefined;

  const goesAway = (error: unknown): boolean => {
    if (queue === undefined || !isUnreachable(error)) return false;
    return (away = true);
  };

  /** Files of equal bytes, no longer in hand. */
  const release = (name: string): S[] => {
    const twins = inHand.get(name) ?? [];
    inHand.delete(name);
    return twins;
  };

  const flush = async (): Promise<void> => {
    const sent = batch;
    batch = [];
    batchBytes = 0;
    if (away) return letWait(sent);
    try {
      await client.put(sent.map(({ item }) => item));
      for (const prepared of sent) await succeeded(prepared);
    } catch (error) {
      if (goesAway(error)) return letWait(sent);
      if (!isTooLarge(error)) throw error;
      await putSingly(sent);
    }
  };

  const succeeded = async ({ source, name, item }: Prepared<S>): Promise<void> => {
    // It may have waited for an index that no longer serves.
    await queue?.drop(item.id);
    outcomes.push({ source, status: 'added', id: name });
    for (const twin of release(name)) outcomes.push({ source: twin, status: 'known', id: name });
  };

  const letWait = async (sent: readonly Prepared<S>[]): Promise<void> => {
    for (const { source, name, item } of sent) {
      await keepQueued(client, queue!, item);
      for (const same of [source, ...release(name)]) outcomes.push({ source: same, status: 'waiting', id: name });
    }
  };

  /** For a server that takes less in one message than a batch has: what it does not take even so has failed. */
  const putSingly = async (sent: readonly Prepared<S>[]): Promise<void> => {
    for (const prepared of sent)
      try {
        await client.put([prepared.item]);
        await succeeded(prepared);
      } catch (error) {
        if (goesAway(error)) {
          await letWait([prepared]);
          continue;
        }
        if (!isTooLarge(error)) throw error;
        for (const same of [prepared.source, ...release(prepared.name)])
          outcomes.push({ source: same, status: 'failed', error });
      }
  };

  /** Whether there is nothing left to do for an image: the server has it, undamaged, or it waits. */
  const settled = async (id: Uint8Array): Promise<'known' | 'waiting' | undefined> => {
    try {
      if (!away) return (await client.isStored(id)) ? 'known' : undefined;
    } catch (error) {
      if (!goesAway(error)) throw error;
    }
    return (await isQueued(client, queue!, id)) ? 'waiting' : undefined;
  };

  const prepare = async (source: S, bytes: Uint8Array, id: Uint8Array): Promise<PutItem> => {
    try {
      return await client.prepare(bytes, source, { id, thumbnail: thumbnails });
    } catch (error) {
      if (storeUndecodable && error instanceof RetrievalError && error.code === 'unsupported-format')
        return client.prepare(bytes, source, { id, undecodable: true });
      throw error;
    }
  };

  const work = async (source: S): Promise<void> => {
    let name: string | undefined;
    try {
      const bytes = await source.read();
      if (bytes.length === 0) throw new RetrievalError('empty-file', 'the file has no bytes');
      if (bytes.length > MAX_FILE_BYTES)
        throw new RetrievalError('file-too-large', `expected at most ${MAX_FILE_BYTES} bytes, got ${bytes.length}`);
      const id = await client.identify(bytes);
      const twins = inHand.get(toHex(id));
      if (twins !== undefined) {
        twins.push(source);
        return;
      }
      name = toHex(id);
      inHand.set(name, []);
      const status = await settled(id);
      if (status !== undefined)
        for (const same of [source, ...release(name)]) outcomes.push({ source: same, status, id: name });
      else {
        const item = await prepare(source, bytes, id);
        batch.push({ source, name, item });
        batchBytes += item.blob?.length ?? 0;
      }
    } catch (error) {
      if (isFatal(error)) throw error;
      const twins = name === undefined ? [] : release(name);
      for (const same of [source, ...twins]) outcomes.push({ source: same, status: 'failed', error });
    }
    if (away || batch.length >= BATCH_ITEMS || batchBytes >= BATCH_BYTES) await flush();
  };

  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  try {
    for (;;) {
      while (running.size < concurrency && failure === undefined && signal?.aborted !== true) {
        const next = files.next();
        if (next.done === true) break;
        const task: Promise<void> = work(next.value)
          .catch((error: unknown) => {
            failure ??= { error };
          })
          .finally(() => running.delete(task));
        running.add(task);
      }
      if (running.size === 0) break;
      await Promise.race(running);
      yield* outcomes.splice(0);
    }
    if (failure !== undefined) throw failure.error;
    await flush();
    yield* outcomes.splice(0);
  } finally {
    // Whoever stops listening may close the client next: nothing may be under way then.
    await Promise.all(running);
  }
  if (signal?.aborted === true) throw new RetrievalError('cancelled', 'stopped; what was added is stored');
}
