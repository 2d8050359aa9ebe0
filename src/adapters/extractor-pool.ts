/**
 * Describing images on several cores: worker threads, each with decoders, kernels and a one-threaded session of the deep model.
 *
 * `run()` of onnxruntime-node holds the thread that calls it, so on the main thread decoding, features, sealing and storing wait for it.
 * A thread is started when there is work for it. Each has at most one image decoded, and one file more waiting. Threads get files and public parameters and
 * give descriptors and thumbnails; keys, ids, codes and names stay on the main thread, and so do the passphrase and tokens that the environment may hold.
 * @module
 */
import { Worker } from 'node:worker_threads';
import { assertBytes, assertInteger } from '../base/assert.ts';
import { RetrievalError } from '../base/errors.ts';
import type { Described, DescribeOptions, Extractor, ExtractorParameters } from '../client/extractor.ts';
import { createSharpDecoder } from './sharp-decoder.ts';
import type { ThreadAnswer, ThreadParameters, ThreadRequest } from './extractor-thread.ts';
import { unpackError } from './thread-error.ts';

/** Most threads of one pool. */
export const MAX_WORKERS = 64;
/** Files that a thread has at a time: one in work, and one that it begins without asking. */
const FILES_A_THREAD = 2;
/** What a thread may know of the environment: where models lie. */
const ENVIRONMENT = ['BLINDSIGHT_MODELS', 'XDG_DATA_HOME', 'HOME', 'USERPROFILE'];

interface Job {
  /** The caller's, untouched: a thread that ends may take its copy with it. */
  readonly bytes: Uint8Array;
  readonly options: DescribeOptions;
  resolve(described: Described): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  /** Answers come in the order of these. */
  readonly jobs: Job[];
  readonly ended: Promise<void>;
  ready: boolean;
}

/**
 * An extractor that works in threads. Its descriptors are those of {@link VocabularyExtractor}, bit for bit.
 * @example
 * ```ts
 * const pool = new ExtractorPool(kernels, vocabulary, 2);
 * const described = await Promise.all(files.map((bytes) => pool.describe(bytes)));
 * await pool.close();
 * ```
 */
export class ExtractorPool implements Extractor {
  readonly #parameters: ThreadParameters;
  readonly #workers: number;
  readonly #threads = new Set<Thread>();
  readonly #queue: Job[] = [];
  #closed = false;
  /** Until no thread runs, a native library must not be unloaded; this thread is the last one to have it. */
  readonly #sharp = createSharpDecoder();

  /**
   * @param kernels - Compiled kernels.
   * @param vocabulary - Names the model, and holds the codebook.
   * @param workers - Most threads, 1..=64.
   */
  constructor(kernels: WebAssembly.Module, { model, local, codebook, idf }: ExtractorParameters, workers: number) {
    assertInteger(workers, 'workers', 1, MAX_WORKERS);
    this.#parameters = { kernels, parameters: { model, local, codebook, idf } };
    this.#workers = workers;
  }

  /**
   * Calls may overlap, and should: one file at a time keeps one thread busy.
   * @param bytes - A whole image file. Copied.
   * @param options - As {@link Extractor.describe}.
   * @throws As {@link Extractor.describe}; `worker-failed` when the thread ends over this file; `model-unavailable`, `parameter-mismatch` when no thread
   *   can begin; `cancelled` when the pool is closed before. {@link RetrievalError}
   */
  async describe(bytes: Uint8Array, { thumbnail = false }: DescribeOptions = {}): Promise<Described> {
    assertBytes(bytes, 'bytes');
    await this.#sharp;
    return new Promise((resolve, reject) => {
      this.#queue.push({ bytes, options: { thumbnail }, resolve, reject });
      if (this.#closed) this.#cancel();
      else this.#dispatch();
    });
  }

  /** Ends the threads after the files in work. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await Promise.all(
      Array.from(this.#threads, ({ worker, ended }) => {
        worker.ref();
        send(worker, null);
        return ended;
      }),
    );
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#leastBusy();
      if (thread === undefined) return;
      const job = this.#queue.shift()!;
      thread.jobs.push(job);
      // A busy thread keeps the process alive, an idle one does not.
      thread.worker.ref();
      // The caller keeps the file, to seal it: one copy, which then changes hands.
      const bytes = new Uint8Array(job.bytes);
      send(thread.worker, { bytes, options: job.options }, [bytes.buffer]);
    }
  }

  /** An idle thread, else a new one, else one with room; undefined when all have enough. */
  #leastBusy(): Thread | undefined {
    let least: Thread | undefined;
    for (const thread of this.#threads) if (thread.jobs.length < (least?.jobs.length ?? FILES_A_THREAD)) least = thread;
    return least?.jobs.length !== 0 && this.#threads.size < this.#workers ? this.#start() : least;
  }

  #start(): Thread {
    const environment = ENVIRONMENT.map((name) => [name, process.env[name]] as const);
    const worker = new Worker(new URL('./extractor-thread.js', import.meta.url), {
      workerData: this.#parameters,
      // What was said to the process of its own program (--input-type, --import) is not for this one.
      execArgv: [],
      env: Object.fromEntries(environment.filter(([, value]) => value !== undefined)),
    });
    const jobs: Job[] = [];
    const thread: Thread = {
      ...{ worker, jobs, ready: false },
      ended: new Promise((resolve) => {
        worker.on('exit', () => {
          const [code, what] = thread.ready
            ? (['worker-failed', 'a thread ended while it described the image'] as const)
            : (['model-unavailable', 'a thread to describe images ended before it began'] as const);
          this.#lose(thread, new RetrievalError(code, what, { cause: reason }));
          resolve();
        });
      }),
    };
    let reason: unknown;
    // What a thread does not catch ends it: `exit` follows.
    worker.on('error', (error) => (reason = error));
    worker.on('message', (answer: ThreadAnswer) => {
      if (answer.kind === 'ready') thread.ready = true;
      else if (answer.kind === 'unusable') {
        this.#lose(thread, unpackError(answer.error));
        send(worker, null);
      } else {
        const job = jobs.shift()!;
        if (answer.kind === 'described') job.resolve(answer.described);
        else job.reject(unpackError(answer.error));
      }
      this.#dispatch();
      if (jobs.length === 0 && !this.#closed) worker.unref();
    });
    this.#threads.add(thread);
    return thread;
  }

  /** A thread has ended: the image that it was at has failed, the other goes to the next thread. Where it could not begin, both have failed. */
  #lose(thread: Thread, error: Error): void {
    const { jobs, ready } = thread;
    this.#threads.delete(thread);
    for (const { reject } of jobs.splice(0, ready ? 1 : jobs.length)) reject(error);
    this.#queue.unshift(...jobs.splice(0));
    if (this.#closed) this.#cancel();
    else this.#dispatch();
  }

  #cancel(): void {
    for (const { reject } of this.#queue.splice(0))
      reject(new RetrievalError('cancelled', 'closed before the image was described'));
  }
}

function send(worker: Worker, request: ThreadRequest, transfer: readonly ArrayBuffer[] = []): void {
  worker.postMessage(request, transfer);
}
