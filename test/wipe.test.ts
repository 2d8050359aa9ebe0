/**
 * Keys are wiped: the memory of a process that has used and closed a library is read from outside, JavaScript and WASM alike, and
 * searched for the library key and all keys derived from it. Linux only: elsewhere a process does not show its memory.
 */
import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openKeyFile } from '../src/adapters/library.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { KEY_LABELS, LibraryKeys, expandKey } from '../src/crypto/keys.ts';
import { RANKINGS } from '../src/protocol/messages.ts';
import { temporaryFolder } from './command.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const PASSPHRASE = 'correct horse';
const READ_BYTES = 4 * 1024 * 1024;

const test = suite('wipe');
const folder = await temporaryFolder();
test.after(() => folder.remove());

/** How often each needle is in the memory of a process. */
async function countIn(pid: number, needles: ReadonlyMap<string, Buffer>): Promise<Map<string, number>> {
  const counts = new Map([...needles.keys()].map((name) => [name, 0]));
  const memory = await open(`/proc/${pid}/mem`);
  try {
    for (const line of (await readFile(`/proc/${pid}/maps`, 'utf8')).split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const end = parseInt(to, 16);
      // Pieces overlap by less than a needle.
      for (let at = parseInt(from, 16); at < end; at += READ_BYTES) {
        const piece = Buffer.alloc(Math.min(READ_BYTES + 31, end - at));
        // Reserved and never touched: there is nothing to read.
        const { bytesRead } = await memory.read(piece, 0, piece.length, at).catch(() => ({ bytesRead: 0 }));
        for (const [name, needle] of needles)
          for (let i = -1; (i = piece.subarray(0, bytesRead).indexOf(needle, i + 1)) >= 0;)
            counts.set(name, counts.get(name)! + 1);
      }
    }
  } finally {
    await memory.close();
  }
  return counts;
}

for (const ranking of process.platform === 'linux' ? RANKINGS : [])
  test(`${ranking}: no key is in memory after close, but for what SECURITY.md names`, async () => {
    const path = join(folder.path, ranking);
    const vocabulary = encodeVocabulary(smallVocabulary());
    const cost = { memoryKib: 8, passes: 1, lanes: 1 };
    await createLibrary(path, PASSPHRASE, { vocabulary, index: { ...DEFAULT_INDEX, ranking }, key: { cost } });
    const libraryKey = await openKeyFile(await readFile(join(path, 'client', 'key')), { passphrase: PASSPHRASE });
    const keys = new LibraryKeys(libraryKey);
    const needles = new Map([
      ['library key', Buffer.from(libraryKey.subarray(0, 32))],
      ['sums of the root', Buffer.from(expandKey(keys.get('root'), 'root/sum'))],
      ...KEY_LABELS.map((label): [string, Buffer] => [label, Buffer.from(keys.get(label))]),
    ]);
    const worker = spawn(process.execPath, [join(import.meta.dirname, 'wipe-worker.js'), path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => worker.once('close', resolve));
    const said = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
    const found: Record<string, Map<string, number>> = {};
    for (const word of ['open', 'closed']) {
      assert.is((await said.next()).value, word);
      found[word] = await countIn(worker.pid!, needles);
      worker.stdin.write('\n');
    }
    worker.stdin.end();
    assert.is(await ended, 0);
    for (const [name, count] of found['open']!) assert.ok(count > 0, `${name} is there while the library is open`);
    // ChaCha20, which expands key `knn`, copies it into the engine's heap, where nobody can reach it.
    const left = ranking === 'server' ? ['knn'] : [];
    assert.equal(
      [...found['closed']!].filter(([name, count]) => count > 0 && !left.includes(name)),
      [],
    );
  });

test.run();
