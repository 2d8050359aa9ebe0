/**
 * A process for `page-damage.test.ts`: damages copies of a library, one a round, and says what came of it: `ROUND CODE`, with `right`
 * for right data. LMDB trusts its own pages: where that ends the process, the test starts another for the next round.
 *
 *     node build/test/page-worker.js LIBRARY SEED FROM TO
 */
import { writeSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openLibrary } from '../src/adapters/library.ts';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { seededRandom } from '../src/base/random.ts';
import { bytes } from './support.ts';

const PAGE_BYTES = 4096;
// Of an LMDB page: number, kind, bounds, and the places of its first entries.
const HEAD_BYTES = 64;

const [folder = '', seed = '0', from = '0', to = '0'] = process.argv.slice(2);
const whole = await readFile(join(folder, 'server', 'data.mdb'));
const known = new Set(JSON.parse(await readFile(join(folder, 'ids.json'), 'utf8')) as string[]);

/** One page of noise, or one bit: anywhere, or in the head of a page. The two pages of LMDB's own root are left alone. */
function damage(round: number): Buffer {
  const random = seededRandom(1000 * Number(seed) + round);
  const below = (limit: number): number => Math.floor(random() * limit);
  const damaged = Buffer.from(whole);
  const page = 2 + below(whole.length / PAGE_BYTES - 2);
  if (round % 3 === 0) damaged.set(bytes(PAGE_BYTES, round), page * PAGE_BYTES);
  else damaged[page * PAGE_BYTES + below(round % 3 === 1 ? PAGE_BYTES : HEAD_BYTES)]! ^= 1 << below(8);
  return damaged;
}

/** Reads all there is. @returns The first code that came up; `right` when none did. */
async function read(path: string): Promise<string> {
  let code = 'right';
  const note = (error: unknown): void => {
    if (!(error instanceof RetrievalError)) throw error;
    if (code === 'right') code = error.code;
  };
  try {
    const { client, close } = await open(path);
    try {
      for await (const { id } of client.list()) {
        if (!known.has(toHex(id))) return `wrong:${toHex(id)}`;
        // Opening compares the bytes with the id, which is a keyed hash of them.
        await client.open(id).catch(note);
        await client.record(id).catch(note);
      }
      for await (const { damaged } of client.verifyServer()) if (damaged.length > 0 && code === 'right') code = 'named';
    } finally {
      await close();
    }
  } catch (error) {
    note(error);
  }
  return code;
}

async function open(path: string) {
  const library = await openLibrary(path, { opener: { passphrase: 'correct horse' }, readOnly: true });
  return { client: library.client, close: () => library.close() };
}

for (let round = Number(from); round < Number(to); round++) {
  // A path of its own: LMDB keeps a damaged file open that it could not read.
  const path = `${folder}-${round}`;
  await cp(folder, path, { recursive: true });
  await writeFile(join(path, 'server', 'data.mdb'), damage(round));
  writeSync(1, `${round} ${await read(path)}\n`);
  await rm(path, { recursive: true });
}
// What LMDB could not close does not keep the process.
process.exit(0);
