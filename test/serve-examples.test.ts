/** The servers of `examples/`, started as their heads say: a library is put there, and is still there after a new start. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../src/client/client.ts';
import { createHttpTransport } from '../src/client/http-transport.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import { createCredential, formatCredentials } from '../src/server.ts';
import { temporaryFolder } from './command.ts';
import { BUN, DENO } from './runtimes.ts';
import { describe } from './small-library.ts';
import { bytes, kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';
import { where } from './where.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PREFILTER = { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 } as const;

const test = suite('servers of the examples');
const folder = await temporaryFolder();
const users = join(folder.path, 'users.json');
const { credential, token } = createCredential('anna', 'owner');
await writeFile(users, formatCredentials([credential]));
test.after(() => folder.remove());

/** The command in the head of an example, for a store and a free port. */
async function commandOf(file: string, store: string): Promise<string[]> {
  const line = /^ \* {5}((?:deno|bun) .*)$/m.exec(await readFile(file, 'utf8'))![1]!;
  return [
    ...line.split(' ').flatMap((word) => {
      if (word === 'serve.ts') return [file];
      return [word.replace('STORE', store).replace('users.json', users)];
    }),
    '0',
  ];
}

/** Starts it, and waits for its address. */
async function start(program: string, args: readonly string[]): Promise<{ url: string; stop(): Promise<unknown> }> {
  const child = spawn(program, args, { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' } });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
  const ended = new Promise<unknown>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? undefined)),
  );
  const url = await new Promise<string>((resolve, reject) => {
    for (const input of [child.stdout, child.stderr])
      createInterface(input).on('line', (line) => {
        const found = /^Listening on (http:\S+)/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
    void ended.then((code) => reject(new Error(`ended with ${String(code)}: ${log}`)));
  });
  return {
    url,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

function clientOf(url: string): Client {
  return new Client({
    kernels,
    libraryKey: bytes(64, 1),
    vocabulary: smallVocabulary(),
    index: { ...DEFAULT_INDEX, prefilter: PREFILTER, noise: 1, split: 1 },
    transport: createHttpTransport(url, { token, attempts: 2 }),
    extractor: () => Promise.resolve({ describe }),
  });
}

for (const [name, program] of [
  ['deno', DENO],
  ['bun', BUN],
] as const) {
  const inRuntime = where(existsSync(program), test, `${program} is not here`);
  inRuntime(`${name}: stores, finds, ends well, and begins again`, async () => {
    const file = join(ROOT, 'examples', name, 'serve.ts');
    const [, ...args] = await commandOf(file, join(folder.path, name));
    const files = Array.from({ length: 6 }, (_, i) => bytes(200, i));
    const first = await start(program, args);
    const writer = clientOf(first.url);
    await writer.begin('active');
    await writer.put(await Promise.all(files.map((file, i) => writer.prepare(file, { name: `${i}.bin` }))));
    writer.close();
    assert.is((await fetch(new URL('/readyz', first.url))).status, 200);
    assert.is((await fetch(new URL('/v0/messages', first.url), { method: 'POST' })).status, 401);
    assert.is(await first.stop(), 0);

    const second = await start(program, args);
    try {
      const reader = clientOf(second.url);
      const { matches } = await reader.search(await reader.query(files[3]!), { k: 1, scan: true });
      assert.is(matches[0]!.name, '3.bin');
      assert.equal(await reader.open(await reader.identify(files[3]!)), files[3]!);
      reader.close();
    } finally {
      assert.is(await second.stop(), 0);
    }
  });
}

test.run();
