/**
 * Libraries and files as the world leaves them, through the real command line: each gives one line with a code, and loses nothing.
 * Images here are kept without a code, over a small vocabulary, so that no test waits for a model that it does not need.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLibrary, openLibrary, type Library } from '../src/adapters/library.ts';
import { loadManifest } from '../src/adapters/package-files.ts';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { createVocabulary, encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { answerOf, blindsight, startBlindsight, temporaryFolder, type Outcome } from './command.ts';
import { bytes } from './support.ts';
import { smallContent, smallVocabulary } from './vocabulary-support.ts';
import { where } from './where.ts';

const PASSPHRASE = 'correct horse';
const CHEAP = { cost: { memoryKib: 8, passes: 1, lanes: 1 } };

interface Added {
  added: number;
  known: number;
  failed: { path: string; code: string }[];
}
interface Verified {
  images: number;
  faults: { id: string; code: string; path?: string }[];
  repaired?: unknown[];
}
interface Exported {
  written: number;
  known: number;
  failed: { id: string; code: string }[];
}

const test = suite('bad libraries');
const folder = await temporaryFolder();
let mounted = false;
test.after(async () => {
  if (mounted) execFileSync('umount', ['-l', small]);
  await folder.remove();
});

let made = 0;
const fresh = (): string => join(folder.path, `${++made}`);

interface Kept {
  readonly name: string;
  readonly path?: string;
  readonly bytes: Uint8Array;
}

const FILES: readonly Kept[] = [1, 2, 3].map((seed) => ({ name: `${seed}.heic`, bytes: bytes(20_000 * seed, seed) }));

/** Runs on an open library. */
async function within<T>(path: string, work: (library: Library) => Promise<T>): Promise<T> {
  const library = await openLibrary(path, { opener: { passphrase: PASSPHRASE } });
  try {
    return await work(library);
  } finally {
    await library.close();
  }
}

/** A library that keeps files without codes. */
async function makeLibrary(
  files: readonly Kept[] = FILES,
  path = fresh(),
  vocabulary: Uint8Array = encodeVocabulary(smallVocabulary()),
): Promise<{ path: string; ids: string[] }> {
  await createLibrary(path, PASSPHRASE, { vocabulary, key: CHEAP });
  const ids = await within(path, async ({ client }) => {
    const items = [];
    for (const file of files) items.push(await client.prepare(file.bytes, file, { undecodable: true }));
    await client.put(items);
    return items.map(({ id }) => toHex(id));
  });
  return { path, ids };
}

/** One library is enough for tests that copy it. */
const model = await makeLibrary();
async function copyOfModel(): Promise<string> {
  const path = fresh();
  await cp(model.path, path, { recursive: true });
  return path;
}

/** A vocabulary with which the command line can read headers: it names the model that comes with the package. */
async function readingVocabulary(): Promise<Uint8Array> {
  const [entry] = (await loadManifest()).models;
  const content = smallContent();
  const { id, sha256, inputSide, inputFit } = entry!;
  const own = { ...content.model, id, sha256, inputSide, inputFit };
  return encodeVocabulary(createVocabulary({ ...content, model: own }));
}

/** A file that is recognised as HEIC, which nothing here decodes. */
function heic(length: number, seed: number): Uint8Array {
  const file = bytes(length, seed);
  file.set(Buffer.from('0000001c6674797068656963000000006d69663168656963686576310000000c6d64', 'hex'));
  return file;
}

function assertError({ code, stderr, signal }: Outcome, expected: string | RegExp, what: string): void {
  assert.is(signal, null, what);
  assert.is(code, 1, `${what}: ${stderr}`);
  const named = typeof expected === 'string' ? expected : expected.source;
  assert.match(stderr, new RegExp(`^error: [^\\n]+ \\((?:${named})\\)\\n$`), what);
}

/** The code with which a library does not open: as every command would say it, without a process for each. */
async function openingCode(path: string): Promise<string> {
  for (const readOnly of [true, false])
    try {
      await (await openLibrary(path, { opener: { passphrase: PASSPHRASE }, readOnly })).close();
      return 'opened';
    } catch (error) {
      if (!(error instanceof RetrievalError)) throw error;
      if (!readOnly) return error.code;
    }
  return 'opened to write only';
}

