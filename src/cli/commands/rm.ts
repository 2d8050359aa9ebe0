/** `blindsight rm`. @module */
import { RetrievalError } from '../../base/errors.ts';
import { parseId, withLibrary, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';

export async function rm(folder: string, texts: readonly string[], options: OpenOptions): Promise<void> {
  const ids = [...new Map(texts.map((text) => [text.toLowerCase(), parseId(text)])).values()];
  const removed = await withLibrary(folder, options, ({ client }) => client.remove(ids));
  if (removed === 0) throw new RetrievalError('unknown-id', 'none of these images is in the library');
  const unknown = ids.length - removed;
  answer(options, { removed, unknown }, `${removed} removed, ${unknown} unknown`);
  if (unknown > 0) process.exitCode = 1;
}
