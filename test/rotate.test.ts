/** A new key for a library: by the command line, resumed after kill -9, in every ranking, with the old key refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openLibrary, type Library } from '../src/adapters/library.ts';
import { fromHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { addImages } from '../src/client/add-images.ts';
import { reindex } from '../src/client/reindex.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { readHeader } from '../src/image/header.ts';
import { LONG } from './support.ts';
import { SAMPLES, answerOf, blindsight, hasten, startBlindsight, temporaryFolder } from './command.ts';

const test = suite('rotate');
const folder = await temporaryFolder();
const path = join(folder.path, 'library');
const photos = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).slice(0, 3);
const ids: string[] = [];
test.after(() => folder.remove());

async function rejects(promise: Promise<unknown>, expected: string): Promise<void> {
  const error = await promise.then(
    () => 'nothing was thrown',
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RetrievalError && error.code === expected, String(error));
}

async function open<T>(use: (library: Library) => Promise<T>): Promise<T> {
  const library = await openLibrary(path, { opener: { passphrase: 'correct horse' } });
  try {
    return await use(library);
  } finally {
    await library.close();
  }
}

async function readsAll({ client }: Library): Promise<void> {
  for (const id of ids) assert.is(readHeader((await client.openThumbnail(fromHex(id)!))!).format, 'jpeg');
  for (const [i, id] of ids.entries())
    assert.equal(Buffer.from(await client.open(fromHex(id)!)), await readFile(join(SAMPLES, photos[i]!)));
  assert.equal((await verifyLibrary(client)).faults, []);
}

test('rotate gives new words, keeps ids, and the old key is told so', async () => {
  const { recoveryWords: oldWords } = await answerOf<{ recoveryWords: string }>(['init', path]);
  await hasten(path);
  await open(async ({ client }) => {
    const sources = photos.map((name) => ({ name, read: () => readFile(join(SAMPLES, name)) }));
    for await (const outcome of addImages(client, sources, { concurrency: 1 }))
      if (outcome.status === 'added') ids.push(outcome.id);
  });
  assert.is(ids.length, photos.length);
  const before = join(folder.path, 'key-before');
  await cp(join(path, 'client', 'key'), before);
  const rotated = await answerOf<{ rotated: number; kept: number; recoveryWords: string }>(['rotate', path]);
  assert.equal([rotated.rotated, rotated.kept], [photos.length, 0]);
  assert.not.equal(rotated.recoveryWords, oldWords);
  await open(readsAll);
  assert.not.ok((await readdir(join(path, 'client'))).some((name) => name.startsWith('next-')));

  const words = join(folder.path, 'words');
  await writeFile(words, rotated.recoveryWords);
  const opened = await blindsight(['passphrase', path, '--words-file', words], {
    env: { BLINDSIGHT_NEW_PASSPHRASE: 'correct horse' },
  });
  assert.is(opened.code, 0, opened.stderr);
  await hasten(path);
  await writeFile(words, oldWords);
  assert.match((await blindsight(['passphrase', path, '--words-file', words])).stderr, /\(wrong-passphrase\)$/m);

  const after = await readFile(join(path, 'client', 'key'));
  await cp(before, join(path, 'client', 'key'));
  const old = await blindsight(['info', path]);
  assert.is(old.code, 1);
  assert.match(old.stderr, /another key.*\(key-rotated\)$/m);
  await writeFile(join(path, 'client', 'key'), after);
});

test('killed half way, the old key serves, the passphrase waits, and rotate goes on', async () => {
  await open(async (library) => {
    const { client } = library;
    const next = await library.rotation('correct horse');
    await next.client.begin('pending');
    // The process ends after one image.
    const id = fromHex(ids[1]!)!;
    const [wrapped] = await client.wrappedKeys([id]);
    const item = next.client.prepareRecord(id, await client.record(id));
    await next.client.put([{ ...item, wrapped: next.client.rewrapKey(id, wrapped!, client) }]);
    await next.close();
  });
  await open(readsAll);
  await rejects(hasten(path), 'index-incomplete');
  assert.match((await blindsight(['reindex', path, '--noise', '1'])).stderr, /rotation is unfinished/);
  const { rotated, kept } = await answerOf<{ rotated: number; kept: number }>(['rotate', path]);
  assert.equal([rotated, kept], [photos.length - 1, 1]);
  await open(readsAll);
});

test('killed between the switch of the server and that of the files, the next one finishes it', async () => {
  await open(async (library) => {
    const next = await library.rotation('correct horse');
    for await (const { status } of reindex(library.client, next.client)) assert.is(status, 'done');
    // One who was at it with the old key is told at once.
    await rejects(library.client.record(fromHex(ids[0]!)!), 'key-rotated');
    await next.close();
  });
  await open(readsAll);
  assert.not.ok((await readdir(join(path, 'client'))).some((name) => name.startsWith('next-')));
});

test('kill -9 of the command at some moments loses nothing', async () => {
  // Kills of every change, rotations among them, are drawn in kill.test.ts.
  for (const ms of LONG ? [300, 600] : [600]) {
    const { child, outcome } = startBlindsight(['rotate', path]);
    setTimeout(() => child.kill('SIGKILL'), ms);
    await outcome;
    await open(readsAll);
  }
  await answerOf(['rotate', path]);
  await open(readsAll);
});

test('an unfinished rotation can be dropped', async () => {
  await open(async (library) => {
    const next = await library.rotation('correct horse');
    await next.client.begin('pending');
    await next.close();
  });
  assert.equal(await answerOf(['rotate', path, '--abort']), { abandoned: true });
  assert.equal(await answerOf(['rotate', path, '--abort']), { abandoned: false });
  await hasten(path);
  await open(readsAll);
});

test.run();
