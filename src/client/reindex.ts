/**
 * Making a library's index anew, under another vocabulary, model, ranking, other index parameters, or another key. Images and
 * names stay as they are, and so do image keys, which another library key wraps anew; the old index serves until the new one is whole.
 * @module
 */
import { equalBytes, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { PutItem } from '../protocol/messages.ts';
import type { Client } from './client.ts';
import { describeAgain } from './describe-again.ts';
import { isFatal } from './failures.ts';

/** Records in one message, where no image is opened. */
const BATCH_RECORDS = 256;

/**
 * What became of one image: `done`; `kept`, done before; `unindexed`, no decoder reads it, so that it is no longer found by
 * picture; or `failed`.
 */
export type ReindexOutcome =
  | { readonly id: Uint8Array; readonly status: 'done' | 'kept' | 'unindexed' }
  | { readonly id: Uint8Array; readonly status: 'failed'; readonly error: unknown };

/**
 * Builds `next`'s generation from the images of `current`, and makes it the active one. Resumable: records that are
 * there are not made again. An image that no decoder reads is kept without a code. One that cannot be opened does not
 * stop the others, but the new index does not take over.
 * @param current - Reads the records that hold now.
 * @param next - The same library with another vocabulary, index or key.
 * @throws `cancelled` when the signal fires; what was made is kept. `corrupt-record` when images could not be opened; `omitted` when the
 *   server shows fewer images than the library has. Whatever
 *   would meet every image: the model is not there, the disk is full. {@link RetrievalError}
 */
export async function* reindex(
  current: Client,
  next: Client,
  signal?: AbortSignal,
): AsyncGenerator<ReindexOutcome, void, void> {
  const sameCodes = equalBytes(current.vocabulary.fingerprint, next.vocabulary.fingerprint);
  await next.begin('pending');
  let failed = 0;
  const make = async (ids: readonly Uint8Array[]): Promise<ReindexOutcome[]> => {
    const outcomes = await (sameCodes ? sealAnew(current, next, ids) : encodeAnew(current, next, ids));
    failed += outcomes.filter(({ status }) => status === 'failed').length;
    return outcomes;
  };
  const batch = sameCodes ? BATCH_RECORDS : 1;
  const waiting: Uint8Array[] = [];
  for await (const { id, pending } of current.list()) {
    if (signal?.aborted === true) throw new RetrievalError('cancelled', 'stopped; what was made is kept');
    if (pending) yield { id, status: 'kept' };
    else waiting.push(id);
    if (waiting.length === batch) yield* await make(waiting.splice(0));
  }
  if (waiting.length > 0) yield* await make(waiting);
  if (failed > 0)
    throw new RetrievalError('corrupt-record', `${failed} images could not be opened; the old index still serves`);
  await next.activate(current);
}

/** Puts records with the codes they have. */
function sealAnew(current: Client, next: Client, ids: readonly Uint8Array[]): Promise<ReindexOutcome[]> {
  // One message for all; where one of them cannot be opened, each is asked for by itself.
  const all = current.records(ids).then(
    (records) => new Map(records.map(([id, record]) => [toHex(id), record])),
    () => undefined,
  );
  return putEach(current, next, ids, async (id) => {
    const record = (await all)?.get(toHex(id)) ?? (await current.record(id));
    return { item: next.prepareRecord(id, record), status: 'done' };
  });
}

/** Puts records with new codes, made from the images. */
function encodeAnew(current: Client, next: Client, ids: readonly Uint8Array[]): Promise<ReindexOutcome[]> {
  return putEach(current, next, ids, async (id) => {
    const [bytes, record] = [await current.open(id), await current.record(id)];
    return describeAgain(next, id, bytes, record, record.imageVersion);
  });
}

/** Makes an item of each image, and puts those that could be made. */
async function putEach(
  current: Client,
  next: Client,
  ids: readonly Uint8Array[],
  make: (id: Uint8Array) => Promise<{ item: PutItem; status: 'done' | 'unindexed' }>,
): Promise<ReindexOutcome[]> {
  const items: PutItem[] = [];
  const outcomes: ReindexOutcome[] = [];
  const wrapped = current.sharesKey(next) ? undefined : await current.wrappedKeys(ids);
  for (const [i, id] of ids.entries())
    try {
      const { item, status } = await make(id);
      items.push(wrapped === undefined ? item : { ...item, wrapped: next.rewrapKey(id, known(wrapped[i]), current) });
      outcomes.push({ id, status });
    } catch (error) {
      if (isFatal(error)) throw error;
      outcomes.push({ id, status: 'failed', error });
    }
  await next.put(items);
  return outcomes;
}

function known(wrapped: Uint8Array | undefined): Uint8Array {
  if (wrapped === undefined) throw new RetrievalError('unknown-id', 'an image is gone');
  return wrapped;
}
