/**
 * A process for `kill.test.ts`: changes a library for ever, in ways drawn from a seed, and says on standard output what it begins
 * (`begin add ID`) and what has been acknowledged (`done add ID`). It is there to be killed.
 *
 *     node build/test/kill-worker.js LIBRARY SEED ACTION...
 */
import { existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { changeLibraryPassphrase, openLibrary, type Library, type NextIndex } from '../src/adapters/library.ts';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { seededRandom } from '../src/base/random.ts';
import type { IndexParameters } from '../src/client/index-parameters.ts';
import { reindex } from '../src/client/reindex.ts';
import type { PutItem, Ranking } from '../src/protocol/messages.ts';
import { bytes } from './support.ts';

const PASSPHRASE = 'correct horse';
const RANKINGS: readonly Ranking[] = ['server', 'split', 'client'];
const BATCH = 4;
// A few chunks of the store at most.
const MAX_FILE_BYTES = 150_000;

const [folder = '', seedText = '0', ...wanted] = process.argv.slice(2);
const seed = Number(seedText);
const random = seededRandom(seed);
const below = (limit: number): number => Math.floor(random() * limit);
const say = (...words: string[]): number => writeSync(1, `${words.join(' ')}\n`);

let library: Library = await open();
let made = 0;

function open(): Promise<Library> {
  return openLibrary(folder, { opener: { passphrase: PASSPHRASE } });
}

/** A file that no decoder has to read, with a code as if one had. */
async function prepare(): Promise<PutItem> {
  const { client, vocabulary } = library;
  const number = 1000 * seed + made++;
  const file = bytes(100 + below(MAX_FILE_BYTES), number);
  const item = await client.prepare(file, { name: `${number}.bin` }, { undecodable: true });
  const code = bytes(vocabulary.codeBytes, number);
  const record = {
    ...{ indexed: true, imageVersion: 0, fingerprint: vocabulary.fingerprint, code },
    ...{ name: `${number}.bin`, fileBytes: file.length, type: '', width: 0, height: 0, addedAt: 0, modifiedAt: 0 },
  };
  return { ...client.prepareRecord(item.id, record), wrapped: item.wrapped, blob: item.blob };
}

async function change(index: IndexParameters): Promise<void> {
  await takeOver(await library.next(library.vocabulary, index), ['rank', index.ranking, String(index.noise)]);
}

async function takeOver(next: NextIndex, words: readonly string[]): Promise<void> {
  try {
    say('begin', ...words);
    for await (const outcome of reindex(library.client, next.client))
      if (outcome.status === 'failed') throw outcome.error;
    await next.finish();
    say('done', ...words);
  } finally {
    await next.close();
  }
  await library.close();
  library = await open();
}

async function rotate(): Promise<void> {
  await takeOver(await library.rotation(PASSPHRASE), ['rotate']);
}

/** What is begun and not finished is finished or dropped before another change is begun. */
async function settle(): Promise<boolean> {
  const pending = await library.pending();
  if (pending === undefined) return false;
  // A rotation has a key file of its own.
  const rotates = existsSync(join(folder, 'client', 'next-key'));
  if (random() < 0.5) await (rotates ? rotate() : change(pending.index));
  else await library.abandonNext();
  return true;
}

const ACTIONS: Readonly<Record<string, () => Promise<void>>> = {
  async add() {
    const items = await Promise.all(Array.from({ length: 1 + below(BATCH) }, prepare));
    for (const { id } of items) say('begin', 'add', toHex(id));
    await library.client.put(items);
    for (const { id } of items) say('done', 'add', toHex(id));
  },
  async rm() {
    const ids: string[] = [];
    for await (const { id } of library.client.list()) if (random() < 0.2) ids.push(toHex(id));
    for (const id of ids) say('begin', 'rm', id);
    await library.client.remove(ids.map((id) => fromHex(id)!));
    for (const id of ids) say('done', 'rm', id);
  },
  async migrate() {
    if (await settle()) return;
    const ranking = RANKINGS.filter((name) => name !== library.index.ranking)[below(2)]!;
    await change({ ...library.index, ranking });
  },
  async reindex() {
    if (await settle()) return;
    await change({ ...library.index, noise: library.index.noise === 1 ? 2 : 1 });
  },
  async rotate() {
    if (await settle()) return;
    await rotate();
  },
  async passphrase() {
    // A rotation that is not finished would keep the old one.
    if (await settle()) return;
    say('begin', 'passphrase');
    await changeLibraryPassphrase(folder, { passphrase: PASSPHRASE }, PASSPHRASE, {
      cost: { memoryKib: 8, passes: 1, lanes: 1 },
    });
    say('done', 'passphrase');
  },
};

const actions = wanted.length === 0 ? Object.keys(ACTIONS) : wanted;
for (;;) {
  // Adding is what most of a library's life is, and gives the others something to work on.
  const name = random() < 0.4 && actions.includes('add') ? 'add' : actions[below(actions.length)]!;
  await ACTIONS[name]!();
}