test('another version, another format, no format', async () => {
  const path = await copyOfModel();
  for (const [text, code] of [
    ['{"format":"blindsight-library","version":99}', 'unsupported-version'],
    ['{"format":"something","version":0}', 'corrupt-index'],
    ['{"format":', 'corrupt-index'],
    ['null', 'corrupt-index'],
  ] as const) {
    await writeFile(join(path, 'library.json'), text);
    assert.is(await openingCode(path), code, text);
  }
  assertError(await blindsight(['rm', path, model.ids[0]!]), 'corrupt-index', 'rm');
});

test('a key file that is damaged, newer, or gone', async () => {
  const path = await copyOfModel();
  const file = join(path, 'client', 'key');
  const key = await readFile(file);
  for (const [at, value, code] of [
    [0, 0, 'corrupt-key-file'],
    [4, 9, 'unsupported-version'],
    [40, key[40]! ^ 1, 'corrupt-key-file'],
    [key.length - 1, key.at(-1)! ^ 1, 'corrupt-key-file'],
  ] as const) {
    const damaged = Buffer.from(key);
    damaged[at] = value;
    await writeFile(file, damaged);
    assert.is(await openingCode(path), code, `byte ${at}`);
  }
  await writeFile(file, key.subarray(0, 100));
  assert.is(await openingCode(path), 'corrupt-key-file', 'cut');
  await rm(file);
  assertError(await blindsight(['info', path]), 'corrupt-key-file', 'gone');
  await writeFile(file, key);
  assert.is((await answerOf<{ images: number }>(['info', path])).images, 3);
});

test('another vocabulary, a damaged one, none; other parameters', async () => {
  const path = await copyOfModel();
  const [vocabulary, index] = [join(path, 'client', 'vocabulary'), join(path, 'client', 'index.json')];
  const right = await readFile(vocabulary);
  const parameters = await readFile(index, 'utf8');
  await writeFile(vocabulary, encodeVocabulary(smallVocabulary({ ehd: 16, bow: 16, deep: 32 })));
  assertError(await blindsight(['info', path]), 'parameter-mismatch', 'another');
  assert.is(await openingCode(path), 'parameter-mismatch');
  for (const [at, code] of [
    [0, 'corrupt-vocabulary'],
    [4, 'unsupported-version'],
    [200, 'corrupt-vocabulary'],
  ] as const) {
    const damaged = Buffer.from(right);
    damaged[at]! ^= 8;
    await writeFile(vocabulary, damaged);
    assert.is(await openingCode(path), code, `byte ${at}`);
  }
  await rm(vocabulary);
  assert.is(await openingCode(path), 'corrupt-vocabulary', 'gone');
  await writeFile(vocabulary, right);
  for (const [text, code] of [
    [parameters.replace(/"noise":[\d.]+/, '"noise":7'), 'parameter-mismatch'],
    ['{"tables":0}', 'corrupt-index'],
    ['[', 'corrupt-index'],
  ] as const) {
    await writeFile(index, text);
    assert.is(await openingCode(path), code, text);
  }
  await writeFile(index, parameters);
  assert.equal((await within(path, ({ client }) => verifyLibrary(client))).faults, []);
});

test('a store that was moved away is not replaced by an empty one', async () => {
  const path = await copyOfModel();
  await rm(join(path, 'server'), { recursive: true });
  assertError(await blindsight(['rm', path, model.ids[0]!]), 'corrupt-index', 'rm');
  assert.is(await openingCode(path), 'corrupt-index');
  assert.not.ok(existsSync(join(path, 'server')));
  await mkdir(join(path, 'server'));
  assert.is(await openingCode(path), 'corrupt-index', 'an empty one');
});

test('init never writes over a key', async () => {
  const path = await copyOfModel();
  const key = await readFile(join(path, 'client', 'key'));
  assertError(await blindsight(['init', path]), 'library-exists', 'whole');
  await rm(join(path, 'library.json'));
  assertError(await blindsight(['init', path]), 'library-exists', 'without library.json');
  assert.equal(await readFile(join(path, 'client', 'key')), key);
});

