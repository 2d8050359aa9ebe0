/** `blindsight rm`. @module */
import { RetrievalError } from '../../base/errors.ts';
import { parseId, withLibrary, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';

export async function rm(folder: string, texts: readonly string[], options: OpenOptions): Promise<void> {
  const ids = texts.map(parseId);
  const removed = await withLibrary(folder, options, ({ client }) => client.remove(ids));
  if (removed === 0) throw new RetrievalError('unknown-id', 'none of these images is in the library');
  answer(options, { removed, unknown: ids.length - removed }, `${removed} removed, ${ids.length - removed} unknown`);
}
