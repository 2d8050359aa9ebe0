/** Rankings of a library in a folder: made by the command line, filled, and changed over. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openLibrary, type Library } from '../src/adapters/library.ts';
import { fromHex } from '../src/base/bytes.ts';
import { addImages } from '../src/client/add-images.ts';
import type { Match } from '../src/client/client.ts';
import { reindex } from '../src/client/reindex.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { SAMPLES, answerOf, blindsight, hasten, temporaryFolder } from './command.ts';

const test = suite('migrate');
const folder = await temporaryFolder();
const path = join(folder.path, 'library');
const photos = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).slice(0, 3);
test.after(() => folder.remove());

/** Opens the library, as the next process would. */
async function open<T>(use: (library: Library) => Promise<T>): Promise<T> {
  const library = await openLibrary(path, { opener: { passphrase: 'correct horse' } });
  try {
    return await use(library);
  } finally {
    await library.close();
  }
}

async function nearest({ client }: Library, id: string): Promise<readonly Match[]> {
  return (await client.search(await client.queryStored(fromHex(id)!), { scan: true })).matches;
}

const files = (): Promise<string[]> => readdir(join(path, 'client'));

test('init names the ranking, what it tells, and the alternatives', async () => {
  const { code, stdout } = await blindsight(['init', path, '--ranking', 'client']);
  await hasten(path);
  assert.is(code, 0);
  assert.match(stdout, 'Who learns what (ranking "client")');
  assert.match(stdout, '--ranking split');
  assert.match(stdout, '--ranking server');
  assert.is((await blindsight(['init', join(folder.path, 'other'), '--ranking', 'cloud'])).code, 2);
  assert.is((await blindsight(['migrate', path])).code, 2);
});

test('every ranking gives the same answers; a stop half way leaves the old one', async () => {
  const { id, expected } = await open(async (library) => {
    const sources = photos.map((name) => ({ name, read: () => readFile(join(SAMPLES, name)) }));
    const ids: string[] = [];
    for await (const outcome of addImages(library.client, sources)) {
      assert.is(outcome.status, 'added');
      if (outcome.status === 'added') ids.push(outcome.id);
    }
    return { id: ids[0]!, expected: await nearest(library, ids[0]!) };
  });
  assert.is(expected.length, photos.length);
  assert.ok((await files()).includes('cache'), 'the copy is on disk');

  await open(async (library) => {
    const { client, finish, close } = await library.next(library.vocabulary, { ...library.index, ranking: 'split' });
    for await (const { status } of reindex(library.client, client)) assert.is(status, 'done');
    // The process ends between the server's switch and the files': the next one finishes it.
    assert.type(finish, 'function');
    await close();
  });
  await open(async (library) => {
    assert.is(library.index.ranking, 'split');
    assert.equal(await nearest(library, id), expected);
  });
  assert.not.ok((await files()).some((name) => name.startsWith('next-') || name === 'cache'));

  await open(async (library) => {
    const { client, close } = await library.next(library.vocabulary, { ...library.index, ranking: 'server' });
    await client.begin('pending');
    const record = await library.client.record(fromHex(id)!);
    await client.put([client.prepareRecord(fromHex(id)!, record)]);
    await close();
  });
  await open(async (library) => {
    assert.is(library.index.ranking, 'split');
    assert.equal(await nearest(library, id), expected);
  });
  assert.equal(await answerOf(['migrate', path, '--ranking', 'server']), {
    ...{ ranking: 'server', migrated: photos.length - 1, kept: 1 },
  });
  const info = await answerOf<Record<string, unknown>>(['info', path]);
  assert.equal([info['ranking'], info['images'], info['records'], info['pending']], ['server', 3, 3, null]);
  await open(async (library) => {
    assert.equal(await nearest(library, id), expected);
    assert.equal((await verifyLibrary(library.client)).faults, []);
  });
});

test.run();
