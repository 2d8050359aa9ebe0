/** A reader in another language, written from docs/FORMATS.md: it opens the test vectors, and a published library, as the library does. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openLibrary } from '../src/adapters/library.ts';
import { publishStore } from '../src/adapters/publish.ts';
import { toHex } from '../src/base/bytes.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { RANKINGS } from '../src/protocol/messages.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import { temporaryFolder } from './command.ts';
import { bytes } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';
import { where } from './where.ts';

// An umlaut in two characters: the passphrase is taken in its NFKC form.
const PASSPHRASE = 'korrektes Pfu\u0308nd';
const READER = join(import.meta.dirname, '..', '..', 'examples', 'python-reader');

const test = suite('python reader');
const folder = await temporaryFolder();
test.after(() => folder.remove());

/** A Python that has what the reader needs; Debian's is not always the first in the path. */
const ARGON2 = 'from cryptography.hazmat.primitives.kdf.argon2 import Argon2id';
const NEEDS = `import cryptography\ntry:\n ${ARGON2}\nexcept ImportError:\n import argon2.low_level`;
const program = [process.env['PYTHON'] ?? 'python3', '/usr/bin/python3'].find(
  (candidate) => spawnSync(candidate, ['-c', NEEDS], { stdio: 'ignore' }).status === 0,
);

function python(...args: string[]): string {
  const env = { ...process.env, BLINDSIGHT_PASSPHRASE: PASSPHRASE, PYTHONIOENCODING: 'utf8' };
  return execFileSync(program!, ['-B', ...args], {
    cwd: READER,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
const run = where(program !== undefined, test, 'no python3 with cryptography and Argon2id is here');

run('opens every test vector', () => {
  const vectors = join(READER, '..', '..', 'test', 'vectors', 'formats.json');
  assert.is(python('vectors.py', vectors), '14\n');
});

run('opens a published library under each ranking: records, pictures, library root', async () => {
  for (const ranking of RANKINGS) {
    const path = join(folder.path, ranking);
    await createLibrary(path, PASSPHRASE, {
      vocabulary: encodeVocabulary(smallVocabulary()),
      key: { cost: { memoryKib: 16, passes: 2, lanes: 2 } },
      index: { ...DEFAULT_INDEX, ranking },
    });
    // One byte, a block of the logistic stream and a little; and once, because it takes Python a second, two chunks.
    const lengths = ranking === 'server' ? [1, 70_000, 1_100_000] : [1, 70_000];
    const files = new Map(lengths.map((length) => [`Käse ${length}.heic`, bytes(length, length)]));
    const library = await openLibrary(path, { opener: { passphrase: PASSPHRASE } });
    const ids = new Map<string, string>();
    for (const [name, file] of files) {
      const item = await library.client.prepare(file, { name, path: `sub/${name}` }, { undecodable: true });
      // One of them with a small picture in front.
      const thumbnail = ids.size === 1 ? bytes(500, 7) : undefined;
      await library.client.put([{ ...item, ...(await library.client.sealImage(item.id, file, thumbnail)) }]);
      ids.set(toHex(item.id), name);
    }
    await library.close();
    const [published, out] = [`${path} published`, `${path} out`];
    await publishStore(join(path, 'server'), published);
    const lines = python('reader.py', join(path, 'client', 'key'), published, out)
      .trim()
      .split('\n');
    const records = lines.map(
      (line) =>
        JSON.parse(line) as {
          id: string;
          name: string;
          path: string;
          fileBytes: number;
          thumbnailBytes: number | null;
        },
    );
    assert.equal((await readdir(out)).sort(), [...ids.keys()].sort());
    for (const { id, name, path: stored, fileBytes, thumbnailBytes } of records) {
      const file = files.get(name)!;
      assert.is(thumbnailBytes, name.includes('70000') ? 500 : null);
      assert.equal([ids.get(id), stored, fileBytes], [name, `sub/${name}`, file.length]);
      assert.ok(Buffer.from(file).equals(await readFile(join(out, id))), name);
    }
  }
});

test.run();
