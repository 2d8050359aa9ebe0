/**
 * Making a library's index anew, under another vocabulary, model or index parameters. Images, keys and
 * names stay as they are; the old index serves until the new one is whole.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { Client } from './client.ts';

/** What became of one image. */
export type ReindexOutcome =
  | { readonly id: Uint8Array; readonly status: 'done' | 'kept' }
  | { readonly id: Uint8Array; readonly status: 'failed'; readonly error: unknown };

/**
 * Builds `next`'s generation from the images of `current`, and makes it the active one. Resumable: records that are
 * there are not made again. An image that can no longer be decoded is kept without a code.
 * @param current - Reads the records that hold now.
 * @param next - The same library with another vocabulary or index.
 * @throws `cancelled` when the signal fires; what was made is kept. {@link RetrievalError}
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
      const attributes = { name: record.name, path: record.path, modifiedAt: record.modifiedAt };
      const item = await next
        .prepare(bytes, attributes, { id, store: false })
        .catch(() => next.prepare(bytes, attributes, { id, store: false, undecodable: true }));
      await next.put([item]);
      yield { id, status: 'done' };
    } catch (error) {
      failed++;
      yield { id, status: 'failed', error };
    }
  }
  if (failed > 0)
    throw new RetrievalError('corrupt-record', `${failed} images could not be opened; the old index still serves`);
  await next.activate();
}
