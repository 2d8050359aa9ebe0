/** What each entry loads when it is imported: two packages or so. All else comes when it is first needed. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const SRC = join(import.meta.dirname, '..', 'src');

// Runs in the loader's thread, which has no other way out.
const LOADER = `import { writeSync } from 'node:fs';
export async function load(url, context, next) { writeSync(2, url + '\\n'); return next(url, context); }`;
// What is required does not pass the loader, and lies in a cache.
const REGISTER = `import module, { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(LOADER)}));
process.on('exit', () => console.error(Object.keys(module._cache).join('\\n')));`;

/** Names of the packages that a program loads, in order. */
async function packages(...args: string[]): Promise<string[]> {
  const hook = `data:text/javascript,${encodeURIComponent(REGISTER)}`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--import', hook, ...args]);
  assert.match(stderr, /\/build\/src\//, 'the loader has seen nothing');
  const names = stderr.split('\n').flatMap((url) => /.*\/node_modules\/(@[^/]+\/[^/]+|[^/]+)\//.exec(url)?.[1] ?? []);
  return [...new Set(names)].sort();
}

const load = (entry: string, then = ''): Promise<string[]> =>
  packages('--input-type=module', '-e', `import * as all from ${JSON.stringify(join(SRC, `${entry}.js`))}; ${then}`);

const test = suite('import');

for (const [entry, expected] of [
  ['index', ['@noble/ciphers', '@noble/hashes']],
  ['node', ['@noble/ciphers', '@noble/hashes']],
  ['server', ['@noble/hashes', 'hono']],
] as const)
  test(`${entry} loads ${expected.join(', ')}, and no other package`, async () => {
    assert.equal(await load(entry), expected);
  });

test('blindsight --help loads commander alone', async () => {
  assert.equal(await packages(join(SRC, 'cli', 'main.js'), '--help'), ['commander']);
});

test('a store loads lmdb, which is seen', async () => {
  const found = await load('node', `try { all.openLmdbStore('/dev/null/none'); } catch {}`);
  assert.ok(found.includes('lmdb'), found.join(' '));
});

test.run();