test('an init that fails leaves nothing behind', async () => {
  const path = fresh();
  const file = join(folder.path, 'no.vocabulary');
  await writeFile(file, bytes(1000, 1));
  assertError(await blindsight(['init', path, '--vocabulary', file]), 'corrupt-vocabulary', 'damaged vocabulary');
  assertError(await blindsight(['init', path, '--vocabulary', `${file}.no`]), 'not-found', 'no vocabulary');
  assert.not.ok(existsSync(path));
  await writeFile(file, await readingVocabulary());
  await answerOf(['init', path, '--vocabulary', file]);
  const info = await answerOf<{ images: number; bytes: number }>(['info', path]);
  assert.equal([info.images, info.bytes], [0, 0]);
  assert.equal(await answerOf(['verify', path]), { images: 0, records: 0, faults: [] });
  assert.equal(await answerOf(['export', path, join(path, 'out')]), {
    written: 0,
    known: 0,
    failed: [],
    stopped: false,
  });
});

/** Flips a bit in every copy of `pattern` in the data file. */
async function damage(path: string, pattern: Uint8Array): Promise<void> {
  const data = join(path, 'server', 'data.mdb');
  const file = await readFile(data);
  let hits = 0;
  for (let at = file.indexOf(pattern); at >= 0; at = file.indexOf(pattern, at + 1)) {
    file[at + pattern.length - 1]! ^= 1;
    hits++;
  }
  assert.ok(hits > 0, 'the pattern is in the data file');
  await writeFile(data, file);
}

test('a damaged blob or image row is named; the others are exported; rm and add mend it', async () => {
  for (const part of ['bytes', 'wrapped'] as const) {
    const path = await copyOfModel();
    const pattern = await within(path, async ({ client }) =>
      (await client.sealedPart(Buffer.from(model.ids[1]!, 'hex'), 0, 20_000))[part].slice(0, 60),
    );
    await damage(path, pattern);
    // Neither a key nor ciphertext can be made again: a repair leaves it as it is, and says which file it was.
    const repair = part === 'bytes' ? ['--repair'] : [];
    const verified = await blindsight(['verify', path, '--json', ...repair]);
    assert.is(verified.code, 1);
    const { faults, repaired = [] } = JSON.parse(verified.stdout) as Verified;
    assert.equal(
      faults.map(({ id, code, path }) => [id, code, path]),
      [[model.ids[1], 'corrupt-record', FILES[1]!.name]],
      part,
    );
    assert.equal(repaired, []);
    const out = fresh();
    const exported = await blindsight(['export', path, out, '--json']);
    assert.is(exported.code, 1);
    const { written, failed } = JSON.parse(exported.stdout) as Exported;
    assert.equal([written, failed.map(({ id, code }) => [id, code])], [2, [[model.ids[1], 'corrupt-record']]]);
    for (const i of [0, 2]) assert.equal(new Uint8Array(await readFile(join(out, FILES[i]!.name))), FILES[i]!.bytes);
    if (part === 'bytes')
      assertError(await blindsight(['get', path, model.ids[1]!, '-o', join(out, 'x')]), 'corrupt-record', part);
    assert.equal((await readdir(out)).sort(), ['1.heic', '3.heic'], 'nothing half written');
    assert.equal(await answerOf(['rm', path, model.ids[1]!]), { removed: 1, unknown: 0 });
    assert.equal(await within(path, ({ client }) => verifyLibrary(client)), { images: 2, records: 2, faults: [] });
  }
});

test('a damaged description of the next index does not stop the one that serves; --abort drops it', async () => {
  const path = await copyOfModel();
  await within(path, async (library) => {
    const next = await library.next(library.vocabulary, { ...library.index, noise: 2 });
    await next.client.begin('pending');
    await next.close();
  });
  assert.is((await answerOf<{ pending: number | null }>(['info', path])).pending, 0);
  await writeFile(join(path, 'client', 'next-vocabulary'), 'no vocabulary');
  assert.is((await answerOf<{ images: number }>(['info', path])).images, 3);
  assertError(await blindsight(['reindex', path, '--noise', '2']), 'corrupt-vocabulary', 'going on');
  assert.equal(await answerOf(['reindex', path, '--abort']), { abandoned: true });
  assert.equal(await answerOf(['reindex', path, '--abort']), { abandoned: false });
  assert.is((await answerOf<{ pending: number | null }>(['info', path])).pending, null);
  // The server's half alone.
  await within(path, async (library) => {
    const next = await library.next(library.vocabulary, { ...library.index, noise: 3 });
    await next.client.begin('pending');
    await next.close();
  });
  for (const name of ['next-vocabulary', 'next-index.json']) await rm(join(path, 'client', name));
  assert.equal(await answerOf(['reindex', path, '--abort']), { abandoned: true });
  assert.equal((await within(path, ({ client }) => verifyLibrary(client))).faults, []);
});

