/**
 * A process for `wipe.test.ts`: opens a library, uses every key of it, and closes it. It says `open` and `closed`, and goes on after each when
 * it is sent a line, so that its memory can be read from outside.
 *
 *     node build/test/wipe-worker.js LIBRARY
 */
import { writeSync } from 'node:fs';
import { stdin } from 'node:process';
import { createInterface } from 'node:readline';
import { openLibrary } from '../src/adapters/library.ts';
import { wipe } from '../src/crypto/wipe.ts';
import { bytes } from './support.ts';

const lines = createInterface({ input: stdin })[Symbol.asyncIterator]();

async function say(word: string): Promise<void> {
  writeSync(1, `${word}\n`);
  await lines.next();
}

const library = await openLibrary(process.argv[2]!, { opener: { passphrase: 'correct horse' } });
const { client, vocabulary } = library;
const items = await Promise.all(
  [1, 2, 3].map(async (seed) => {
    const file = bytes(5000, seed);
    const item = await client.prepare(file, { name: `${seed}` }, { undecodable: true });
    const record = {
      ...{
        indexed: true,
        imageVersion: 0,
        fingerprint: vocabulary.fingerprint,
        code: bytes(vocabulary.codeBytes, seed),
      },
      ...{ name: `${seed}`, fileBytes: file.length, type: '', width: 0, height: 0, addedAt: 0, modifiedAt: 0 },
    };
    return { ...client.prepareRecord(item.id, record), wrapped: item.wrapped, blob: item.blob };
  }),
);
await client.put(items);
const { matches } = await client.search(await client.queryStored(items[0]!.id), { k: 3 });
wipe(await client.open(items[1]!.id));
if (matches.length === 0) throw new Error('nothing was found');
await say('open');
await library.close();
await say('closed');
