/** The index that a server keeps over a restart: it gives the answers of one made of the records, or is not taken. */
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { chmod, copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../src/base/random.ts';
import { backUp } from '../src/adapters/backup.ts';
import { loadSharedKernels } from '../src/adapters/package-files.ts';
import { ScanThreads } from '../src/adapters/scan-threads.ts';
import type { Store } from '../src/index/store.ts';
import { createServer } from '../src/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { SegmentFile } from '../src/stores/segment-file.ts';
import { temporaryFolder } from './command.ts';
import { ENOUGH, KINDS, PARAMETERS, answers, begin, put, removal, type Kind } from './kept-index-worker.ts';
import { LONG, kernels } from './support.ts';

const WORKER = join(import.meta.dirname, 'kept-index-worker.js');
const ROUNDS = LONG ? 200 : 3;

const folder = await temporaryFolder();
const test = suite(`kept index (${ROUNDS} kills)`);
test.after(() => folder.remove());

let folders = 0;
const segmentOf = (path: string): string => join(path, 'segment');

/** A store with images. */
async function makeStore(kind: Kind, salt = 0): Promise<string> {
  const path = join(folder.path, String(folders++));
  const store = openLmdbStore(path);
  await store.commit([begin(kind), ...Array.from({ length: ENOUGH }, (_, i) => put(kind, i, salt + i))]);
  await store.close();
  return path;
}

/** Changes a store that no server serves. */
async function change(path: string, ...mutations: Parameters<Store['commit']>[0][]): Promise<void> {
  const store = openLmdbStore(path);
  for (const batch of mutations) await store.commit(batch);
  await store.close();
}

/** The store, and how often a page of records was read of it. */
function counted(store: Store): { store: Store; pages(): number } {
  let pages = 0;
  const counting = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name === 'records') pages++;
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { store: counting, pages: () => pages };
}

/** What a server that starts answers, and how often it read a page of records for it. */
async function start(path: string, kind: Kind, threads?: ScanThreads): Promise<{ found: number[]; pages: number }> {
  const { store, pages } = counted(openLmdbStore(path));
  const server = createServer({ store, kernels, threads });
  const found = await answers(server, kind);
  await server.close();
  return { found, pages: pages() };
}

/** The answers of a copy of the store without what was kept. */
async function fromRecords(path: string, kind: Kind): Promise<number[]> {
  const copy = join(folder.path, String(folders++));
  await cp(path, copy, { recursive: true });
  await rm(segmentOf(copy), { force: true });
  const { found, pages } = await start(copy, kind);
  assert.ok(pages > 0);
  await rm(copy, { recursive: true });
  return found;
}

/** Whether a server takes what was kept; its answers are right in any case. */
async function isTaken(path: string, kind: Kind): Promise<boolean> {
  const expected = await fromRecords(path, kind);
  const { found, pages } = await start(path, kind);
  assert.equal(found, expected);
  return pages === 0;
}

test('memory that threads share is read into as well', async () => {
  const threads = new ScanThreads(await loadSharedKernels(), 2);
  for (const kind of KINDS) {
    const path = await makeStore(kind);
    const { found } = await start(path, kind, threads);
    assert.equal(await start(path, kind, threads), { found, pages: 0 });
    assert.equal(await start(path, kind), { found, pages: 0 });
  }
  await threads.close();
});

for (const kind of KINDS)
  test(`${kind}: a restart reads no records, catches up, and answers the same`, async () => {
    const path = await makeStore(kind);
    await chmod(join(path, 'data.mdb'), 0o640);
    assert.ok((await start(path, kind)).pages > 0);
    assert.is(statSync(segmentOf(path)).mode & 0o777, 0o640);
    await writeFile(join(path, 'segment.partial'), 'of a server that was killed');
    assert.ok(await isTaken(path, kind));
    assert.not.ok(existsSync(join(path, 'segment.partial')));
    // A few changes are caught up with, and are not worth a new file; the next ones are.
    const kept = await readFile(segmentOf(path));
    const some = Array.from({ length: 100 }, (_, i) => put(kind, 3 * i, 5000 + i));
    await change(
      path,
      [...some, removal(7), removal(11)],
      [removal(0), put(kind, 7, 6000), put(kind, ENOUGH + 1, 6001)],
    );
    assert.ok(await isTaken(path, kind));
    assert.equal(await readFile(segmentOf(path)), kept);
    await change(path, [...Array.from({ length: 960 }, (_, i) => put(kind, i, 7000 + i)), removal(20)]);
    assert.ok(await isTaken(path, kind));
    assert.not.equal(await readFile(segmentOf(path)), kept);
    assert.ok(await isTaken(path, kind));
    if (kind !== 'split') return;
    // More changes than there are images.
    for (const salt of [9000, 18_000])
      await change(
        path,
        Array.from({ length: ENOUGH }, (_, i) => put(kind, i, salt + i)),
      );
    assert.not.ok(await isTaken(path, kind));
  });

