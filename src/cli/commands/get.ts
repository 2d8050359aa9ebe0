/** `blindsight get`. @module */
import { writeWhole } from '../../adapters/library-files.ts';
import { parseId, withLibrary, type OpenOptions } from '../open.ts';
import { answer, size } from '../output.ts';

interface Options extends OpenOptions {
  readonly output?: string;
}

export async function get(folder: string, text: string, options: Options): Promise<void> {
  // The stored name is no place to write to: whoever added the image chose it.
  if (options.json === true && options.output === undefined)
    throw new RangeError('"--output" expected a file beside --json, got none');
  if (options.output === undefined && process.stdout.isTTY)
    throw new RangeError('"--output" expected a file, or standard output that is no terminal, got a terminal');
  const id = parseId(text);
  await withLibrary(folder, { ...options, readOnly: true }, async ({ client }) => {
    const record = await client.record(id);
    const bytes = await client.open(id);
    const file = options.output;
    if (file === undefined) {
      process.stdout.write(bytes);
      return;
    }
    await writeWhole(file, bytes);
    answer(
      options,
      { id: text, name: record.name, file, bytes: bytes.length },
      `${record.name} (${size(bytes.length)}) -> ${file}`,
    );
  });
}
