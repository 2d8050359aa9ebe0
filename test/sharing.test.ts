/** Two key holders, one server, through the real command line: shared, joined, refused, revoked, rotated. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SAMPLES, answerOf, blindsight, hasten, serve, temporaryFolder, type Served } from './command.ts';

const test = suite('sharing');
const folder = await temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const [users, anna, bob, key, grant] = [at('users.json'), at('anna'), at('bob'), at('key.txt'), at('bob.grant')];
const photos = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).slice(0, 3);
const inAnna: Record<string, string> = {};
const inBob: Record<string, string> = {};
let served: Served | undefined;
let id = '';
let recipient = '';

test.after(async () => {
  served?.child.kill('SIGKILL');
  await folder.remove();
});

async function credential(name: string, role: string): Promise<string> {
  return (await answerOf<{ token: string }>(['credential', 'add', users, name, '--role', role])).token;
}

async function refused(args: readonly string[], env: Record<string, string>, code: string): Promise<void> {
  const outcome = await blindsight(args, { env });
  assert.is(outcome.code, 1, outcome.stdout);
  assert.match(outcome.stderr, new RegExp(`\\(${code}\\)$`, 'm'));
}

test('an identity is made once, readable by its owner alone', async () => {
  const first = await answerOf<{ recipient: string; made: boolean }>(['identity', key]);
  assert.match(first.recipient, /^age1[a-z0-9]{58}$/);
  assert.is(first.made, true);
  assert.is((await stat(key)).mode & 0o777, 0o600);
  recipient = first.recipient;
  const text = await readFile(key, 'utf8');
  assert.equal(await answerOf(['identity', key]), { ...first, made: false });
  assert.is(await readFile(key, 'utf8'), text);
});

test('anna shares with bob, who searches and opens with a passphrase of his own, and cannot add', async () => {
  inAnna['BLINDSIGHT_TOKEN'] = await credential('anna', 'owner');
  inBob['BLINDSIGHT_TOKEN'] = await credential('bob', 'viewer');
  served = await serve(at('store'), users);
  await answerOf(['init', anna, '--server', served.url], { env: inAnna });
  await hasten(anna);
  await answerOf(['add', anna, ...photos.map((name) => join(SAMPLES, name))], { env: inAnna });
  await answerOf(['share', anna, '--to', recipient, '--role', 'viewer', '-o', grant]);
  assert.match((await readFile(grant)).toString('latin1'), /^age-encryption\.org\/v1\n-> X25519 /);

  const joined = await answerOf<Record<string, string>>(['join', grant, bob, '--identity', key], { passphrase: 'bob' });
  assert.equal([joined['role'], joined['server']], ['viewer', served.url]);
  await hasten(bob, 'bob');
  const asBob = { passphrase: 'bob', env: inBob };
  const query = join(SAMPLES, photos[0]!);
  const { matches } = await answerOf<{ matches: { id: string; name: string }[] }>(
    ['search', bob, query, '--scan'],
    asBob,
  );
  assert.equal([matches.length, matches[0]!.name], [photos.length, photos[0]]);
  id = matches[0]!.id;
  await answerOf(['get', bob, id, '-o', at('got.jpg')], asBob);
  assert.equal(await readFile(at('got.jpg')), await readFile(query));

  // His own program refuses before anything is asked for; a program that does not is refused by the server.
  for (const args of [
    ['add', bob, join(SAMPLES, 'cat.jpg')],
    ['share', bob, '--to', recipient, '-o', at('more.grant')],
  ]) {
    const outcome = await blindsight(args, asBob);
    assert.match(outcome.stderr, /joined as a viewer.*\(forbidden\)$/m);
  }
  await writeFile(join(bob, 'client', 'role.json'), JSON.stringify({ role: 'owner' }));
  const forged = await blindsight(['rm', bob, id], asBob);
  assert.match(forged.stderr, /\(forbidden\)$/m);
  assert.match(served.log(), '"kind":"remove","status":403');
});

test('a grant opens for its recipient alone', async () => {
  await answerOf(['identity', at('other.txt')]);
  await refused(['join', grant, at('third'), '--identity', at('other.txt')], {}, 'decrypt-failed');
  await refused(['join', grant, at('third'), '--identity', grant], {}, 'corrupt-grant');
  const { code, stderr } = await blindsight(['share', anna, '--to', 'age1nobody', '-o', at('x')]);
  assert.equal([code, /"recipient" expected/.test(stderr)], [2, true]);
});

test('revoked, bob is refused at his next request; after a rotation his key is, whatever his credential', async () => {
  const asBob = { passphrase: 'bob', env: inBob };
  await answerOf(['credential', 'revoke', users, 'bob']);
  const revoked = await blindsight(['info', bob], asBob);
  assert.match(revoked.stderr, /\(unauthorized\)$/m);

  const rotated = await answerOf<{ rotated: number }>(['rotate', anna], { env: inAnna });
  assert.is(rotated.rotated, photos.length);
  inBob['BLINDSIGHT_TOKEN'] = await credential('bob-again', 'viewer');
  for (const args of [
    ['info', bob],
    ['get', bob, id, '-o', at('again.jpg')],
  ]) {
    const old = await blindsight(args, asBob);
    assert.is(old.code, 1);
    assert.match(old.stderr, /another key.*\(key-rotated\)$/m);
  }
  // The old grant gives the old key.
  await answerOf(['join', grant, at('late'), '--identity', key], { passphrase: 'bob' });
  const late = await blindsight(['info', at('late')], asBob);
  assert.match(late.stderr, /\(key-rotated\)$/m);

  await answerOf(['get', anna, id, '-o', at('again.jpg')], { env: inAnna });
  assert.equal(await readFile(at('again.jpg')), await readFile(join(SAMPLES, photos[0]!)));
  assert.equal((await answerOf<{ faults: unknown[] }>(['verify', anna], { env: inAnna })).faults, []);
});

test.run();
