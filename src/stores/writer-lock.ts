/**
 * One writer at a time, across processes: a file that names its holder.
 *
 * A holder that died (`kill -9`, power) is found out and replaced without anyone's help:
 *
 * - on the same machine and in the same process space, by its process id, and on Linux by the time that
 *   process started, since ids are given out again;
 * - otherwise (another container, no start times) by its heartbeat: a holder touches the file all the time.
 * @module
 */
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
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
const HEARTBEAT_MS = 5_000;
// A holder that cannot be asked counts as dead after this silence.
const SILENCE_MS = 60_000;
// Longest time between making the file and writing it, or between the steps of breaking a dead lock.
const STEP_MS = 10_000;
const ATTEMPTS = 100;

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

  private constructor(path: string, token: string) {
    this.#path = path;
    this.#token = token;
    this.#timer = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  /**
   * Takes the lock of a folder.
   * @throws `library-locked` while another writer lives. {@link RetrievalError}
   */
  static acquire(folder: string): WriterLock {
    const path = join(folder, FILE);
    const token = randomBytes(16).toString('hex');
    const { pid } = process;
    const holder: Holder = { pid, started: startOf(pid) ?? '', space: processSpace(), token };
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        writeFileSync(path, JSON.stringify(holder), { flag: 'wx' });
        return new WriterLock(path, token);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      const other = inspect(path);
      if (other.held) throw new RetrievalError('library-locked', `process ${other.pid} is writing to the library`);
      breakLock(path, other.text);
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

/** Whether a live writer holds the folder. */
export function isWriterAlive(folder: string): boolean {
  return inspect(join(folder, FILE)).held;
}

function inspect(path: string): { held: boolean; pid: number; text: string } {
  const text = readText(path);
  if (text === undefined) return { held: false, pid: 0, text: '' };
  const holder = parse(text);
  const silence = Date.now() - (modifiedAt(path) ?? 0);
  // Being written at this moment, or damaged.
  if (holder === undefined) return { held: silence < STEP_MS, pid: 0, text };
  return { held: isAlive(holder, silence), pid: holder.pid, text };
}

function isAlive({ pid, started, space }: Holder, silence: number): boolean {
  if (space !== processSpace()) return silence < SILENCE_MS;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to someone else.
    if (codeOf(error) === 'ESRCH') return false;
  }
  if (started === '') return silence < SILENCE_MS;
  return startOf(pid) === started;
}

/** Removes a dead lock, one process at a time: only if it is still the one that was found dead. */
function breakLock(path: string, text: string): void {
  const guard = `${path}.break`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (Date.now() - (modifiedAt(guard) ?? Date.now()) > STEP_MS) rmdirSync(guard);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    return;
  }
  try {
    if (readText(path) === text) unlinkSync(path);
  } finally {
    rmdirSync(guard);
  }
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
