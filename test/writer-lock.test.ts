/** One writer at a time: who holds the lock, whatever clocks say. Holders here live in a process of their own, as they do in life. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RetrievalError } from '../src/base/errors.ts';
import { LOCK_TIMES, WriterLock, type LockTimes } from '../src/stores/writer-lock.ts';
import { temporaryFolder } from './command.ts';

// Whoever beats is seen long before `watch` is over; whoever does not is not waited for long.
const TIMES: LockTimes = { heartbeat: 40, silence: 20_000, step: 20_000, watch: 100 };
const PATIENT: LockTimes = { ...TIMES, watch: 10_000 };
const HOUR = 3600;
const ELSEWHERE = { pid: 1, started: '1', space: 'another machine', token: 'x' };

const root = await temporaryFolder();
const test = suite('writer lock');
test.after(() => root.remove());

let folders = 0;
function fresh(): { folder: string; lock: string } {
  const folder = join(root.path, String(folders++));
  mkdirSync(folder);
  return { folder, lock: join(folder, 'writer.lock') };
}

/** A process that holds the lock of a folder until it is killed. */
async function startHolder(folder: string): Promise<ChildProcess> {
  const module = JSON.stringify(new URL('../src/stores/writer-lock.js', import.meta.url).href);
  const script = `
    const { WriterLock } = await import(${module});
    WriterLock.acquire(process.argv[1], ${JSON.stringify(TIMES)});
    setInterval(() => undefined, 1000);
    process.stdout.write('held');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
}

/** The lock looks as if another container had taken it: its holder cannot be asked, and only its heartbeat tells. */
function moveAway(lock: string): void {
  const holder = JSON.parse(readFileSync(lock, 'utf8')) as object;
  writeFileSync(lock, JSON.stringify({ ...holder, space: 'another machine' }));
}

function setTime(path: string, secondsFromNow: number): void {
  const time = Date.now() / 1000 + secondsFromNow;
  utimesSync(path, time, time);
}

function isFree(folder: string, times = TIMES): boolean {
  try {
    WriterLock.acquire(folder, times).release();
    return true;
  } catch (error) {
    if (error instanceof RetrievalError && error.code === 'library-locked') return false;
    throw error;
  }
}

test('times are in proportion', () => {
  const { heartbeat, silence, step, watch } = LOCK_TIMES;
  for (const [long, short] of [
    [watch, 3 * heartbeat],
    [silence, 3 * heartbeat],
    [step, heartbeat],
  ] as const)
    assert.ok(long >= short);
});

test('on one machine the process decides, and no clock: alive or killed, with a file of long ago or of the future', async () => {
  const { folder, lock } = fresh();
  const child = await startHolder(folder);
  const text = readFileSync(lock, 'utf8');
  const start = performance.now();
  for (const seconds of [0, -HOUR, HOUR]) {
    setTime(lock, seconds);
    assert.not(isFree(folder, PATIENT), `alive, ${seconds} s`);
  }
  await kill(child);
  for (const seconds of [0, -HOUR, HOUR]) {
    writeFileSync(lock, text);
    setTime(lock, seconds);
    assert.ok(isFree(folder, PATIENT), `killed, ${seconds} s`);
  }
  assert.ok(performance.now() - start < PATIENT.watch, 'nothing is waited for');
});

test('a holder that cannot be asked lives as long as it beats, wherever the clock jumps', async () => {
  const { folder, lock } = fresh();
  const child = await startHolder(folder);
  moveAway(lock);
  for (const seconds of [-HOUR, HOUR, -30 * 24 * HOUR, 0]) {
    // As if the clock had jumped since the last beat; the next one comes while the file is watched.
    setTime(lock, seconds);
    assert.not(isFree(folder, PATIENT), `${seconds} s`);
  }
  await kill(child);
  assert.not(isFree(folder), 'it may live still');
  for (const seconds of [-HOUR, HOUR]) {
    writeFileSync(lock, JSON.stringify(ELSEWHERE));
    setTime(lock, seconds);
    assert.ok(isFree(folder), `dead, ${seconds} s`);
  }
});

test('a file that was not written to its end, or is damaged, is held for some seconds', () => {
  const { folder, lock } = fresh();
  for (const seconds of [-HOUR, HOUR]) {
    writeFileSync(lock, '{"pid":');
    assert.not(isFree(folder));
    setTime(lock, seconds);
    assert.ok(isFree(folder), `${seconds} s`);
  }
});

test('a process that died while it broke a lock is no obstacle for ever', () => {
  const { folder, lock } = fresh();
  for (const seconds of [-HOUR, HOUR]) {
    writeFileSync(lock, JSON.stringify(ELSEWHERE));
    setTime(lock, -HOUR);
    mkdirSync(`${lock}.break`);
    setTime(`${lock}.break`, seconds);
    assert.ok(isFree(folder), `${seconds} s`);
    assert.not(existsSync(`${lock}.break`));
  }
});

test('whoever was taken for dead knows it', () => {
  const { folder, lock } = fresh();
  const held = WriterLock.acquire(folder, TIMES);
  assert.ok(held.held());
  writeFileSync(lock, JSON.stringify(ELSEWHERE));
  assert.not(held.held());
  held.release();
  assert.ok(existsSync(lock), 'the lock of another is left alone');
});

test.run();
