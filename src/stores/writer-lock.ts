/**
 * One writer at a time, across processes: a file that names its holder.
 *
 * A holder that died (`kill -9`, power) is found out and replaced without anyone's help:
 *
 * - on the same machine and in the same process space, by its process id, and on Linux by the time that
 *   process started, since ids are given out again;
 * - otherwise (another container, no start times) by its heartbeat: a holder touches the file all the time. Clocks jump, and those of
 *   two machines differ: a file that looks old, or is from the future, is watched for a while, on a clock that cannot jump.
 * @module
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { RetrievalError } from '../base/errors.ts';

const FILE = 'writer.lock';
/** Times of the lock, in milliseconds. */
export interface LockTimes {
  readonly heartbeat: number;
  /** A holder that cannot be asked lives for certain if its last heartbeat is younger. */
  readonly silence: number;
  /** Longest time between making the file and writing it, or between the steps of breaking a dead lock. */
  readonly step: number;
  /** How long a file that looks left behind is watched. Several heartbeats: whoever beats then is alive, whatever clocks say. */
  readonly watch: number;
}

export const LOCK_TIMES: LockTimes = { heartbeat: 5_000, silence: 60_000, step: 10_000, watch: 15_000 };
const ATTEMPTS = 100;
// Between two looks at what another process does.
const LOOK_MS = 20;

interface Holder {
  readonly pid: number;
  /** When the process started, in a unit of the system's own; empty where unknown. */
  readonly started: string;
  /** Where process ids mean the same. */
  readonly space: string;
  readonly token: string;
}

/** A lock that is held until {@link WriterLock.release}. */
export class WriterLock {
  readonly #path: string;
  readonly #token: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(path: string, token: string, times: LockTimes) {
    this.#path = path;
    this.#token = token;
    this.#timer = setInterval(() => this.#beat(), times.heartbeat);
    this.#timer.unref();
  }

  /**
   * Takes the lock of a folder. Waits, for as long as `times.watch`, where only watching can tell whether another holder lives.
   * @throws `library-locked` while another writer lives. {@link RetrievalError}
   */
  static acquire(folder: string, times: LockTimes = LOCK_TIMES): WriterLock {
    const path = join(folder, FILE);
    const token = randomBytes(16).toString('hex');
    const { pid } = process;
    const holder: Holder = { pid, started: startOf(pid) ?? '', space: processSpace(), token };
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        writeNew(path, JSON.stringify(holder));
        return new WriterLock(path, token, times);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      const other = inspect(path, times);
      if (other.held) throw new RetrievalError('library-locked', `process ${other.pid} is writing to the library`);
      breakLock(path, other.text, times);
    }
    throw new RetrievalError('library-locked', 'other processes keep taking the lock of the library');
  }

  /** Whether nobody has taken it for dead meanwhile (a machine that slept). */
  held(): boolean {
    return parse(readText(this.#path) ?? '')?.token === this.#token;
  }

  release(): void {
    clearInterval(this.#timer);
    if (this.held()) rmSync(this.#path, { force: true });
  }

  #beat(): void {
    try {
      if (this.held()) utimesSync(this.#path, new Date(), new Date());
    } catch {
      // A missed beat is made up for by the next.
    }
  }
}

/** Makes a file that was not there. On a full disk none is left: an empty one would look like a writer at its beginning. */
function writeNew(path: string, text: string): void {
  const file = openSync(path, 'wx');
  try {
    writeFileSync(file, text);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Whether a live writer holds the folder. */
export function isWriterAlive(folder: string): boolean {
  return inspect(join(folder, FILE), LOCK_TIMES).held;
}

function inspect(path: string, times: LockTimes): { held: boolean; pid: number; text: string } {
  const text = readText(path);
  if (text === undefined) return { held: false, pid: 0, text: '' };
  const holder = parse(text);
  // Being written at this moment, or damaged.
  const held = holder === undefined ? fateOf(path, times.step, times) === 'touched' : isAlive(holder, path, times);
  return { held, pid: holder?.pid ?? 0, text };
}

function isAlive({ pid, started, space }: Holder, path: string, times: LockTimes): boolean {
  if (space !== processSpace()) return fateOf(path, times.silence, times) === 'touched';
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to someone else.
    if (codeOf(error) === 'ESRCH') return false;
  }
  if (started === '') return fateOf(path, times.silence, times) === 'touched';
  return startOf(pid) === started;
}

/**
 * What becomes of a file that another process is to touch. It is `touched` where its age is below `limit`. Clocks may have been set meanwhile:
 * an older file, or one from as far in the future, is watched, and counts as `left` behind only if it stays as it is.
 */
function fateOf(path: string, limit: number, { watch }: LockTimes): 'touched' | 'left' | 'gone' {
  const before = modifiedAt(path);
  if (before === undefined) return 'gone';
  // Two clocks are never quite alike, not even those of one file system and one process.
  if (Math.abs(Date.now() - before) < limit) return 'touched';
  for (const start = performance.now(); performance.now() - start < watch;) {
    pause(LOOK_MS);
    const now = modifiedAt(path);
    if (now === undefined) return 'gone';
    if (now !== before) return 'touched';
  }
  return 'left';
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Removes a dead lock, one process at a time: only if it is still the one that was found dead. */
function breakLock(path: string, text: string, times: LockTimes): void {
  const guard = `${path}.break`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (fateOf(guard, times.step, times) === 'left') removeFolder(guard);
    else pause(LOOK_MS);
    return;
  }
  try {
    if (readText(path) === text) unlinkSync(path);
  } finally {
    removeFolder(guard);
  }
}

/** Another process may have come before. */
function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** Boot and process namespace on Linux, the name of the machine elsewhere. */
function processSpace(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return `${process.platform} ${hostname()}`;
  }
}

/** Field 22 of /proc/PID/stat (proc(5)): start time in ticks after boot. Undefined for the dead, and for zombies. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, started, space, token } = JSON.parse(text) as Partial<Holder>;
    if (!Number.isSafeInteger(pid) || pid! < 1) return undefined;
    if (typeof started !== 'string' || typeof space !== 'string' || typeof token !== 'string') return undefined;
    return { pid: pid!, started, space, token };
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function modifiedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code;
}
