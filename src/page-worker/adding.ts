/**
 * An import that can be paused, and that outlives a lost connection: what was encoded but not stored is encoded again.
 * @module
 */
import { addImages, type Source } from '../client/add-images.ts';
import type { Client } from '../client/client.ts';
import type { AddProgress, Failure, NewFile } from '../page/calls.ts';
import { failureOf } from './failure.ts';

/** Failures that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set([
  'server-unreachable',
  'server-busy',
  'server-failed',
  'timed-out',
  'rate-limited',
]);
/** Pictures in hand at a time: one is decoded while the network looks at another. */
const CONCURRENCY = 2;
/** The rate is that of the last so many milliseconds. */
const RATE_MS = 15_000;
/** Shortest time between two tellings. */
const TELL_MS = 100;
const WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

interface Waiting extends Source {
  settled: boolean;
  /** Its bytes were read in this run. */
  begun: boolean;
}

export class Adding {
  readonly #client: Client;
  readonly #isReachable: () => Promise<boolean>;
  readonly #tell: (progress: AddProgress) => void;
  readonly #sources: Waiting[] = [];
  readonly #failures: (Failure & { readonly path: string })[] = [];
  #added = 0;
  #known = 0;
  #encoded = 0;
  #state: AddProgress['state'] = 'done';
  #failure: Failure | undefined;
  #controller = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** When pictures were encoded, lately. */
  #times: number[] = [];
  #told = 0;

  /** @param isReachable - Whether the server answers again. */
  constructor(client: Client, isReachable: () => Promise<boolean>, tell: (progress: AddProgress) => void) {
    this.#client = client;
    this.#isReachable = isReachable;
    this.#tell = tell;
  }

  /** Takes more files. */
  add(files: readonly NewFile[]): void {
    for (const { file, path } of files) {
      const source: Waiting = {
        ...{ name: file.name, path, modifiedAt: file.lastModified, settled: false, begun: false },
        async read() {
          source.begun = true;
          return new Uint8Array(await file.arrayBuffer());
        },
      };
      this.#sources.push(source);
    }
    if (this.#state !== 'paused') this.#start();
  }

  /** A picture has been encoded; it may be one that is searched by. */
  encoded(): void {
    if (this.#sources.length === 0) return;
    this.#encoded++;
    this.#times.push(performance.now());
    this.#report();
  }

  /** Stores what is in hand, then waits. */
  pause(): void {
    if (this.#state !== 'running' && this.#state !== 'waiting') return;
    this.#enter('paused');
    this.#controller.abort();
  }

  resume(): void {
    if (this.#state === 'paused' || this.#state === 'failed') this.#start();
  }

  /** Stores what is in hand, and forgets the rest. */
  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#running;
    if (this.#sources.some(({ settled }) => !settled)) this.#enter('stopped');
    this.#forget();
  }

  #start(): void {
    if (this.#state === 'running' || this.#state === 'waiting') return;
    if (this.#state !== 'paused' && this.#state !== 'failed' && this.#sources.every(({ settled }) => settled)) return;
    this.#enter('running');
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    // A pause may still be storing what it had in hand.
    this.#running = this.#running.then(() => this.#run(signal));
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let wait = WAIT_MS; !signal.aborted;)
      try {
        await this.#pass(signal);
        if (this.#sources.some(({ settled }) => !settled)) continue;
        this.#enter('done');
        this.#forget();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const failure = failureOf(error);
        if (!PASSING.has(failure.code)) {
          this.#failure = failure;
          this.#enter('failed');
          return;
        }
        this.#enter('waiting');
        for (let reached = false; !reached && !signal.aborted; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
          await pause(wait, signal);
          reached = await this.#isReachable();
        }
        wait = WAIT_MS;
        if (!signal.aborted) this.#enter('running');
      }
  }

  /** All that is not settled, once. */
  async #pass(signal: AbortSignal): Promise<void> {
    // Of those that were read and not stored, all is to do again.
    const stored = this.#added + this.#known + this.#failures.length;
    this.#encoded = stored;
    for (const source of this.#sources) source.begun = false;
    for await (const outcome of addImages(this.#client, this.#unsettled(), { concurrency: CONCURRENCY, signal })) {
      outcome.source.settled = true;
      if (outcome.status === 'failed')
        this.#failures.push({ path: outcome.source.path ?? outcome.source.name, ...failureOf(outcome.error) });
      else if (outcome.status === 'added') this.#added++;
      else this.#known++;
      this.#report();
    }
  }

  /** Files that come while it is being read are read too. */
  *#unsettled(): Generator<Waiting> {
    for (let i = 0; i < this.#sources.length; i++) {
      const source = this.#sources[i]!;
      if (!source.settled && !source.begun) yield source;
    }
  }

  /** What is over is counted no longer. */
  #forget(): void {
    this.#sources.length = 0;
    this.#failures.length = 0;
    this.#times = [];
    this.#added = this.#known = this.#encoded = 0;
    this.#failure = undefined;
  }

  #enter(state: AddProgress['state']): void {
    this.#state = state;
    if (state === 'running') {
      this.#failure = undefined;
      this.#times = [performance.now()];
    }
    this.#told = 0;
    this.#report();
  }

  #report(): void {
    const now = performance.now();
    if (now - this.#told < TELL_MS) return;
    this.#told = now;
    while (this.#times.length > 2 && this.#times[0]! < now - RATE_MS) this.#times.shift();
    const seconds = (now - (this.#times[0] ?? now)) / 1000;
    this.#tell({
      state: this.#state,
      total: this.#sources.length,
      encoded: Math.max(this.#encoded, this.#added + this.#known + this.#failures.length),
      ...{ added: this.#added, known: this.#known, failures: [...this.#failures] },
      rate: seconds > 0 ? (this.#times.length - 1) / seconds : 0,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    });
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
  });
}
