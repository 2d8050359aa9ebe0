/**
 * Images that wait for a server that cannot be reached: encoded and encrypted, one encoded `put` message each, as the server would get it.
 *
 * What waits is ciphertext, and of one index and key: a message for another generation is not sent, since the library has been
 * indexed anew, or been given another key, meanwhile. Adding that file again replaces it.
 * @module
 */
import { equalBytes, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { decodeRequest, encodeRequest, type PutItem } from '../protocol/messages.ts';
import type { Client } from './client.ts';
import { isFatal } from './failures.ts';
import { isUnreachable } from './transport.ts';

/** Where messages wait, by the id of their image: a folder, most often. */
export interface UploadQueue {
  /** Ids of what waits, ascending. */
  ids(): Promise<Uint8Array[]>;
  /** Undefined where nothing of that id waits. */
  read(id: Uint8Array): Promise<Uint8Array | undefined>;
  /** Durably, or not at all. What waits under that id is replaced. */
  keep(id: Uint8Array, message: Uint8Array): Promise<void>;
  /** Does nothing where nothing of that id waits. */
  drop(id: Uint8Array): Promise<void>;
}

/** What became of an image that waited. `added` and `known` are said only of what the server has made durable. */
export type SendOutcome =
  | { readonly id: string; readonly status: 'added' | 'known' }
  | { readonly id: string; readonly status: 'failed'; readonly error: unknown };

/** Lets a prepared image wait. */
export async function keepQueued(client: Client, queue: UploadQueue, item: PutItem): Promise<void> {
  await queue.keep(item.id, encodeRequest({ kind: 'put', parameters: client.parameters, items: [item] }));
}

/** Whether an image waits that the client's index takes. */
export async function isQueued(client: Client, queue: UploadQueue, id: Uint8Array): Promise<boolean> {
  try {
    return (await readQueued(client, queue, id)) !== undefined;
  } catch (error) {
    // What is damaged, or of another index, is made anew.
    if (error instanceof RetrievalError) return false;
    throw error;
  }
}

/**
 * An image that waits; undefined where none does.
 * @throws `corrupt-message` when it is damaged, `unsupported-version`, `parameter-mismatch` when it is of another index. {@link RetrievalError}
 */
export async function readQueued(client: Client, queue: UploadQueue, id: Uint8Array): Promise<PutItem | undefined> {
  const bytes = await queue.read(id);
  if (bytes === undefined) return undefined;
  const request = decodeRequest(bytes);
  const item = request.kind === 'put' && request.items.length === 1 ? request.items[0]! : undefined;
  if (request.kind !== 'put' || item === undefined || !equalBytes(item.id, id))
    throw new RetrievalError('corrupt-message', 'what waits for the server is damaged: add the file again');
  if (!equalBytes(request.parameters, client.parameters))
    throw new RetrievalError(
      'parameter-mismatch',
      'it was encoded for an index that no longer serves: add the file again',
    );
  return item;
}

/**
 * Sends what waits, one image a message, and yields what became of each. An image leaves the queue when the server has it; where the
 * last answer was lost it is sent again, which changes nothing.
 * @throws When the server cannot be reached, or cannot store. {@link RetrievalError}
 */
export async function* sendQueued(client: Client, queue: UploadQueue): AsyncGenerator<SendOutcome, void, void> {
  for (const id of await queue.ids()) {
    let status: 'added' | 'known' = 'known';
    let item: PutItem | undefined;
    try {
      item = await readQueued(client, queue, id);
    } catch (error) {
      yield { id: toHex(id), status: 'failed', error };
      continue;
    }
    // Another process may have sent it meanwhile.
    if (item === undefined) continue;
    try {
      if (!(await client.isStored(id))) {
        await client.put([item]);
        status = 'added';
      }
      await queue.drop(id);
    } catch (error) {
      if (isFatal(error) || isUnreachable(error)) throw error;
      yield { id: toHex(id), status: 'failed', error };
      continue;
    }
    yield { id: toHex(id), status };
  }
}
