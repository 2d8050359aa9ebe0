/**
 * Making a library's index anew, under another vocabulary, model or index parameters. Images, keys and
 * names stay as they are; the old index serves until the new one is whole.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { ImageRecord } from '../crypto/record.ts';
import type { PutItem } from '../protocol/messages.ts';
import type { Client } from './client.ts';
import { isFatal, isUndecodable } from './failures.ts';

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
 * @param next - The same library with another vocabulary or index.
 * @throws `cancelled` when the signal fires; what was made is kept. `corrupt-record` when images could not be opened. Whatever
 *   would meet every image: the model is not there, the disk is full. {@link RetrievalError}
 */
export async function* reindex(
  current: Client,
  next: Client,
  signal?: AbortSignal,
): AsyncGenerator<ReindexOutcome, void, void> {
  await next.begin('pending');
  let failed = 0;
  for await (const { id, pending } of current.list()) {
    if (signal?.aborted === true) throw new RetrievalError('cancelled', 'stopped; what was made is kept');
    if (pending) {
      yield { id, status: 'kept' };
      continue;
    }
    try {
      const [bytes, record] = [await current.open(id), await current.record(id)];
      const { item, status } = await prepare(next, id, bytes, record);
      await next.put([item]);
      yield { id, status };
    } catch (error) {
      if (isFatal(error)) throw error;
      failed++;
      yield { id, status: 'failed', error };
    }
  }
  if (failed > 0)
    throw new RetrievalError('corrupt-record', `${failed} images could not be opened; the old index still serves`);
  await next.activate();
}

/** The record of one image in the new index. */
async function prepare(
  next: Client,
  id: Uint8Array,
  bytes: Uint8Array,
  { name, path, modifiedAt, addedAt }: ImageRecord,
): Promise<{ item: PutItem; status: 'done' | 'unindexed' }> {
  const attributes = { name, path, modifiedAt, addedAt };
  try {
    return { item: await next.prepare(bytes, attributes, { id, store: false }), status: 'done' };
  } catch (error) {
    // Anything else (no model, no memory) must not cost the image its place in the index.
    if (!isUndecodable(error)) throw error;
    const item = await next.prepare(bytes, attributes, { id, store: false, undecodable: true });
    return { item, status: 'unindexed' };
  }
}
