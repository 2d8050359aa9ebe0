/**
 * The record of a stored image made anew from its file, with the name and times it had.
 * @module
 */
import type { PutItem } from '../protocol/messages.ts';
import type { Client, FileAttributes } from './client.ts';
import { isUndecodable } from './failures.ts';

/**
 * Describes an image whose file is stored. One that no decoder reads is kept without a code.
 * @param bytes - The whole file.
 * @param imageVersion - Of its sealed form.
 * @throws Whatever else is wrong: no model, no memory. That must not cost the image its place in the index.
 */
export async function describeAgain(
  client: Client,
  id: Uint8Array,
  bytes: Uint8Array,
  { name, path, modifiedAt, addedAt }: FileAttributes,
  imageVersion: number,
): Promise<{ item: PutItem; status: 'done' | 'unindexed' }> {
  const attributes = { name, path, modifiedAt, addedAt };
  try {
    return { item: await client.prepare(bytes, attributes, { id, stored: imageVersion }), status: 'done' };
  } catch (error) {
    if (!isUndecodable(error)) throw error;
    const item = await client.prepare(bytes, attributes, { id, stored: imageVersion, undecodable: true });
    return { item, status: 'unindexed' };
  }
}
