/**
 * Backups that are taken while another process changes the library: each opens, verifies clean, and holds what was acknowledged before it
 * was begun. LONG=1 takes many, and counts how many plain copies of the files would have been damaged.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backUp } from '../src/adapters/backup.ts';
import { createLibrary, openLibrary } from '../src/adapters/library.ts';
import { toHex } from '../src/base/bytes.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { SAMPLES, answerOf, blindsight, hasten, temporaryFolder } from './command.ts';
import { LONG } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const WORKER = join(import.meta.dirname, 'kill-worker.js');
const PASSPHRASE = 'correct horse';
const BACKUPS = LONG ? 40 : 2;

const folder = await temporaryFolder();
const test = suite(`backup (${BACKUPS} while it changes)`);
test.after(() => folder.remove());

async function makeLibrary(name: string): Promise<string> {
  const path = join(folder.path, name);
  const cost = { memoryKib: 8, passes: 1, lanes: 1 };
  await createLibrary(path, PASSPHRASE, { vocabulary: encodeVocabulary(smallVocabulary()), key: { cost } });
  return path;
}

/** Changes a library until it is stopped. `inside` holds what is acknowledged. */
function startChanges(library: string, actions: string[]): { child: ChildProcess; inside: Set<string> } {
  const child = spawn(process.execPath, [WORKER, library, '1', ...actions], { stdio: ['ignore', 'pipe', 'inherit'] });
  const inside = new Set<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('done add ')) inside.add(line.slice('done add '.length));
  });
  return { child, inside };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

/** Lets nothing change while a copy is looked at: a library that grows meanwhile makes each look slower than the one before. */
async function pausing<T>(child: ChildProcess, look: () => Promise<T>): Promise<T> {
  child.kill('SIGSTOP');
  return look().finally(() => child.kill('SIGCONT'));
}

/** Opens a copy, and returns its ids; verify has to be clean. */
async function idsOf(path: string, what: string): Promise<Set<string>> {
  const library = await openLibrary(path, { opener: { passphrase: PASSPHRASE } });
  try {
    assert.equal((await verifyLibrary(library.client)).faults, [], what);
    const ids = new Set<string>();
    for await (const { id } of library.client.list()) ids.add(toHex(id));
    return ids;
  } finally {
    await library.close();
  }
}

for (const actions of [['add'], ['add', 'migrate', 'reindex', 'rotate', 'passphrase']])
  test(`during ${actions.join(', ')}`, async () => {
    const path = await makeLibrary(actions.length === 1 ? 'adding' : 'changing');
    const { child, inside } = startChanges(path, actions);
    try {
      let plain = 0;
      for (let i = 0; i < BACKUPS; i++) {
        const before = inside.size;
        while (inside.size < before + 5) await new Promise((resolve) => setTimeout(resolve, 5));
        const acknowledged = [...inside];
        const copy = join(folder.path, `copy ${i}`);
        try {
          await backUp(path, copy);
        } catch (error) {
          // Five changes of the key or the index in a row: nobody but this test does that.
          if (actions.length > 1 && /library-locked/.test((error as { code: string }).code)) continue;
          throw error;
        }
        const ids = await pausing(child, () => idsOf(copy, `backup ${i}`));
        for (const id of acknowledged) assert.ok(ids.has(id), `backup ${i}: ${id} is not in it`);
        await rm(copy, { recursive: true });
        if (!LONG || actions.length > 1) continue;
        // Files may even vanish under it, and LMDB may end the process that opens it.
        plain += await cp(path, copy, { recursive: true })
          .then(() => rm(join(copy, 'server', 'writer.lock'), { force: true }))
          .then(() => pausing(child, () => answerOf<{ images: number }>(['verify', copy])))
          .then(
            ({ images }) => (images >= acknowledged.length ? 0 : 1),
            () => 1,
          );
        await rm(copy, { recursive: true, force: true });
      }
      if (LONG && actions.length === 1)
        console.log(`${BACKUPS} backups, all whole; of ${BACKUPS} plain copies of the files, ${plain} were damaged`);
    } finally {
      await stop(child);
    }
  });

test('a store alone is copied too; what is there is not written over', async () => {
  const path = await makeLibrary('still');
  const copy = join(folder.path, 'store');
  const { storeBytes, hasStore } = await backUp(join(path, 'server'), copy);
  assert.equal([hasStore, storeBytes > 0, await readdir(copy)], [true, true, ['data.mdb']]);
  const again = await blindsight(['backup', path, copy]);
  assert.match(again.stderr, /\(library-exists\)$/m);
  const none = await blindsight(['backup', folder.path, join(folder.path, 'none')]);
  assert.match(none.stderr, /\(library-not-found\)$/m);
  assert.not.ok((await readdir(folder.path)).some((name) => name.includes('partial') || name === 'none'));
});

test('export, then init and add, restores everything', async () => {
  const photos = join(folder.path, 'photos');
  await mkdir(join(photos, 'sub'), { recursive: true });
  const names = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).slice(0, 2);
  const paths = [names[0]!, join('sub', names[1]!)];
  for (const [i, path] of paths.entries())
    await writeFile(join(photos, path), await readFile(join(SAMPLES, names[i]!)));
  const [first, second] = [join(folder.path, 'first'), join(folder.path, 'second')];
  await answerOf(['init', first]);
  await hasten(first);
  await answerOf(['add', first, photos]);
  await answerOf(['export', first, join(folder.path, 'out')]);
  await answerOf(['init', second]);
  await hasten(second);
  assert.is((await answerOf<{ added: number }>(['add', second, join(folder.path, 'out')])).added, paths.length);
  await answerOf(['export', second, join(folder.path, 'restored')]);
  for (const path of paths)
    assert.equal(await readFile(join(folder.path, 'restored', path)), await readFile(join(photos, path)), path);
});

test.run();
