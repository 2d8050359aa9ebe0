/** `blindsight push`: images that were added while the server could not be reached. @module */
import type { Library } from '../../adapters/library.ts';
import { toHex } from '../../base/bytes.ts';
import { isUnreachable } from '../../client/transport.ts';
import { readQueued, sendQueued } from '../../client/upload-queue.ts';
import { withLibrary, type OpenOptions } from '../open.ts';
import { answer, describeError, size } from '../output.ts';

interface Options extends OpenOptions {
  readonly list?: boolean;
}

interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export async function push(folder: string, options: Options): Promise<void> {
  if (options.list === true) return list(folder, options);
  const { sent, failed } = await withLibrary(folder, options, async (library) => {
    const done = await sendWaiting(library);
    if (done.away !== undefined) throw done.away;
    return done;
  });
  answer(
    options,
    { sent, failed },
    [
      `${sent} sent, ${failed.length} failed`,
      ...failed.map(({ path, code, message }) => `  ${path}: ${message} (${code})`),
    ].join('\n'),
  );
}

/** Sends what waits; stops, and says so, where the server cannot be reached. */
export async function sendWaiting({
  client,
  queue,
}: Library): Promise<{ readonly sent: number; readonly failed: readonly Failure[]; readonly away?: unknown }> {
  let sent = 0;
  const failed: Failure[] = [];
  try {
    for await (const outcome of sendQueued(client, queue))
      if (outcome.status === 'failed') failed.push({ path: outcome.id, ...describeError(outcome.error) });
      else sent++;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return { sent, failed, away: error };
  }
  return { sent, failed };
}

async function list(folder: string, options: Options): Promise<void> {
  const waiting = await withLibrary(
    folder,
    { ...options, readOnly: true, offline: true },
    async ({ client, queue }) => {
      const found: { id: string; path?: string; bytes?: number; code?: string }[] = [];
      for (const id of await queue.ids())
        try {
          const item = await readQueued(client, queue, id);
          if (item === undefined) continue;
          const { name, path = name, fileBytes } = client.readPrepared(item);
          found.push({ id: toHex(id), path, bytes: fileBytes });
        } catch (error) {
          found.push({ id: toHex(id), code: describeError(error).code });
        }
      return found;
    },
  );
  answer(
    options,
    { waiting },
    [
      `${waiting.length} waiting`,
      ...waiting.map(({ id, path, bytes, code }) =>
        code === undefined
          ? `  ${id}  ${path}  ${size(bytes!)}`
          : `  ${id}  cannot be sent (${code}): add the file again`,
      ),
    ].join('\n'),
  );
}
