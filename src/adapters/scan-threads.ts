/**
 * Scans on several cores: worker threads that share the memory of the tables with the thread that asks.
 *
 * A scan is cut into parts. The asking thread and the others take one after another until none is left, so a thread that is held up, or not there yet,
 * delays nothing but its own part; then the asking thread sleeps until the last part is done. Nobody waits by spinning. The asking thread has come back only
 * when all is done: to the code around it a scan is a plain function call, and nobody sees a table half changed.
 * @module
 */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { assertInteger } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { callScan, type ScanKernel, type ScanTeam } from '../wasm/scan-team.ts';
import {
  DONE,
  FAILED,
  LEFT,
  MAX_ARGUMENTS,
  MAX_PARTS,
  MEMORY,
  KERNEL,
  OVER,
  SCAN_KERNELS,
  TURN,
  makeBoard,
  sharedKernels,
  takePart,
  type Board,
  type ScanThreadData,
  type ScanThreadMessage,
} from './scan-board.ts';

/** Most threads of one team. */
export const MAX_SCAN_THREADS = 64;
/** No part takes as long as this; a thread that does has been lost. */
const LOST_MS = 60_000;

interface Thread {
  readonly worker: Worker;
  /** Other end of its {@link ScanThreadData.memories}. */
  readonly memories: MessagePort;
}

/** Threads that were started together. Those that come after them have a board of their own: one that is slow to end takes no part of theirs. */
interface Crew {
  readonly board: Board;
  readonly threads: readonly Thread[];
}

/**
 * Threads that scan. Tables made with it hold their memory until they are closed.
 * @example
 * ```ts
 * const threads = new ScanThreads(await loadSharedKernels(), 4);
 * const server = createServer({ store, kernels, threads });
 * await server.close();
 * await threads.close();
 * ```
 */
export class ScanThreads implements ScanTeam {
  readonly size: number;
  readonly #module: WebAssembly.Module;
  readonly #memories = new Map<Kernels, number>();
  #crew: Crew | undefined;
  #nextMemory = 1;
  #closed = false;

  /**
   * @param module - Compiled kernels that import a shared memory: `loadSharedKernels`.
   * @param threads - Threads that scan, the calling one among them: 1..=64.
   * @throws On another number of threads. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, threads: number) {
    assertInteger(threads, 'threads', 1, MAX_SCAN_THREADS);
    this.#module = module;
    this.size = threads;
  }

  instantiate(): Kernels {
    const kernels = sharedKernels(this.#module, undefined);
    const id = this.#nextMemory++;
    this.#memories.set(kernels, id);
    for (const { memories } of this.#crew?.threads ?? []) send(memories, { id, memory: kernels.memory });
    return kernels;
  }

  /** A memory is free when no thread knows it: the threads are ended, and begin anew with the next scan. */
  release(kernels: Kernels): void {
    if (this.#memories.delete(kernels)) void this.#end();
  }

  run(kernels: Kernels, kernel: ScanKernel, parts: readonly (readonly number[])[]): number[] {
    const memory = this.#memories.get(kernels);
    if (this.#closed || parts.length === 1 || parts.length > MAX_PARTS || memory === undefined)
      return parts.map((args) => callScan(kernels, kernel, args));
    this.#crew ??= this.#start();
    const { state, args, found } = this.#crew.board;
    // Nobody takes a part before LEFT is set, and all of the scan before has been done.
    parts.forEach((list, part) => args.set(list, part * MAX_ARGUMENTS));
    state[MEMORY] = memory;
    state[KERNEL] = SCAN_KERNELS.indexOf(kernel);
    state[DONE] = 0;
    Atomics.store(state, LEFT, parts.length);
    Atomics.add(state, TURN, 1);
    Atomics.notify(state, TURN);
    for (let part = takePart(state); part !== undefined; part = takePart(state)) {
      found[part] = callScan(kernels, kernel, parts[part]!);
      Atomics.add(state, DONE, 1);
    }
    this.#wait(state, parts.length);
    return parts.map((list, part) => (found[part] === FAILED ? callScan(kernels, kernel, list) : found[part]!));
  }

  /** Ends the threads. Scans after it run on the calling thread. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  /** Until `parts` parts are done. */
  #wait(state: Board['state'], parts: number): void {
    for (let done = Atomics.load(state, DONE); done < parts; done = Atomics.load(state, DONE)) {
      if (Atomics.wait(state, DONE, done, LOST_MS) !== 'timed-out') continue;
      void this.#end();
      throw new RetrievalError('worker-failed', 'a thread that scans has not come back');
    }
  }

  #start(): Crew {
    const board = makeBoard();
    const threads: Thread[] = [];
    try {
      while (threads.length < this.size - 1) threads.push(this.#startThread(board));
    } catch {
      // No more of them are to be had (their number is limited, or forbidden): those that there are do the work.
    }
    return { board, threads };
  }

  #startThread(board: Board): Thread {
    const { port1, port2 } = new MessageChannel();
    const data: ScanThreadData = { module: this.#module, board, memories: port2 };
    const worker = new Worker(new URL('./scan-thread.js', import.meta.url), {
      workerData: data,
      transferList: [port2],
      // What was said to the process of its own program (--input-type, --import) is not for this one; nor is what the environment holds.
      execArgv: [],
      env: {},
    });
    // A thread that cannot begin takes no part: the others do its work.
    worker.on('error', () => undefined);
    worker.unref();
    for (const [{ memory }, id] of this.#memories) send(port1, { id, memory });
    return { worker, memories: port1 };
  }

  async #end(): Promise<void> {
    const crew = this.#crew;
    if (crew === undefined) return;
    this.#crew = undefined;
    const { state } = crew.board;
    // Deno's `terminate` ends no thread that is busy or asleep: it is told, too.
    Atomics.store(state, OVER, 1);
    Atomics.add(state, TURN, 1);
    Atomics.notify(state, TURN);
    await Promise.all(
      crew.threads.map(({ worker, memories }) => {
        memories.close();
        return worker.terminate();
      }),
    );
  }
}

function send(memories: MessagePort, message: ScanThreadMessage): void {
  memories.postMessage(message);
}
