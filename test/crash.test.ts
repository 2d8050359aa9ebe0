/** `kill -9` in the middle of adding: nothing acknowledged is lost, nothing is there twice. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from '../src/base/random.ts';
import { ALTERATIONS, alter } from '../src/cli/variants.ts';
import { SAMPLES, answerOf, blindsight, hasten, startBlindsight, temporaryFolder } from './command.ts';
import { LONG } from './support.ts';

const SEED = 7;
const KILLS = LONG ? 6 : 2;

const test = suite('crash');
const folder = await temporaryFolder();
const library = join(folder.path, 'library');
const photos = join(folder.path, 'photos');
const data = join(library, 'server', 'data.mdb');
let count = 0;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test.before(async () => {
  await mkdir(photos);
  for (const name of (await readdir(SAMPLES)).filter((file) => file.endsWith('.jpg'))) {
    const bytes = await readFile(join(SAMPLES, name));
    await writeFile(join(photos, name), bytes);
    for (const alteration of ALTERATIONS.slice(0, 2)) {
      await writeFile(join(photos, `${alteration}-${name}`), await alter(bytes, alteration));
      count++;
    }
    count++;
  }
  assert.is((await blindsight(['init', library])).code, 0);
  await hasten(library);
});
test.after(() => folder.remove());

test(`add, killed at ${KILLS} random moments (seed ${SEED}), then finished`, async () => {
  const random = seededRandom(SEED);
  let stored = 0;
  let between = 0;
  for (let i = 0; i < KILLS; i++) {
    // From the first commit of this run on, so that a slow machine is not killed before it has begun.
    const committed = (await stat(data)).mtimeMs;
    const running = startBlindsight(['add', library, photos]);
    while (running.child.exitCode === null && (await stat(data)).mtimeMs === committed) await wait(5);
    await wait(Math.floor(400 * random()));
    running.child.kill('SIGKILL');
    const { signal } = await running.outcome;
    const { images } = await answerOf<{ images: number }>(['info', library]);
    assert.ok(images >= stored, `${images} images after ${stored}`);
    stored = images;
    if (signal === 'SIGKILL' && images > 0 && images < count) between++;
    const { faults } = await answerOf<{ faults: unknown[] }>(['verify', library]);
    assert.equal(faults, []);
  }
  assert.ok(between > 0, 'at least one kill was in the middle');
  const last = await answerOf<{ added: number; known: number; failed: unknown[] }>(['add', library, photos]);
  assert.equal(last.failed, []);
  assert.equal([last.added + last.known, last.known >= stored], [count, true]);
  const { images } = await answerOf<{ images: number }>(['info', library]);
  assert.is(images, count);
  const target = join(folder.path, 'restored');
  await answerOf(['export', library, target]);
  for (const name of await readdir(photos))
    assert.equal(await readFile(join(target, name)), await readFile(join(photos, name)), name);
});

test('a second writer is told that the library is locked; readers go on', async () => {
  const more = join(folder.path, 'more');
  await mkdir(more);
  for (const name of (await readdir(photos)).slice(0, 24))
    await writeFile(join(more, name), await alter(await readFile(join(photos, name)), 'rough'));
  const { child, outcome: first } = startBlindsight(['add', library, more, '--json']);
  // Otherwise the second writer may be the first.
  while (!existsSync(join(library, 'server', 'writer.lock')) && child.exitCode === null) await wait(5);
  let locked = 0;
  let read = 0;
  for (let done = false; !done;) {
    const [writer, reader] = await Promise.all([
      blindsight(['rm', library, '0'.repeat(32)]),
      blindsight(['info', library]),
      Promise.race([first.then(() => (done = true)), new Promise((resolve) => setTimeout(resolve, 1))]),
    ]);
    if (writer.stderr.includes('(library-locked)')) locked++;
    if (reader.code === 0) read++;
    else assert.unreachable(reader.stderr);
  }
  assert.is((await first).code, 0);
  assert.ok(locked > 0, 'the second writer was refused at least once');
  assert.ok(read > 0);
});

test.run();
