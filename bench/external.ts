/**
 * A side that runs in a process of its own: a C program, or another library.
 *
 * It is given `KIND ROWS QUERY COUNT DIMS K`, ROWS and QUERY being files of bytes, says `{"version": ..}` on a line when it has loaded them, and answers
 * each line `go` by `{"ms": .., "indices": [..]}`: one search, timed by itself. Everyone uses one thread.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Timed } from './harness.ts';

/** What is searched: `hamming` u8 codes by a u8 code, `inner-product` f32 rows by an f32 row, `asymmetric` u8 codes by an f32 row. */
export type Kind = 'hamming' | 'inner-product' | 'asymmetric';

/** One search, the same for everyone. */
export interface Task {
  readonly kind: Kind;
  readonly rows: Uint8Array | Float32Array;
  readonly query: Uint8Array | Float32Array;
  readonly count: number;
  /** Bits of a code, or numbers of a row. */
  readonly dims: number;
  readonly k: number;
}

/** An answer and its time. */
export interface Answer extends Timed {
  readonly indices: readonly number[];
}

/** Sets the threads of everything we know to one. */
const ONE_THREAD = {
  ...{ OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', RAYON_NUM_THREADS: '1' },
  ...{ TOKIO_WORKER_THREADS: '1', LANCE_CPU_THREADS: '1', LANCE_IO_THREADS: '1' },
};

/** A running side. */
export class External {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, version: string) {
    this.#child = child;
    this.#lines = lines;
    this.version = version;
  }

  /** Starts a side; undefined, with the reason on the standard error, where it cannot run here. */
  static async start(command: readonly string[], args: readonly string[]): Promise<External | undefined> {
    const [program = '', ...first] = command;
    const child = spawn(program, [...first, ...args], {
      env: { ...process.env, ...ONE_THREAD },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.on('error', () => undefined);
    child.stdin!.on('error', () => undefined);
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const { value, done } = await lines.next();
    if (done === true) return undefined;
    const { version } = JSON.parse(value as string) as { version: string };
    return new External(child, lines, version);
  }

  /** One search. */
  async search(): Promise<Answer> {
    this.#child.stdin!.write('go\n');
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('a side has ended');
    return JSON.parse(value as string) as Answer;
  }

  /** Ends the process. */
  close(): void {
    this.#child.stdin!.end();
    this.#child.kill();
  }
}

/**
 * Writes a task's bytes to files and hands their names, as arguments, to `use`; deletes the files after.
 */
export async function withFiles<T>(
  { kind, rows, query, count, dims, k }: Task,
  use: (args: string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'blindsight-bench-'));
  try {
    const files = [join(folder, 'rows'), join(folder, 'query')] as const;
    await writeFile(files[0], rows);
    await writeFile(files[1], query);
    return await use([kind, ...files, String(count), String(dims), String(k)]);
  } finally {
    await rm(folder, { recursive: true });
  }
}
