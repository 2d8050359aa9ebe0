/** `blindsight get`. @module */
import { writeWhole } from '../../adapters/library-files.ts';
import { parseId, withLibrary, type OpenOptions } from '../open.ts';
import { answer, size } from '../output.ts';

interface Options extends OpenOptions {
  readonly output?: string;
}

export async function get(folder: string, text: string, options: Options): Promise<void> {
  const id = parseId(text);
  await withLibrary(folder, { ...options, readOnly: true }, async ({ client }) => {
    const record = await client.record(id);
    const bytes = await client.open(id);
    if (options.output === undefined && options.json !== true) {
      process.stdout.write(bytes);
      return;
    }
    const file = options.output ?? record.name;
    await writeWhole(file, bytes);
    answer(
      options,
      { id: text, name: record.name, file, bytes: bytes.length },
      `${record.name} (${size(bytes.length)}) -> ${file}`,
    );
  });
}
