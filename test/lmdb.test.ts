/** What only a store on a disk can suffer: crashes, second writers, damage, a full disk. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RetrievalError } from '../src/base/errors.ts';
import type { Mutation, Store } from '../src/index/store.ts';
import { CHUNK_BYTES, STATE_KEY, decodeState, encodeState, protect } from '../src/index/values.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { bytes, floats } from './support.ts';
import { where } from './where.ts';

const PARAMETERS = bytes(32, 1);
const BEGIN: Mutation = { kind: 'begin', parameters: PARAMETERS, ranking: 'server', vectorDims: 4, state: 'active' };
const WRITER = join(import.meta.dirname, 'support-writer.js');

function put(seed: number, blob: Uint8Array = bytes(1000, seed)): Mutation {
  return {
    kind: 'put',
    parameters: PARAMETERS,
    id: bytes(16, seed),
    tokens: new BigUint64Array(2),
    vector: floats(4, seed),
    sealed: bytes(50, seed),
    wrapped: bytes(72, seed),
    blob,
  };
}

async function refused(run: () => unknown, code: string): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof RetrievalError)) throw error;
    assert.is(error.code, code, error.message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

async function clean(store: Store): Promise<void> {
  const page = await store.verify(undefined, 10000);
  const { images, generations } = await store.stats();
  assert.equal([page.damaged, page.orphanBlobs, page.orphanRecords], [[], [], []]);
  assert.equal([page.images, page.records], [images, generations[0]?.records ?? 0]);
}

/** A process that puts images until it is killed, and says which ones are acknowledged. */
function startWriter(folder: string, seed: number): { child: ChildProcess; acknowledged: string[] } {
  const child = spawn(process.execPath, [WRITER, folder, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: string[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => acknowledged.push(line));
  return { child, acknowledged };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(condition(), 'it did not happen in time');
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) =>
    child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('close', () => resolve()),
  );

const root = mkdtempSync(join(tmpdir(), 'lmdb-'));
let folders = 0;
const fresh = (): string => join(root, String(folders++));
const test = suite('LMDB store');

test('a second writer is refused, a reader is not, and sees what is committed', async () => {
  const folder = fresh();
  const { child, acknowledged } = startWriter(folder, 1);
  await until(() => acknowledged.length > 2);
  await refused(() => openLmdbStore(folder), 'library-locked');
  const reader = openLmdbStore(folder, { readOnly: true });
  const before = (await reader.stats()).images;
  const seen = acknowledged.length;
  await until(() => acknowledged.length > seen + 20);
  const after = (await reader.stats()).images;
  assert.ok(after > before, `${before} images, then ${after}`);
  const page = await reader.verify(undefined, 10000);
  assert.equal([page.damaged, page.orphanBlobs, page.orphanRecords], [[], [], []]);
  await refused(() => reader.commit([put(1)]), 'storage-failed');
  child.kill('SIGKILL');
  await ended(child);
  await reader.close();
  const store = openLmdbStore(folder);
  await refused(() => openLmdbStore(folder), 'library-locked');
  await store.close();
  await openLmdbStore(folder).close();
});

test('a writer that was taken for dead stops writing', async () => {
  const folder = fresh();
  const store = openLmdbStore(folder);
  await store.commit([BEGIN]);
  writeFileSync(join(folder, 'writer.lock'), 'someone else');
  await refused(() => store.commit([put(1)]), 'library-locked');
  await store.close();
});

test('a file of 100 MB', async () => {
  const folder = fresh();
  const store = openLmdbStore(folder);
  const blob = new Uint8Array(100_000_000);
  for (let i = 0; i < blob.length; i += 1000) blob[i] = i;
  await store.commit([BEGIN, put(1, blob)]);
  const range = await store.blob(bytes(16, 1), 99_999_000, 5000);
  assert.equal([range!.total, range!.bytes], [blob.length, blob.slice(99_999_000)]);
  assert.ok(Buffer.compare((await store.blob(bytes(16, 1), 0, 2 ** 29))!.bytes, blob) === 0);
  await store.close();
});

test('damaged bytes of a file are found; the other images are not touched', async () => {
  const folder = fresh();
  const first = openLmdbStore(folder);
  const marked = new Uint8Array(2 * CHUNK_BYTES).fill(0xa7);
  await first.commit([BEGIN, put(1), put(2, marked), put(3)]);
  await first.close();
  const data = join(folder, 'data.mdb');
  const file = readFileSync(data);
  const at = file.indexOf(Buffer.alloc(500, 0xa7));
  assert.ok(at > 0);
  file[at + 100]! ^= 1;
  writeFileSync(data, file);
  const store = openLmdbStore(folder);
  await refused(() => store.blob(bytes(16, 2), 0, 1e6), 'corrupt-record');
  for (const seed of [1, 3]) assert.equal((await store.blob(bytes(16, seed), 0, 1e6))!.bytes, bytes(1000, seed));
  assert.equal((await store.verify(undefined, 10)).damaged, [bytes(16, 2)]);
  // Adding the image again mends it.
  await store.commit([put(2, marked)]);
  await clean(store);
  await store.close();
});

test('a damaged image is listed and can be removed; the others are not touched', async () => {
  const folder = fresh();
  const first = openLmdbStore(folder);
  const blob = bytes(3 * CHUNK_BYTES, 2);
  const marked = { ...put(2, blob), wrapped: new Uint8Array(72).fill(0xa6) };
  const other = {
    kind: 'begin',
    ranking: 'server',
    parameters: bytes(32, 50),
    vectorDims: 4,
    state: 'pending',
  } as const;
  await first.commit([BEGIN, put(1), marked, put(3), other]);
  const { blobBytes } = await first.stats();
  await first.close();
  const data = join(folder, 'data.mdb');
  const file = readFileSync(data);
  let hits = 0;
  for (let at = file.indexOf(Buffer.alloc(72, 0xa6)); at >= 0; at = file.indexOf(Buffer.alloc(72, 0xa6), at + 1)) {
    file[at + 10]! ^= 1;
    hits++;
  }
  assert.ok(hits > 0);
  writeFileSync(data, file);
  const store = openLmdbStore(folder);
  assert.equal((await store.list(undefined, 10)).map(({ id }) => id).length, 3);
  assert.equal((await store.verify(undefined, 10)).damaged, [bytes(16, 2)]);
  await refused(() => store.blob(bytes(16, 2), 0, 10), 'corrupt-record');
  // Not even a generation can be dropped when one damaged row stops everything.
  await store.commit([{ kind: 'discard', parameters: other.parameters }]);
  await store.commit([{ kind: 'remove', id: bytes(16, 2) }]);
  await clean(store);
  const stats = await store.stats();
  assert.equal([stats.images, stats.generations[0]!.records, stats.blobBytes], [2, 2, blobBytes - 3 * CHUNK_BYTES]);
  await store.commit([put(2, blob)]);
  await clean(store);
  assert.is((await store.stats()).images, 3);
  await store.close();
});

test('a file that ends early is not the end of the process', async () => {
  const folder = fresh();
  const first = openLmdbStore(folder);
  await first.commit([BEGIN]);
  for (let seed = 1; seed <= 10; seed++) await first.commit([put(seed, bytes(20_000, seed))]);
  await first.close();
  const data = join(folder, 'data.mdb');
  truncateSync(data, Math.floor(statSync(data).size * 0.7));
  const script = `
    const { openLmdbStore } = await import(${JSON.stringify(new URL('../src/stores/lmdb-store.js', import.meta.url).href)});
    const codes = new Set();
    try { openLmdbStore(process.argv[1], { readOnly: true }); } catch (error) { codes.add(error.code); }
    try {
      const store = openLmdbStore(process.argv[1]);
      const page = await store.verify(undefined, 100);
      codes.add(page.damaged.length + page.orphanRecords.length > 0 ? 'damage found' : 'nothing found');
    } catch (error) { codes.add(error.code); }
    process.stdout.write([...codes].join());`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script, folder], {
    encoding: 'utf8',
    // LMDB itself prints a line about such a page.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  assert.match(said, /^corrupt-index(,damage found)?$/);
});

test('what is no store is refused', async () => {
  await refused(() => openLmdbStore(fresh(), { readOnly: true }), 'library-not-found');
  for (const content of [bytes(100, 1), bytes(20_000, 2), new Uint8Array(8192)]) {
    const folder = fresh();
    mkdirSync(folder);
    writeFileSync(join(folder, 'data.mdb'), content);
    await refused(() => openLmdbStore(folder), 'corrupt-index');
    await refused(() => openLmdbStore(folder, { readOnly: true }), 'corrupt-index');
    // And is left as it was, without a lock.
    assert.equal(new Uint8Array(readFileSync(join(folder, 'data.mdb'))), content);
    await refused(() => openLmdbStore(folder), 'corrupt-index');
  }
});

test('a newer store is told from a damaged one', () => {
  const state = { sequence: 1, trimmed: 0, removals: 0, images: 0, blobBytes: 0, generations: [], root: bytes(137, 9) };
  const stored = encodeState(state);
  assert.equal(decodeState(stored), state);
  for (let bit = 0; bit < 8 * stored.length; bit++) {
    const damaged = stored.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(
      () => decodeState(damaged),
      (error: RetrievalError) => error.name === 'RetrievalError',
      `bit ${bit}`,
    );
  }
  const newer = stored.slice(4);
  newer[4] = 9;
  assert.throws(
    () => decodeState(protect(STATE_KEY, newer)),
    (error: RetrievalError) => error.code === 'unsupported-version',
  );
});

// A small file system of its own, where that can be made.
const small = fresh();
let mounted = false;
try {
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small], { stdio: 'ignore' });
  mounted = true;
} catch {
  // Not root, or no tmpfs here.
}
const onSmallDisk = where(mounted, test, 'no tmpfs can be mounted');

onSmallDisk('a full disk: nothing is lost, and removing makes room', async () => {
  const folder = join(small, 'store');
  const store = openLmdbStore(folder);
  await store.commit([BEGIN]);
  let stored = 0;
  await refused(async () => {
    for (; stored < 100; stored++) await store.commit([put(stored, bytes(300_000, stored))]);
  }, 'storage-full');
  assert.ok(stored > 3, `${stored} stored`);
  await clean(store);
  assert.is((await store.stats()).images, stored);
  for (let seed = 0; seed < stored; seed++)
    assert.equal((await store.blob(bytes(16, seed), 0, 1e6))!.bytes, bytes(300_000, seed));
  await store.commit([
    { kind: 'remove', id: bytes(16, 0) },
    { kind: 'remove', id: bytes(16, 1) },
  ]);
  await store.commit([put(200, bytes(300_000, 200))]);
  await store.close();
  const again = openLmdbStore(folder);
  await clean(again);
  assert.is((await again.stats()).images, stored - 1);
  await again.close();
});

test.after(async () => {
  if (mounted) execFileSync('umount', ['-l', small]);
  await rm(root, { recursive: true });
});
test.run();
