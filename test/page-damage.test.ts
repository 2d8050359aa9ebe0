/**
 * Damaged pages of a store: a code, or right data, never wrong data. LMDB checks none of its own pages, and may end the process on one:
 * how often is counted, and bounded. LONG=1 takes many rounds.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openLibrary } from '../src/adapters/library.ts';
import { toHex } from '../src/base/bytes.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { temporaryFolder } from './command.ts';
import { LONG, bytes } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const SEED = 5;
const ROUNDS = LONG ? 900 : 45;
const IMAGES = 12;
// Share of the rounds in which LMDB itself may end the process.
const MAX_ENDED = 0.1;
const CODES =
  /^(right|named|(corrupt|storage|unsupported)-[a-z]+|decrypt-failed|parameter-mismatch|unknown-id|rolled-back)$/;

const folder = await temporaryFolder();
const test = suite(`damaged pages (seed ${SEED}, ${ROUNDS} rounds)`);
test.after(() => folder.remove());

test('a code or right data; now and then LMDB ends the process', async () => {
  const path = join(folder.path, 'library');
  const cost = { memoryKib: 8, passes: 1, lanes: 1 };
  await createLibrary(path, 'correct horse', { vocabulary: encodeVocabulary(smallVocabulary()), key: { cost } });
  const library = await openLibrary(path, { opener: { passphrase: 'correct horse' } });
  const items = [];
  for (let i = 0; i < IMAGES; i++)
    items.push(await library.client.prepare(bytes(4000 * i + 50, i), { name: `${i}.bin` }, { undecodable: true }));
  for (const item of items) await library.client.put([item]);
  await library.close();
  await writeFile(join(path, 'ids.json'), JSON.stringify(items.map(({ id }) => toHex(id))));

  const counts: Record<string, number> = {};
  let ended = 0;
  for (let round = 0; round < ROUNDS;) {
    const { lines, signal, code, errors } = await work(path, round);
    for (const line of lines) {
      const outcome = line.split(' ')[1]!;
      assert.match(outcome, CODES, line);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    round += lines.length;
    if (round === ROUNDS) break;
    assert.ok(signal !== null || code === 134, `round ${round}: ended with ${code}: ${errors}`);
    ended++;
    round++;
  }
  if (LONG) console.log(`${ROUNDS} damaged pages: ${JSON.stringify(counts)}; LMDB ended the process ${ended} times`);
  assert.ok(ended <= MAX_ENDED * ROUNDS, `LMDB ended the process ${ended} times`);
  assert.ok(Object.keys(counts).length > 1, 'some page mattered');
});

async function work(
  path: string,
  from: number,
): Promise<{ lines: string[]; signal: NodeJS.Signals | null; code: number | null; errors: string }> {
  const worker = join(import.meta.dirname, 'page-worker.js');
  const child = spawn(process.execPath, [worker, path, String(SEED), String(from), String(ROUNDS)]);
  let [text, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
  return new Promise((resolve) =>
    child.on('close', (code, signal) => resolve({ lines: text.split('\n').slice(0, -1), signal, code, errors })),
  );
}

test.run();