test('an index of which most rows are gone is read back from what is kept, without them', async () => {
  const path = await makeStore('int8');
  const { store, pages } = counted(openLmdbStore(path));
  const server = createServer({ store, kernels });
  await answers(server, 'int8');
  const before = pages();
  for (let round = 1; round <= 5; round++) {
    await store.commit(Array.from({ length: ENOUGH - 100 }, (_, i) => put('int8', i, 9000 * round + i)));
    await answers(server, 'int8');
  }
  const found = await answers(server, 'int8');
  assert.is(pages(), before);
  await server.close();
  assert.equal(await fromRecords(path, 'int8'), found);
});

test('a damaged one is not taken, and another takes its place', async () => {
  const path = await makeStore('int8');
  await start(path, 'int8');
  const whole = await readFile(segmentOf(path));
  const expected = await fromRecords(path, 'int8');
  const flipped = (at: number): Uint8Array => {
    const bytes = Uint8Array.from(whole);
    bytes[at]! ^= 4;
    return bytes;
  };
  const damaged: Record<string, Uint8Array> = {
    head: flipped(50),
    ids: flipped(1000),
    'the last row': flipped(whole.length - 1),
    'cut short': whole.subarray(0, -1),
    empty: new Uint8Array(0),
  };
  for (const [what, bytes] of Object.entries(damaged)) {
    await writeFile(segmentOf(path), bytes);
    const { found, pages } = await start(path, 'int8');
    assert.ok(pages > 0, what);
    assert.equal(found, expected, what);
    assert.equal(new Uint8Array(await readFile(segmentOf(path))), Uint8Array.from(whole), what);
  }
});

test('one of another store, or of another history of this one, is not taken', async () => {
  const [path, other] = [await makeStore('split'), await makeStore('split', 50_001)];
  for (const one of [path, other]) await start(one, 'split');
  await copyFile(segmentOf(other), segmentOf(path));
  assert.not.ok(await isTaken(path, 'split'));

  // A backup goes without it. Where it takes the place of its store again, what was kept before it is of its past.
  const backup = join(folder.path, 'backup');
  await backUp(path, backup);
  assert.not.ok(existsSync(segmentOf(backup)));
  const kept = await readFile(segmentOf(path));
  await change(path, [put('split', 5, 1234), removal(6)]);
  await copyFile(join(backup, 'data.mdb'), join(path, 'data.mdb'));
  assert.ok(await isTaken(path, 'split'));
  await change(path, [put('split', 8, 4321)]);
  assert.ok(await isTaken(path, 'split'));
  assert.equal(await readFile(segmentOf(path)), kept);

  // What was kept after it is of a future that did not come, also where it goes on to that number, and beyond.
  const changes = (salt: number) => Array.from({ length: ENOUGH }, (_, i) => put('split', i, salt + i));
  await change(path, changes(20_000).slice(50));
  assert.ok(await isTaken(path, 'split'));
  assert.not.equal(await readFile(segmentOf(path)), kept);
  for (const more of [1, 0, 5]) {
    const later = await readFile(segmentOf(path));
    await copyFile(join(backup, 'data.mdb'), join(path, 'data.mdb'));
    await change(path, changes(30_000).slice(0, more === 0 ? 10 : undefined), changes(40_000).slice(0, more));
    await writeFile(segmentOf(path), later);
    assert.not.ok(await isTaken(path, 'split'), `${more} more`);
  }
});

