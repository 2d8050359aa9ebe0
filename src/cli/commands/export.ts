/** `blindsight export`. @module */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeWhole } from '../../adapters/library-files.ts';
import { equalBytes, toHex } from '../../base/bytes.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer, describeError } from '../output.ts';
import { startProgress } from '../progress.ts';
import { safePath } from '../safe-path.ts';

/** Writes every image under the path it was added with. Names come from records, so they are made safe first. */
export async function exportLibrary(folder: string, target: string, options: OpenOptions): Promise<void> {
  const signal = stopSignal();
  await withLibrary(folder, { ...options, readOnly: true }, async ({ client }) => {
    const { images } = await client.info();
    const progress = startProgress('export', images, 'images', options.json === true);
    const failed: { id: string; code: string; message: string }[] = [];
    const taken = new Set<string>();
    let written = 0;
    let known = 0;
    try {
      await mkdir(target, { recursive: true });
      for await (const { id } of client.list()) {
        if (signal.aborted) break;
        try {
          const record = await client.record(id);
          let path = safePath(record.path ?? record.name);
          // Two images may share a path: each keeps its own file. Names differing in case only are one file on some systems.
          if (taken.has(path.toLowerCase())) path = withSuffix(path, toHex(id).slice(0, 8));
          taken.add(path.toLowerCase());
          const file = join(target, path);
          const there = await readFile(file).catch(() => undefined);
          if (there !== undefined && equalBytes(await client.identify(there), id)) known++;
          else {
            const bytes = await client.open(id);
            await mkdir(dirname(file), { recursive: true });
            await writeWhole(file, bytes);
            written++;
          }
        } catch (error) {
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

function withSuffix(path: string, suffix: string): string {
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1
    ? `${path.slice(0, dot)} (${suffix})${path.slice(dot)}`
    : `${path} (${suffix})`;
}
