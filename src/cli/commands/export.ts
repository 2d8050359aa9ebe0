/** `blindsight export`. @module */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeWhole } from '../../adapters/library-files.ts';
import { equalBytes, toHex } from '../../base/bytes.ts';
import { RetrievalError } from '../../base/errors.ts';
import type { Client } from '../../client/client.ts';
import { isConnectionFailure } from '../../client/transport.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer, describeError } from '../output.ts';
import { startProgress } from '../progress.ts';
import { safePath } from '../safe-path.ts';

/** Writes every image under the path it was added with. Names come from records, so they are made safe first; no other file is written over. */
export async function exportLibrary(folder: string, target: string, options: OpenOptions): Promise<void> {
  const signal = stopSignal();
  await withLibrary(folder, { ...options, readOnly: true }, async ({ client }) => {
    const { images } = await client.info();
    const progress = startProgress('export', images, 'images', options.json === true);
    const failed: { id: string; code: string; message: string }[] = [];
    let written = 0;
    let known = 0;
    try {
      await mkdir(target, { recursive: true });
      for await (const { id } of client.list()) {
        if (signal.aborted) break;
        try {
          const record = await client.record(id);
          const file = await place(target, record.path ?? record.name, id, client);
          if (file.there) known++;
          else {
            const bytes = await client.open(id);
            await mkdir(dirname(file.path), { recursive: true });
            await writeWhole(file.path, bytes);
            written++;
          }
        } catch (error) {
          if (isConnectionFailure(error)) throw error;
          failed.push({ id: toHex(id), ...describeError(error) });
        }
        progress.step();
      }
    } finally {
      progress.stop();
    }
    const lines = failed.map(({ id, message, code }) => `\n  ${id}: ${message} (${code})`).join('');
    answer(
      options,
      { written, known, failed, stopped: signal.aborted },
      `${written} written, ${known} were there, ${failed.length} failed${signal.aborted ? '; stopped' : ''}${lines}`,
    );
    if (failed.length > 0 || signal.aborted) process.exitCode = 1;
  });
}

/**
 * Where an image goes: its old path, or one beside it when another file has that (two images of one path; a file of the
 * user's own; a folder; names that differ in case only, on some systems).
 * @returns `there`: the image was written before.
 */
async function place(
  target: string,
  path: string,
  id: Uint8Array,
  client: Client,
): Promise<{ readonly path: string; readonly there: boolean }> {
  const name = toHex(id);
  for (const candidate of [
    safePath(path),
    safePath(path, ` (${name.slice(0, 8)})`),
    safePath(path, ` (${name})`),
    // A part of the path is a file here.
    safePath(path, ` (${name})`).split('/').at(-1)!,
  ]) {
    const file = join(target, candidate);
    try {
      if (equalBytes(await client.identify(await readFile(file)), id)) return { path: file, there: true };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return { path: file, there: false };
      if (code !== 'EISDIR' && code !== 'ENOTDIR') throw error;
    }
  }
  throw new RetrievalError('unreadable-file', `other files have every name that ${path} could get`);
}
