/** Images that are added while the server cannot be reached: sealed at once, kept on this machine, sent later. */
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { uploadFolder } from '../src/adapters/upload-folder.ts';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { addImages } from '../src/client/add-images.ts';
import { readQueued, sendQueued } from '../src/client/upload-queue.ts';
import { requestKind } from '../src/protocol/messages.ts';
import { SAMPLES, answerOf, hasten, serve, startBlindsight, temporaryFolder } from './command.ts';
import { makeLibrary } from './small-library.ts';
import { bytes } from './support.ts';

const test = suite('upload-queue');
const folder = await temporaryFolder();
test.after(() => folder.remove());

const away = (): never => {
  throw new RetrievalError('server-unreachable', 'no connection');
};
const code = (error: unknown): string => (error instanceof RetrievalError ? error.code : String(error));
const files = [1, 2, 3, 4, 5].map((seed) => bytes(300, seed));
const sources = [...files, files[0]!].map((file, i) => ({ name: `name-${i}.bin`, read: async () => file }));

test('what cannot be sent waits as ciphertext; it is sent once, and found', async () => {
  const library = await makeLibrary(2, 3);
  const { client } = library;
  const queue = uploadFolder(join(folder.path, 'waiting'));
  const statuses = async (given = sources, to = queue): Promise<string[]> => {
    const found: string[] = [];
    for await (const outcome of addImages(client, given, { queue: to })) found.push(outcome.status);
    return found.sort();
  };
  let asked = 0;
  library.setMangle((_, response) => (asked++ < 2 ? response : away()));
  assert.equal(await statuses(), Array(6).fill('waiting'));
  assert.equal((await queue.ids()).length, 5);
  assert.is(asked, 3, 'those in hand ask, and nobody after them');
  const names = await readdir(join(folder.path, 'waiting'));
  for (const [i, file] of files.entries()) {
    const id = toHex(await client.identify(file));
    assert.ok(names.includes(id));
    const kept = await readFile(join(folder.path, 'waiting', id));
    for (const secret of [`name-${i}`, Buffer.from(file.subarray(0, 16))]) assert.not.ok(kept.includes(secret));
    const item = await readQueued(client, queue, fromHex(id)!);
    assert.match(client.readPrepared(item!).name, /^name-/);
  }
  // Again: what waits is not encoded anew.
  const before = await readFile(join(folder.path, 'waiting', names[0]!));
  assert.equal(await statuses(), Array(6).fill('waiting'));
  assert.equal(await readFile(join(folder.path, 'waiting', names[0]!)), before);

  const send = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const outcome of sendQueued(client, queue)) found.push(outcome.status);
    return found;
  };
  // The answer to the third one is lost.
  let puts = 0;
  library.setMangle((request, response) => (requestKind(request) === 'put' && ++puts === 3 ? away() : response));
  await send().then(
    () => assert.unreachable(),
    (error: unknown) => assert.is(code(error), 'server-unreachable'),
  );
  assert.is((await queue.ids()).length, 3);
  assert.equal(await send(), ['known', 'added', 'added']);
  assert.equal([await queue.ids(), await send()], [[], []]);
  assert.is((await client.info()).images, 7);
  assert.ok((await client.compareRoot()).equal);
  for (const file of files) assert.equal(await client.open(await client.identify(file)), file);
  const { matches } = await client.search(await client.query(files[3]!), { k: 1, scan: true });
  assert.is(matches[0]!.id, toHex(await client.identify(files[3]!)));
  assert.equal(await statuses(), Array(6).fill('known'));
  await library.close();
});

test('a batch whose answer was lost waits, and is known when it is sent', async () => {
  const library = await makeLibrary(1, 7);
  const queue = uploadFolder(join(folder.path, 'lost'));
  library.setMangle((request, response) => (requestKind(request) === 'put' ? away() : response));
  for await (const { status } of addImages(library.client, sources, { queue })) assert.is(status, 'waiting');
  library.setMangle(undefined);
  let known = 0;
  for await (const { status } of sendQueued(library.client, queue)) known += status === 'known' ? 1 : 0;
  assert.is(known, files.length);
  assert.ok((await library.client.compareRoot()).equal);
  await library.close();
});

