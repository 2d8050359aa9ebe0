/** The same bytes and numbers under Deno as under Node. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');
// The npm package `deno` finds the binary for this platform among its optional dependencies.
const DENO = join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? 'deno.cmd' : 'deno');

const test = suite('deno');

for (const name of ['logistic', 'image-cipher', 'secure-knn', 'edge-histogram', 'hamming'])
  test(`${name}: the whole test passes under Deno`, async () => {
    const { stdout } = await promisify(execFile)(
      DENO,
      ['run', '--quiet', '--no-lock', '--allow-read', '--allow-env', '--allow-sys', `build/test/${name}.test.js`],
      { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 1 << 24 },
    );
    const total = Number(/Total:\s+(\d+)/.exec(stdout)?.[1]);
    assert.ok(total > 0);
    assert.is(Number(/Passed:\s+(\d+)/.exec(stdout)?.[1]), total, stdout);
  });

test.run();