test('one of a generation that was begun again, or of before a repair, is not taken', async () => {
  const path = await makeStore('split');
  await start(path, 'split');
  const store = openLmdbStore(path);
  const other = new Uint8Array(32).fill(9);
  const isThere = async (): Promise<boolean> => {
    const source = await store.segment!(PARAMETERS);
    await source?.close();
    return source !== undefined;
  };
  assert.ok(await isThere());
  assert.is(await store.segment!(other), undefined);
  await store.commit([{ ...begin('split'), state: 'pending', parameters: other }]);
  const ids = Array.from({ length: ENOUGH }, (_, i) => put('split', i, i));
  assert.ok(await isThere());
  await store.commit(ids.map(({ blob: _, ...item }) => ({ ...item, parameters: other })));
  await store.commit([{ kind: 'activate', parameters: other }]);
  assert.not.ok(existsSync(segmentOf(path)));
  await store.commit([{ ...begin('split'), state: 'pending' }]);
  assert.not.ok(await isThere());
  // A pending one is not kept.
  await store.keepSegment!(PARAMETERS, 100, () => Promise.reject(new Error('written')));
  await store.close();

  const mended = await makeStore('split');
  await start(mended, 'split');
  const again = openLmdbStore(mended);
  // What is being written meanwhile is of before it, too.
  const head = await readFile(segmentOf(mended));
  const late = again.keepSegment!(PARAMETERS, 1, async (sink) => {
    await sink.write(head, 0);
    await again.repair();
    return head.subarray(0, 88);
  });
  await late.catch(() => undefined);
  await again.close();
  assert.not.ok(existsSync(segmentOf(mended)));
  assert.not.ok(await isTaken(mended, 'split'));
  assert.ok(await isTaken(mended, 'split'));
});

test('a file that the store does not know of goes when it is opened for writing', async () => {
  const path = await makeStore('split');
  for (const readOnly of [true, false]) {
    await writeFile(segmentOf(path), 'of another store');
    const store = openLmdbStore(path, { readOnly });
    assert.is(existsSync(segmentOf(path)), readOnly);
    await store.close();
  }
});

test('where it cannot be written, the old one stays, and the server goes on', async () => {
  const path = await makeStore('f32');
  await start(path, 'f32');
  const kept = await readFile(segmentOf(path));
  const file = new SegmentFile(path, join(path, 'data.mdb'));
  const refused = async (bytes: number, code: string): Promise<void> => {
    const error = await file
      .replace(bytes, async (sink) => {
        await sink.write(new Uint8Array(100), 0);
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      })
      .catch((e: unknown) => e);
    assert.is((error as { code: string }).code, code);
  };
  await refused(1e18, 'storage-full');
  await refused(100, 'ENOSPC');
  assert.equal(await readFile(segmentOf(path)), kept);
  assert.not.ok(existsSync(join(path, 'segment.partial')));
  await rm(segmentOf(path));
  const store = openLmdbStore(path);
  const full = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name === 'keepSegment') return () => Promise.reject(new Error('full'));
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const server = createServer({ store: full, kernels });
  const found = await answers(server, 'f32');
  assert.equal(await answers(server, 'f32'), found);
  await server.close();
  assert.equal(await fromRecords(path, 'f32'), found);
});

test('a server that is killed while it writes leaves one that starts', async () => {
  const path = await makeStore('f32');
  const random = seededRandom(8);
  let cut = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const child = spawn(process.execPath, [WORKER, path, String(round)], { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)));
    // In the middle of the file, or between its last byte and the commit that follows it.
    while (child.exitCode === null && !existsSync(join(path, 'segment.partial')))
      await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 8 * random()));
    if (existsSync(join(path, 'segment.partial'))) cut++;
    child.kill('SIGKILL');
    assert.is(await ended, 'SIGKILL');
    await isTaken(path, 'f32');
    assert.not.ok(existsSync(join(path, 'segment.partial')));
    assert.ok(await isTaken(path, 'f32'));
  }
  if (LONG) console.log(`${cut} of ${ROUNDS} kills in the middle of the file`);
});

test.run();