test('what is damaged, or of another index, is told and stays until the file is added again', async () => {
  const library = await makeLibrary(1, 4);
  const other = await makeLibrary(1, 5);
  const path = join(folder.path, 'stale');
  const queue = uploadFolder(path);
  library.setMangle(away);
  for await (const { status } of addImages(library.client, sources.slice(0, 3), { queue }))
    assert.is(status, 'waiting');
  library.setMangle(undefined);
  const [first, second] = await queue.ids();
  await writeFile(join(path, toHex(first!)), (await queue.read(first!))!.subarray(0, 100));
  await queue.keep(second!, (await queue.read((await queue.ids())[2]!))!);
  await writeFile(join(path, '.0123456789abcdef.partial'), 'a process died here');
  const outcomes: string[] = [];
  for await (const outcome of sendQueued(library.client, queue))
    outcomes.push(outcome.status === 'failed' ? code(outcome.error) : outcome.status);
  assert.equal(outcomes, ['corrupt-message', 'corrupt-message', 'added']);
  for await (const outcome of sendQueued(other.client, queue))
    assert.is(outcome.status === 'failed' && code(outcome.error), 'corrupt-message');
  for await (const { status } of addImages(library.client, sources.slice(0, 3), { queue }))
    assert.ok(status === 'added' || status === 'known');
  assert.equal(await queue.ids(), []);

  library.setMangle(away);
  for await (const { status } of addImages(library.client, sources.slice(4, 5), { queue }))
    assert.is(status, 'waiting');
  for await (const outcome of sendQueued(other.client, queue))
    assert.is(outcome.status === 'failed' && code(outcome.error), 'parameter-mismatch');
  assert.is((await queue.ids()).length, 1);
  await library.close();
  await other.close();
});

test('without a queue, and for what is not the way to the server, the work stops', async () => {
  const library = await makeLibrary(1, 6);
  for (const [failure, queue] of [
    ['server-unreachable', undefined],
    ['unauthorized', uploadFolder(join(folder.path, 'none'))],
    ['storage-full', uploadFolder(join(folder.path, 'none'))],
  ] as const) {
    library.setMangle(() => {
      throw new RetrievalError(failure, 'no');
    });
    try {
      for await (const { status } of addImages(library.client, sources, { queue })) assert.unreachable(status);
      assert.unreachable();
    } catch (error) {
      assert.is(code(error), failure);
    }
  }
  await library.close();
});

test('the command line: add without a server, also killed in the middle; the next add, or push, sends', async () => {
  const [store, users, library, photos] = ['store', 'users.json', 'library', 'photos'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string, string];
  await mkdir(photos);
  const names = ['cat.jpg', 'bricks.jpg', 'coffee.jpg'];
  for (const name of names) await copyFile(join(SAMPLES, name), join(photos, name));
  const { token } = await answerOf<{ token: string }>(['credential', 'add', users, 'anna']);
  const env = { BLINDSIGHT_TOKEN: token };
  let served = await serve(store, users);
  const port = new URL(served.url).port;
  await answerOf(['init', library, '--server', served.url], { env });
  await hasten(library);
  await served.stop();

  const waiting = join(library, 'client', 'waiting');
  const { child, outcome } = startBlindsight(['add', library, photos, '--concurrency', '1'], { env });
  while ((await readdir(waiting).catch(() => [])).length === 0 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await outcome;
  const added = await answerOf(['add', library, photos], { env });
  assert.equal(added, { added: 0, known: 0, waiting: 3, failed: [] });

  served = await serve(store, users, ['--port', port]);
  try {
    const list = await answerOf<{ waiting: { path: string }[] }>(['push', library, '--list'], { env });
    assert.equal(list.waiting.map(({ path }) => path).sort(), [...names].sort());
    assert.equal(await answerOf(['push', library], { env }), { sent: 3, failed: [] });
    assert.equal(await answerOf(['push', library, '--list'], { env }), { waiting: [] });
    assert.equal(await answerOf(['add', library, photos], { env }), { added: 0, known: 3, failed: [] });
    const verified = await answerOf<{ images: number; faults: unknown[] }>(['verify', library], { env });
    assert.equal([verified.images, verified.faults], [3, []]);
  } finally {
    await served.stop();
  }
});

test.run();
