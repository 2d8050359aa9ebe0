/**
 * `kill -9` at drawn moments of every change of a library, over a real store: after each, `verify` is clean, what was
 * acknowledged is there, and what was begun has happened or has not. LONG=1 takes hundreds of rounds.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openLibrary } from '../src/adapters/library.ts';
import { toHex } from '../src/base/bytes.ts';
import { seededRandom } from '../src/base/random.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { temporaryFolder } from './command.ts';
import { LONG } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const WORKER = join(import.meta.dirname, 'kill-worker.js');
const PASSPHRASE = 'correct horse';
const SEED = 23;
const ROUNDS = LONG ? 400 : 6;
// Lines of the worker until the clock of a kill starts, and milliseconds on that clock.
const MAX_LINES = 30;
const MAX_MS = 40;
// A library that only grows would make the rounds slower and slower.
const ROUNDS_A_LIBRARY = 25;

const folder = await temporaryFolder();
const test = suite(`kill (seed ${SEED}, ${ROUNDS} rounds)`);
test.after(() => folder.remove());

/** Runs the worker until it is killed. @returns Every line it said. */
function killed(library: string, seed: number, lines: number, ms: number): Promise<string[]> {
  const child = spawn(process.execPath, [WORKER, library, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (said.push(line) === lines) setTimeout(() => child.kill('SIGKILL'), ms);
  });
  return new Promise((resolve, reject) =>
    child.once('close', (code, signal) =>
      signal === 'SIGKILL' ? resolve(said) : reject(new Error(`the worker ended by itself: ${code} ${signal}`)),
    ),
  );
}

test('nothing acknowledged is lost, and verify is clean', async () => {
  const random = seededRandom(SEED);
  const points: Record<string, number> = {};
  let acknowledged = 0;
  let library = '';
  /** Images that must be there. */
  let inside = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    if (round % ROUNDS_A_LIBRARY === 0) {
      library = join(folder.path, String(round));
      const cost = { memoryKib: 8, passes: 1, lanes: 1 };
      const vocabulary = encodeVocabulary(smallVocabulary());
      await createLibrary(library, PASSPHRASE, { vocabulary, key: { cost } });
      inside = new Set();
    }
    const lines = 1 + Math.floor(MAX_LINES * random());
    const said = await killed(library, round + 1, lines, MAX_MS * random());
    /** Images that may or may not be there. */
    const either = new Set<string>();
    let ranks: string[] = [];
    for (const line of said) {
      const [stage, action, ...rest] = line.split(' ') as [string, string, ...string[]];
      const id = rest[0] ?? '';
      if (stage === 'begin') {
        points[action] = (points[action] ?? 0) + 1;
        if (action === 'add' || action === 'rm') either.add(id);
        if (action === 'rank') ranks.push(rest.join(' '));
      } else {
        acknowledged++;
        points[action]!--;
        either.delete(id);
        if (action === 'add') inside.add(id);
        if (action === 'rm') inside.delete(id);
        if (action === 'rank') ranks = [rest.join(' ')];
      }
    }
    // The lock of the dead process is no obstacle; what it left unfinished is finished by opening.
    const opened = await openLibrary(library, { opener: { passphrase: PASSPHRASE } });
    try {
      const what = `round ${round}, after ${said.at(-1)}`;
      assert.equal((await verifyLibrary(opened.client)).faults, [], what);
      const there = new Set<string>();
      for await (const { id } of opened.client.list()) there.add(toHex(id));
      for (const id of inside) assert.ok(there.has(id) || either.has(id), `${what}: ${id} is lost`);
      for (const id of there) assert.ok(inside.has(id) || either.has(id), `${what}: ${id} came back`);
      inside = there;
      const { ranking, noise } = opened.index;
      if (said.some((line) => line.startsWith('done rank')))
        assert.ok(ranks.includes(`${ranking} ${noise}`), `${what}: ${ranking} ${noise}, not ${ranks.join(' or ')}`);
    } finally {
      await opened.close();
    }
  }
  assert.ok(acknowledged > ROUNDS, `${acknowledged} acknowledged`);
  if (LONG)
    console.log(`${ROUNDS} kills, ${acknowledged} acknowledged, unfinished when killed: ${JSON.stringify(points)}`);
});

test.run();
