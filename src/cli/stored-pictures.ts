/**
 * Every picture of a library that has a code, from its sealed records: no picture is opened.
 * @module
 */
import type { Client } from '../client/client.ts';
import type { Stored } from './keep-rules.ts';
import { RetrievalError } from '../base/errors.ts';
import { startProgress } from './progress.ts';

/** Records in one message. */
const BATCH_RECORDS = 256;

/**
 * @returns And how many have no code.
 * @throws `cancelled`. {@link RetrievalError}
 */
export async function readPictures(
  client: Client,
  quiet: boolean,
  signal: AbortSignal,
): Promise<{ pictures: Stored[]; unindexed: number }> {
  const pictures: Stored[] = [];
  let unindexed = 0;
  const progress = startProgress('records', (await client.info()).images, 'images', quiet);
  const read = async (ids: readonly Uint8Array[]): Promise<void> => {
    if (signal.aborted) throw new RetrievalError('cancelled', 'stopped; nothing was changed');
    for (const [id, record] of await client.records(ids)) {
      if (record.indexed) pictures.push({ id, record });
      else unindexed++;
      progress.step();
    }
  };
  let batch: Uint8Array[] = [];
  for await (const { id } of client.list()) {
    batch.push(id);
    if (batch.length < BATCH_RECORDS) continue;
    await read(batch);
    batch = [];
  }
  await read(batch);
  progress.stop();
  return { pictures, unindexed };
}