test('names that lead out of a folder stay in it; two of one path, and long ones, keep their bytes', async () => {
  const long = `${'é'.repeat(125)}.jpg`;
  const files: Kept[] = [
    { name: '../../escape.jpg', path: '../../escape.jpg', bytes: bytes(10, 1) },
    { name: '/etc/escape', path: '/etc/escape', bytes: bytes(10, 2) },
    { name: 'same.jpg', path: 'a/same.jpg', bytes: bytes(10, 3) },
    { name: 'same.jpg', path: 'a/same.jpg', bytes: bytes(10, 4) },
    // What is a file for one is a folder for the other.
    { name: 'under.jpg', path: 'a/same.jpg/under.jpg', bytes: bytes(10, 5) },
    { name: long, path: `long/${long}`, bytes: bytes(10, 6) },
    { name: '10:20 "quoted"?.jpg', path: 'long/10:20 "quoted"?.jpg', bytes: bytes(10, 7) },
    { name: 'mine.jpg', path: 'mine.jpg', bytes: bytes(10, 8) },
  ];
  const { path, ids } = await makeLibrary(files);
  const target = join(fresh(), 'deep', 'er');
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'mine.jpg'), 'edited since');
  const first = await answerOf<Exported>(['export', path, target]);
  assert.equal([first.written, first.known, first.failed], [files.length, 0, []]);
  assert.is(await readFile(join(target, 'mine.jpg'), 'utf8'), 'edited since');
  const found = (await readdir(target, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const contents = await Promise.all(found.map((entry) => readFile(join(entry.parentPath, entry.name), 'hex')));
  for (const file of files) assert.ok(contents.includes(toHex(file.bytes)), file.path);
  assert.is(found.length, files.length + 1);
  if (process.platform !== 'win32')
    for (const file of files.slice(5, 7))
      assert.equal(new Uint8Array(await readFile(join(target, file.path!))), file.bytes, file.path);
  assert.equal((await readdir(join(target, '..'))).length, 1, 'nothing beside the folder');
  const again = await answerOf<Exported>(['export', path, target]);
  assert.equal([again.written, again.known, again.failed], [0, files.length, []]);
  // The stored name is no place to write to.
  const got = await blindsight(['get', path, ids[0]!, '--json']);
  assert.is(got.code, 2, got.stdout);
  assert.match(got.stderr, /^error: "--output" expected .* \(usage\)\n$/);
});

