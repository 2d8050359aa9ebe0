/** The whole flow through the real command line: make, add, search, get, export, remove, verify. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copyFile, mkdir, readFile, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alter } from '../src/cli/variants.ts';
import { SAMPLES, answerOf, blindsight, hasten, temporaryFolder } from './command.ts';

interface Added {
  added: number;
  known: number;
  failed: { path: string; code: string; message: string }[];
}
interface Found {
  matches: { id: string; name: string; path: string; score: number; features: Record<string, number>; copy: number }[];
  candidates: number;
  records: number;
  near: boolean;
}

const test = suite('command line');
const folder = await temporaryFolder();
const library = join(folder.path, 'library');
const photos = join(folder.path, 'photos');
const names = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).sort();

test.before(async () => {
  await mkdir(join(photos, 'deep', 'er'), { recursive: true });
  for (const [i, name] of names.entries())
    await copyFile(join(SAMPLES, name), join(photos, i % 2 ? 'deep/er' : '.', name));
});
test.after(() => folder.remove());

test('init makes a library and says who learns what', async () => {
  const { code, stdout } = await blindsight(['init', library]);
  assert.is(code, 0);
  assert.match(stdout, 'Who learns what');
  assert.is((stdout.match(/^\s+\d+ [a-z]+/gm) ?? []).length, 4, 'rows of recovery words');
  await hasten(library);
  const again = await blindsight(['init', library]);
  assert.is(again.code, 1);
  assert.match(again.stderr, /^error: .* \(library-exists\)$/m);
});

test('search in an empty library is refused', async () => {
  const { code, stderr } = await blindsight(['search', library, join(SAMPLES, 'cat.jpg')]);
  assert.is(code, 1);
  assert.match(stderr, /\(empty-library\)$/m);
});

test('add takes every photo once', async () => {
  assert.equal(await answerOf<Added>(['add', library, photos]), { added: names.length, known: 0, failed: [] });
  assert.equal(await answerOf<Added>(['add', library, photos]), { added: 0, known: names.length, failed: [] });
});

test('a moved file is no new file, and the same bytes twice are one image', async () => {
  await rename(join(photos, 'acanthus.jpg'), join(photos, 'moved.jpg'));
  await copyFile(join(photos, 'moved.jpg'), join(photos, 'copy.jpg'));
  assert.equal(await answerOf<Added>(['add', library, photos]), { added: 0, known: names.length + 1, failed: [] });
});

test('add goes on past bad files, and lists them', async () => {
  const bad = join(folder.path, 'bad');
  await mkdir(join(bad, 'loop'), { recursive: true });
  const cat = await readFile(join(SAMPLES, 'cat.jpg'));
  await writeFile(join(bad, 'empty.jpg'), '');
  await writeFile(join(bad, 'text.jpg'), 'this is no image at all, whatever its name says');
  await writeFile(join(bad, 'cut.jpg'), cat.subarray(0, cat.length / 3));
  await writeFile(join(bad, 'huge.png'), hugePng());
  await writeFile(join(bad, 'phone.heic'), Buffer.from('0000001c66747970686569630000000068656963', 'hex'));
  await symlink(bad, join(bad, 'loop', 'again'));
  await symlink(join(bad, 'nowhere'), join(bad, 'dangling.jpg'));
  // Reading it fails with an input error whoever asks, root too.
  await symlink('/proc/self/mem', join(bad, 'unreadable.jpg'));
  await writeFile(join(bad, 'good.jpg'), await alter(cat, 'grey'));
  const { added, known, failed } = await answerOf<Added>(['add', library, bad, join(folder.path, 'missing')]);
  assert.equal([added, known], [1, 0]);
  const codes = Object.fromEntries(failed.map(({ path, code }) => [path.slice(path.lastIndexOf('/') + 1), code]));
  assert.equal(codes, {
    'cut.jpg': 'corrupt-image',
    'dangling.jpg': 'not-found',
    'empty.jpg': 'empty-file',
    'huge.png': 'image-too-large',
    missing: 'not-found',
    'phone.heic': codes['phone.heic']!,
    'text.jpg': 'not-an-image',
    'unreadable.jpg': 'unreadable-file',
  });
  assert.ok(['unsupported-format', 'corrupt-image'].includes(codes['phone.heic']!));
});

/** A PNG whose header declares 20000 x 15000 pixels, and which has none. */
function hugePng(): Uint8Array {
  const header = Buffer.alloc(33);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(header);
  header.writeUInt32BE(20000, 16);
  header.writeUInt32BE(15000, 20);
  header.set([8, 2, 0, 0, 0], 24);
  return header;
}

