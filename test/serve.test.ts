/** A library on a server, through the real command line: one process serves, others make, add, search, fetch and check. */
import { cp, mkdir, readFile, readdir, rm, writeFile, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RepairReport } from '../src/client/repair-library.ts';
import { TABLES } from '../src/index/tables.ts';
import { SAMPLES, answerOf, blindsight, hasten, serve, temporaryFolder, type Served } from './command.ts';

const PHOTOS = 4;

interface Found {
  matches: { id: string; name: string; score: number }[];
}

const test = suite('serve');
const folder = await temporaryFolder();
const store = join(folder.path, 'store');
const users = join(folder.path, 'users.json');
const library = join(folder.path, 'library');
const photos = join(folder.path, 'photos');
const names = (await readdir(SAMPLES))
  .filter((name) => name.endsWith('.jpg'))
  .sort()
  .slice(0, PHOTOS);
const env: Record<string, string> = {};
let served: Served | undefined;

test.before(async () => {
  await mkdir(photos);
  for (const name of names) await copyFile(join(SAMPLES, name), join(photos, name));
});
test.after(async () => {
  served?.child.kill('SIGKILL');
  await folder.remove();
});

test('a credential is made, listed, and its token shown once', async () => {
  const made = await blindsight(['credential', 'add', users, 'anna']);
  assert.is(made.code, 0, made.stderr);
  assert.match(made.stdout, /^bst_[0-9a-f]{64}\n$/);
  env['BLINDSIGHT_TOKEN'] = made.stdout.trim();
  await answerOf(['credential', 'add', users, 'tablet', '--role', 'viewer']);
  const { credentials } = await answerOf<{ credentials: { name: string; role: string }[] }>([
    'credential',
    'list',
    users,
  ]);
  assert.equal(
    credentials.map(({ name, role }) => [name, role]),
    [
      ['anna', 'owner'],
      ['tablet', 'viewer'],
    ],
  );
  assert.not.ok((await readFile(users, 'utf8')).includes(env['BLINDSIGHT_TOKEN']!));
  assert.is((await blindsight(['credential', 'add', users, 'anna'])).code, 2);
});

test('serve opens a store of its own, and refuses other folders', async () => {
  served = await serve(store, users);
  assert.is(await (await fetch(`${served.url}/readyz`)).text(), 'ready\n');
  for (const [path, credentials, code] of [
    [photos, users, 'library-not-found'],
    [join(folder.path, 'new'), join(folder.path, 'none.json'), 'not-found'],
    [store, users, 'library-locked'],
  ] as const) {
    const { code: status, stderr } = await blindsight(['serve', path, '--credentials', credentials, '--port', '0']);
    assert.is(status, 1);
    assert.match(stderr, `(${code})`);
  }
});

test('init, add, search, get and verify work on the server; its address is remembered', async () => {
  const { url } = served!;
  const unknown = await blindsight(['init', library, '--server', url], { env: { BLINDSIGHT_TOKEN: 'bst_wrong' } });
  assert.match(unknown.stderr, /\(unauthorized\)$/m);
  await answerOf(['init', library, '--server', url], { env });
  await hasten(library);
  assert.equal((await readdir(library)).sort(), ['client', 'library.json'], 'the store is elsewhere');
  assert.equal(await answerOf(['add', library, photos], { env }), { added: PHOTOS, known: 0, failed: [] });
  const other = await blindsight(['init', join(folder.path, 'second'), '--server', url], { env });
  assert.match(other.stderr, /\(library-exists\)$/m);
  const query = join(photos, names[1]!);
  const { matches } = await answerOf<Found>(['search', library, query, '-k', '2', '--scan'], { env });
  assert.is(matches[0]!.name, names[1]);
  const got = join(folder.path, 'got.jpg');
  await answerOf(['get', library, matches[0]!.id, '-o', got], { env });
  assert.equal(await readFile(got), await readFile(query));
  const verified = await answerOf<{ images: number; faults: unknown[]; found: number }>(
    ['verify', library, '--repair'],
    { env },
  );
  assert.equal([verified.images, verified.faults, verified.found], [PHOTOS, [], 0]);
  const log = served!.log();
  assert.match(log, '"kind":"put"');
  for (const secret of [matches[0]!.id, names[1]!, 'bst_']) assert.not.ok(log.includes(secret), secret);
});