test('what cannot be read to its end is not begun; what steers a terminal is not printed', async () => {
  const path = fresh();
  await makeLibrary([], path, await readingVocabulary());
  const photos = fresh();
  await mkdir(photos);
  const pipe = join(photos, 'pipe.jpg');
  execFileSync('mkfifo', [pipe]);
  await writeFile(join(photos, 'a\u001b[2Jb.jpg'), '');
  execFileSync('truncate', ['-s', '5G', join(photos, 'sparse.jpg')]);
  const { code, stdout } = await blindsight(['add', path, photos, pipe, '/dev/zero']);
  assert.is(code, 0);
  assert.match(stdout, /^0 added, 0 known, 4 failed\n/);
  assert.match(stdout, /a\?\[2Jb\.jpg: .* \(empty-file\)$/m);
  assert.match(stdout, /sparse\.jpg: .* \(file-too-large\)$/m);
  assert.match(stdout, /pipe\.jpg: .* \(unreadable-file\)$/m);
  assert.match(stdout, /\/dev\/zero: .* \(unreadable-file\)$/m);
});

test('Ctrl-C ends an add with a code; what was stored stays, and the next add finishes', async () => {
  const path = fresh();
  await makeLibrary([], path, await readingVocabulary());
  const photos = fresh();
  await mkdir(photos);
  const count = 200;
  for (let i = 0; i < count; i++) await writeFile(join(photos, `${i}.heic`), heic(2000, i));
  const { child, outcome } = startBlindsight(['add', path, photos, '--store-undecodable', '--json']);
  while (!existsSync(join(path, 'server', 'writer.lock')) && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGINT');
  const { code, stdout, stderr } = await outcome;
  assert.is(code, 1, stderr);
  assert.match(stderr, /^error: .* \(cancelled\)$/m);
  assert.is((JSON.parse(stdout) as { error: { code: string } }).error.code, 'cancelled');
  const { images } = await answerOf<{ images: number }>(['info', path]);
  assert.ok(images < count, `${images} were stored before the stop`);
  const last = await answerOf<Added>(['add', path, photos, '--store-undecodable']);
  assert.equal([last.added, last.known, last.failed], [count - images, images, []]);
  assert.equal((await within(path, ({ client }) => verifyLibrary(client))).faults, []);
});

test('passphrase files: the first line, whatever ends it', async () => {
  const file = `${fresh()}.txt`;
  for (const text of [PASSPHRASE, `${PASSPHRASE}\r\nmore`, `\ufeff${PASSPHRASE}\n`]) {
    await writeFile(file, text);
    const info = await answerOf<{ images: number }>(['info', model.path, '--passphrase-file', file], {
      passphrase: 'wrong',
    });
    assert.is(info.images, 3);
  }
  await writeFile(file, '\nsecond line');
  assertError(await blindsight(['info', model.path, '--passphrase-file', file]), 'wrong-passphrase', 'empty');
  assertError(await blindsight(['info', model.path], { passphrase: '' }), 'wrong-passphrase', 'empty variable');
});

test('rm of known and unknown ids removes the known, and says so by its status', async () => {
  const path = await copyOfModel();
  const outcome = await blindsight(['rm', path, model.ids[0]!, '0'.repeat(32), model.ids[0]!.toUpperCase(), '--json']);
  assert.is(outcome.code, 1);
  assert.equal(JSON.parse(outcome.stdout), { removed: 1, unknown: 1 });
  assert.is((await answerOf<{ images: number }>(['info', path])).images, 2);
});

// A small file system of its own, where that can be made.
const small = fresh();
try {
  await mkdir(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small], { stdio: 'ignore' });
  mounted = true;
} catch {
  // Not root, or no tmpfs here.
}
const onSmallDisk = where(mounted, test, 'no tmpfs can be mounted');

onSmallDisk('a full disk: a code, nothing lost, and rm makes room', async () => {
  const path = join(small, 'library');
  await makeLibrary([], path, await readingVocabulary());
  const photos = fresh();
  await mkdir(photos);
  for (let i = 0; i < 30; i++) await writeFile(join(photos, `${i}.heic`), heic(600_000, i));
  const add = ['add', path, photos, '--store-undecodable', '--concurrency', '1'];
  // Batches of some megabytes: the first fits.
  await answerOf([...add.slice(0, 2), ...[0, 1, 2].map((i) => join(photos, `${i}.heic`)), '--store-undecodable']);
  const full = await blindsight([...add, '--json']);
  assert.is(full.code, 1);
  assert.is((JSON.parse(full.stdout) as { error: { code: string } }).error.code, 'storage-full', full.stdout);
  assert.match(full.stderr, /^error: .* \(storage-full\)$/m);
  const { images, faults } = await answerOf<Verified>(['verify', path]);
  assert.ok(images >= 3, `${images} images`);
  assert.equal(faults, []);
  // Exporting to the full disk fails file by file, and leaves nothing half written.
  const filler = join(small, 'filler');
  for (const length of [1 << 20, 1 << 16, 1 << 12])
    try {
      for (;;) appendFileSync(filler, new Uint8Array(length));
    } catch (error) {
      assert.is((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  const out = join(small, 'out');
  const exported = await blindsight(['export', path, out, '--json']);
  assert.is(exported.code, 1, exported.stderr);
  const { written, failed } = JSON.parse(exported.stdout) as Exported;
  assert.equal([written, failed.length, [...new Set(failed.map(({ code }) => code))]], [0, images, ['storage-full']]);
  assert.equal(await readdir(out), []);
  await rm(filler);
  const whole = fresh();
  assert.is((await answerOf<Exported>(['export', path, whole])).written, images);
  for (const name of await readdir(whole))
    assert.equal(await readFile(join(whole, name)), await readFile(join(photos, name)));
  // Room again.
  const listed = await within(path, async ({ client }) => {
    const ids: string[] = [];
    for await (const { id } of client.list()) ids.push(toHex(id));
    return ids;
  });
  await answerOf(['rm', path, ...listed.slice(0, 2)]);
  const more = join(folder.path, 'more.heic');
  await writeFile(more, heic(600_000, 99));
  assert.is((await answerOf<Added>(['add', path, more, '--store-undecodable'])).added, 1);
  assert.equal((await within(path, ({ client }) => verifyLibrary(client))).faults, []);
});

test.run();