test('search finds a photo by an altered copy, and writes a contact sheet', async () => {
  const query = join(folder.path, 'query.jpg');
  await writeFile(query, await alter(await readFile(join(SAMPLES, 'coffee.jpg')), 'crop'));
  const out = join(folder.path, 'found');
  const { matches, records, near } = await answerOf<Found>([
    'search',
    library,
    query,
    '-k',
    '3',
    '--scan',
    '--out',
    out,
  ]);
  assert.is(matches.length, 3);
  assert.is(matches[0]!.name, 'coffee.jpg');
  assert.is(near, true);
  assert.is(records, names.length + 1);
  const { score, features } = matches[0]!;
  assert.ok(
    Math.abs(score - features['ehd']! - features['bow']! - features['deep']!) < 1e-9,
    'the features sum to the score',
  );
  assert.ok(matches[0]!.score > matches[1]!.score);
  assert.ok(matches[0]!.copy > 0 && matches[1]!.copy === 0);
  const page = await readFile(join(out, 'index.html'), 'utf8');
  assert.is((page.match(/<img /g) ?? []).length, 4);
  assert.equal(await readFile(join(out, '01-coffee.jpg')), await readFile(join(SAMPLES, 'coffee.jpg')));
});

test('search by id finds the image itself first; k may be larger than the library', async () => {
  const { matches } = await answerOf<Found>(['search', library, join(SAMPLES, 'cat.jpg'), '-k', '1']);
  const all = await answerOf<Found>(['search', library, matches[0]!.id, '-k', '500', '--scan']);
  assert.is(all.matches.length, names.length + 1);
  assert.is(all.matches[0]!.id, matches[0]!.id);
  assert.ok(Math.abs(all.matches[0]!.score - 1) < 1e-6);
  const scores = all.matches.map(({ score }) => score);
  assert.equal(
    scores,
    [...scores].sort((a, b) => b - a),
  );
});

test('wrong usage ends with 2, and says what was expected', async () => {
  for (const args of [
    ['search', library, join(SAMPLES, 'cat.jpg'), '-k', '0'],
    ['search', library, join(SAMPLES, 'cat.jpg'), '-k', 'many'],
    ['search', library],
    ['add', library],
    ['nonsense'],
    ['info', library, '--nonsense'],
  ]) {
    const { code, stderr } = await blindsight(args);
    assert.is(code, 2, args.join(' '));
    assert.match(stderr, /error: /);
  }
});

test('what is not there is told with a code', async () => {
  const unknown = '0'.repeat(32);
  for (const [args, code] of [
    [['search', library, join(folder.path, 'no.jpg')], 'not-found'],
    [['search', library, unknown], 'unknown-id'],
    [['get', library, unknown, '-o', join(folder.path, 'none')], 'unknown-id'],
    [['get', library, 'zz', '-o', join(folder.path, 'none')], 'unknown-id'],
    [['rm', library, unknown], 'unknown-id'],
    [['info', join(folder.path, 'no-library')], 'library-not-found'],
  ] as const) {
    const outcome = await blindsight([...args, '--json']);
    assert.is(outcome.code, 1, args.join(' '));
    assert.is((JSON.parse(outcome.stdout) as { error: { code: string } }).error.code, code);
    assert.match(outcome.stderr, new RegExp(`^error: .* \\(${code}\\)$`, 'm'));
  }
});