test('a viewer searches; a revoked one does nothing more', async () => {
  const { token } = await answerOf<{ token: string }>(['credential', 'add', users, 'guest', '--role', 'viewer']);
  const file = join(folder.path, 'guest.token');
  await writeFile(file, `${token}\n`);
  const { images } = await answerOf<{ images: number }>(['info', library, '--token-file', file]);
  assert.is(images, PHOTOS);
  const added = await blindsight(['add', library, join(SAMPLES, 'cat.jpg'), '--token-file', file]);
  assert.match(added.stderr, /\(forbidden\)$/m);
  await answerOf(['credential', 'revoke', users, 'guest']);
  const revoked = await blindsight(['info', library, '--token-file', file]);
  assert.match(revoked.stderr, /\(unauthorized\)$/m);
});

test('verify --repair on the server: one image mended, one lost, added again and counted once', async () => {
  // In the store's own file, while nobody serves it.
  assert.is(await served!.stop(), 0);
  const root = open({ path: store, noSubdir: false, maxDbs: TABLES.length });
  const table = (name: string) =>
    root.openDB<Uint8Array, Uint8Array>(name, { encoding: 'binary', keyEncoding: 'binary' });
  const [images, records] = [table('images'), table('records0')];
  root.transactionSync(() => {
    const [first, second] = [...images.getKeys()];
    const record = Uint8Array.from(records.get(first!)!);
    record[14]! ^= 1;
    records.putSync(first!, record);
    images.removeSync(second!);
  });
  await root.close();
  served = await serve(store, users, ['--port', new URL(served!.url).port]);
  const repair = async (): Promise<unknown[]> => {
    const { code, stdout } = await blindsight(['verify', library, '--repair', '--json'], { env });
    const report = JSON.parse(stdout) as RepairReport;
    return [code, report.found, report.repaired.length, report.faults.map((fault) => fault.code), report.rootMended];
  };
  assert.equal(await repair(), [1, 3, 1, ['omitted'], false]);
  assert.is((await answerOf<{ added: number }>(['add', library, photos], { env })).added, 1);
  assert.equal(await repair(), [0, 1, 0, [], true]);
});

test('SIGTERM ends it well; the store then serves as a local library too', async () => {
  assert.is(await served!.stop(), 0);
  const lost = blindsight(['info', library], { env });
  // The two halves in one folder: a library like any other.
  const whole = join(folder.path, 'whole');
  await cp(library, whole, { recursive: true });
  await cp(store, join(whole, 'server'), { recursive: true });
  await rm(join(whole, 'client', 'server.json'));
  assert.equal((await answerOf<{ faults: unknown[] }>(['verify', whole])).faults, []);
  assert.match((await lost).stderr, /\(server-unreachable\)$/m);
  served = await serve(whole, users);
  const { url } = served;
  const exported = join(folder.path, 'exported');
  await answerOf(['export', library, exported, '--server', url], { env });
  for (const name of names) assert.equal(await readFile(join(exported, name)), await readFile(join(photos, name)));
  const { images } = await answerOf<{ images: number }>(['info', library], { env });
  assert.is(images, PHOTOS, 'the new address is remembered');
  const { matches } = await answerOf<Found>(['search', whole, join(photos, names[0]!), '-k', '1', '--scan']);
  await answerOf(['rm', library, matches[0]!.id], { env });
  assert.is(
    (await answerOf<{ images: number }>(['info', whole])).images,
    PHOTOS - 1,
    'readers go on beside the server',
  );
  assert.is(await served.stop(), 0);
  served = undefined;
});

test.run();
