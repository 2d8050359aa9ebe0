/**
 * Runs every test file in a process of its own, two at a time, then the kernels' own specs, and closes with what was skipped, by name and with
 * the reason, and one line `N passed, N failed`.
 *
 *     npm test                  everything
 *     node build/test/run.js hamming logistic     only the files with these names
 *     npm run test:long         the long versions alone: files that have one, one at a time
 */
import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const names = process.argv.slice(2);
const long = process.env['LONG'] === '1';
const totals = { passed: 0, failed: 0, skipped: 0 };
const skips: string[] = [];

interface Job {
  readonly name: string;
  readonly command: string[];
  /** Reads the counts off the output; undefined when it does not have them. */
  readonly count: (output: string) => { total: number; passed: number; skipped: number } | undefined;
}

function number(output: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(output)?.[1];
  return found === undefined ? undefined : Number(found);
}

const files = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.test.js')).sort();
const jobs: Job[] = files.map((file) => ({
  name: file.replace('.test.js', ''),
  command: [process.execPath, '--enable-source-maps', join(import.meta.dirname, file)],
  count(output) {
    const total = number(output, /Total:\s+(\d+)/);
    const passed = number(output, /Passed:\s+(\d+)/);
    const skipped = number(output, /Skipped:\s+(\d+)/) ?? 0;
    return total === undefined || passed === undefined ? undefined : { total, passed, skipped };
  },
}));
jobs.push({
  name: 'specs',
  command: [process.execPath, join(root, 'node_modules', '@as-pect', 'cli', 'bin', 'asp.js'), '--summary'],
  count(output) {
    // as-pect colours its output whatever it is told, and closes with `[Tests]: passed / total`.
    const plain = output.replace(/\x1b\[\d+m/g, '');
    const passed = number(plain, /\[Tests\]: (\d+) \//);
    const total = number(plain, /\[Tests\]: \d+ \/ (\d+)/);
    return passed === undefined || total === undefined ? undefined : { total, passed, skipped: 0 };
  },
});

/** Whether a test file has a long version: it reads the `LONG` of `support.ts`. */
async function isLong(job: Job): Promise<boolean> {
  const file = job.command.at(-1)!;
  return file.endsWith('.test.js') && /\bLONG\b/.test(await readFile(file, 'utf8'));
}

const queue: Job[] = [];
for (const job of jobs) if (names.length > 0 ? names.includes(job.name) : !long || (await isLong(job))) queue.push(job);
if (queue.length === 0) throw new Error(`no test is named ${names.join(', ')}`);

async function run(job: Job): Promise<void> {
  const start = performance.now();
  const child = spawn(job.command[0]!, job.command.slice(1), {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const counted = job.count(output);
  const total = counted?.total ?? 0;
  const passed = counted?.passed ?? 0;
  const skipped = counted?.skipped ?? 0;
  const said = output.match(/^skipped: .+$/gm) ?? [];
  skips.push(...said);
  // A file that ends badly after its last test has failed, even when every test in it passed; so has one that skips and does not say what.
  const endedWell = code === 0 && counted !== undefined && said.length >= skipped;
  const failed = Math.max(total - passed - skipped, endedWell ? 0 : 1);
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${job.name}: ${passed} passed, ${failed} failed (${seconds} s)`);
  // What a long run has to tell is its figures.
  if (failed > 0 || long) console.log(output);
}

const workers = Array.from({ length: long ? 1 : Math.min(2, availableParallelism()) }, async () => {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) await run(job);
});
await Promise.all(workers);
for (const skip of skips) console.log(skip);
const tail = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${tail}`);
process.exitCode = totals.failed === 0 ? 0 : 1;
