/**
 * The core's tests under Deno and Bun: the same bytes and numbers as under Node. By default a few that cover kernels, WebCrypto and
 * floating point; `LONG=1` runs all that need no file beside the build, and no process of their own.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RUNTIMES } from './runtimes.ts';
import { LONG } from './support.ts';
import { where } from './where.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CORE = ['logistic', 'image-cipher', 'secure-knn', 'edge-histogram', 'hamming'];
const MORE =
  'argon2 asymmetric bag-of-words bit-sampler bytes centroid-tokens client copy-evidence crc32 dense-sift encoder fusion gaussian-blur grant header index key-file keys kmeans lsh-tokens luma matrix messages metrics near-duplicates nearest-centroid orient pack-signs padme posting-table projection rankings record resize root scan-threads seal server sift store tamper top-k vector-table vocabulary'.split(
    ' ',
  );

const test = suite('runtimes');

for (const [runtime, { reading, native }] of Object.entries(RUNTIMES)) {
  const [program] = reading;
  const inRuntime = where(existsSync(program), test, `${program} is not here`);
  for (const name of LONG ? [...CORE, ...MORE] : CORE)
    inRuntime(`${name}: the whole test passes under ${runtime}`, async () => {
      const [, ...args] = CORE.includes(name) ? reading : native;
      const { stdout } = await promisify(execFile)(program, [...args, `build/test/${name}.test.js`], {
        cwd: ROOT,
        env: { ...process.env, NO_COLOR: '1', LONG: '' },
        maxBuffer: 1 << 24,
      }).catch((error: { stdout: string; stderr: string }) => assert.unreachable(error.stdout + error.stderr) as never);
      // A file may have several suites.
      const sum = (word: string): number =>
        [...stdout.matchAll(new RegExp(`${word}:\\s+(\\d+)`, 'g'))].reduce((all, [, count]) => all + Number(count), 0);
      assert.ok(sum('Total') > 0);
      assert.is(sum('Passed'), sum('Total'), stdout);
    });
}

test.run();
