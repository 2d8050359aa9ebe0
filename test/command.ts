/** Runs the real command line, and makes folders that vanish. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { changeLibraryPassphrase } from '../src/adapters/library.ts';

const MAIN = join(import.meta.dirname, '..', 'src', 'cli', 'main.js');

const NO_MODELS = join(tmpdir(), 'blindsight-test-no-models');

/** Folder of the sample photos. */
export const SAMPLES: string = join(import.meta.dirname, '..', '..', 'examples', 'photos');

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly passphrase?: string;
  readonly env?: Record<string, string>;
  /** Ends the process with SIGKILL after this many milliseconds. */
  readonly killAfterMs?: number;
}

/** `blindsight ...args`, with the passphrase in the environment. */
export async function blindsight(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { child, outcome } = startBlindsight(args, options);
  const { killAfterMs } = options;
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return outcome.finally(() => clearTimeout(timer));
}

/** The same while it runs, to be sent signals. */
export function startBlindsight(
  args: readonly string[],
  { passphrase = 'correct horse', env = {} }: RunOptions = {},
): { readonly child: ChildProcess; readonly outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [MAIN, ...args], {
    // Not the models of whoever runs the tests.
    env: { BLINDSIGHT_MODELS: NO_MODELS, ...process.env, BLINDSIGHT_PASSPHRASE: passphrase, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const outcome = new Promise<Outcome>((resolve) =>
    child.on('close', (code, signal) =>
      resolve({
        code,
        signal,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    ),
  );
  return { child, outcome };
}

/** The JSON answer of a command that must succeed. */
export async function answerOf<T = Record<string, unknown>>(
  args: readonly string[],
  options: RunOptions = {},
): Promise<T> {
  const { code, stdout, stderr } = await blindsight([...args, '--json'], options);
  if (code !== 0) throw new Error(`blindsight ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** An empty folder, and how to delete it. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'blindsight-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Makes a library's passphrase quick to try, which no command does: tests open a library often. */
export async function hasten(library: string, passphrase = 'correct horse'): Promise<void> {
  await changeLibraryPassphrase(library, { passphrase }, passphrase, { cost: { memoryKib: 64, passes: 1, lanes: 1 } });
}

/** A running server. */
export interface Served {
  readonly url: string;
  /** Address of the browser page, where there is one. */
  readonly page?: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  /** Sends SIGTERM, and waits for the end. */
  stop(): Promise<number | null>;
}

/**
 * `blindsight serve` at a free port; no passphrase is anywhere near.
 * @param credentials - None: one token of its own, which the address of the page has.
 */
export async function serve(path: string, credentials?: string, more: readonly string[] = []): Promise<Served> {
  const { BLINDSIGHT_PASSPHRASE: _, ...env } = process.env;
  const who = credentials === undefined ? [] : ['--credentials', credentials];
  // Of an option that is given twice, the last one holds.
  const child = spawn(process.execPath, [MAIN, 'serve', path, ...who, '--json', '--port', '0', ...more], {
    env: { BLINDSIGHT_MODELS: NO_MODELS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    void ended.then((code) => reject(new Error(`ended with ${code}: ${log}`)));
  });
  return {
    ...(JSON.parse(line) as { url: string; page?: string }),
    child,
    log: () => log,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