test('a wrong passphrase opens nothing; a changed one replaces the old', async () => {
  const wrong = await blindsight(['info', library], { passphrase: 'wrong' });
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /\(wrong-passphrase\)$/m);
  await answerOf(['passphrase', library], { env: { BLINDSIGHT_NEW_PASSPHRASE: 'battery staple' } });
  assert.is((await blindsight(['info', library])).code, 1);
  const info = await answerOf<{ images: number }>(['info', library], { passphrase: 'battery staple' });
  assert.is(info.images, names.length + 1);
  await answerOf(['passphrase', library], {
    passphrase: 'battery staple',
    env: { BLINDSIGHT_NEW_PASSPHRASE: 'correct horse' },
  });
  await hasten(library);
});

test('get, export: every byte back, under its old name', async () => {
  const target = join(folder.path, 'restored');
  const exported = await answerOf<{ written: number; known: number }>(['export', library, target]);
  assert.is(exported.written, names.length + 1);
  for (const [i, name] of names.entries())
    assert.equal(
      await readFile(join(target, i % 2 ? 'deep/er' : '.', name)),
      await readFile(join(SAMPLES, name)),
      name,
    );
  assert.is((await answerOf<{ written: number }>(['export', library, target])).written, 0);
  const { matches } = await answerOf<Found>(['search', library, join(SAMPLES, 'grass.jpg'), '-k', '1']);
  const file = join(folder.path, 'got.jpg');
  await answerOf(['get', library, matches[0]!.id, '-o', file]);
  assert.equal(await readFile(file), await readFile(join(SAMPLES, 'grass.jpg')));
});

test('info, verify and rm agree', async () => {
  const before = await answerOf<Record<string, unknown>>(['info', library]);
  for (const key of ['images', 'ranking', 'vocabulary', 'model', 'bytes']) assert.ok(key in before, key);
  assert.is(before['images'], names.length + 1);
  const { matches } = await answerOf<Found>(['search', library, join(SAMPLES, 'alps.jpg'), '-k', '1']);
  await answerOf(['rm', library, matches[0]!.id]);
  const verified = await answerOf<{ images: number; records: number; faults: unknown[] }>(['verify', library]);
  assert.equal([verified.images, verified.records, verified.faults], [names.length, names.length, []]);
  const after = await answerOf<Found>(['search', library, join(SAMPLES, 'alps.jpg'), '-k', '100', '--scan']);
  assert.not.ok(after.matches.some(({ id }) => id === matches[0]!.id));
});

test('reindex with other parameters keeps every image, and can be dropped or finished', async () => {
  const before = await answerOf<{ images: number }>(['info', library]);
  const outcome = await answerOf<{ reindexed: number; failed: unknown[] }>(['reindex', library, '--noise', '2']);
  assert.equal([outcome.reindexed, outcome.failed], [before.images, []]);
  const after = await answerOf<{ images: number; index: { noise: number }; pending: unknown }>(['info', library]);
  assert.equal([after.images, after.index.noise, after.pending], [before.images, 2, null]);
  const { matches } = await answerOf<Found>(['search', library, join(SAMPLES, 'cat.jpg'), '-k', '1']);
  assert.is(matches[0]!.name, 'cat.jpg');
  assert.equal((await answerOf<{ faults: unknown[] }>(['verify', library])).faults, []);
});

test('a library is made over to int8 vectors, and stays so', async () => {
  const { images } = await answerOf<{ images: number }>(['info', library]);
  const { reindexed } = await answerOf<{ reindexed: number }>(['reindex', library, '--vectors', 'int8']);
  assert.is(reindexed, images);
  assert.match((await blindsight(['info', library])).stdout, 'vectors int8');
  const { matches } = await answerOf<Found>(['search', library, join(SAMPLES, 'cat.jpg'), '-k', '1']);
  assert.is(matches[0]!.name, 'cat.jpg');
  assert.is((await blindsight(['init', join(folder.path, 'f16.blind'), '--vectors', 'f16'])).code, 2);
});

test('the help of every command has examples', async () => {
  const { stdout } = await blindsight(['--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name]) => name!);
  assert.ok(commands.length >= 12, commands.join(' '));
  for (const name of commands)
    assert.match((await blindsight([name, '--help'])).stdout, /Examples:\n {2}\$ blindsight/);
});

test.run();
