/**
 * The worker, from the page's side: calls that answer later.
 * @module
 */
import type { AnswerMessage, Calls, Failure, KeeperEvent } from './calls.ts';

/** A call that failed in the worker. */
export class KeeperError extends Error implements Failure {
  readonly code: string;

  constructor({ code, message }: Failure) {
    super(message);
    this.code = code;
  }
}

/** What a failure is, whatever was thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof KeeperError) return error;
  return { code: 'failed', message: error instanceof Error ? error.message : 'something failed' };
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: KeeperError) => void;
}

export class Keeper {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #number = 0;

  /** @param listen - Gets what the worker tells by itself. */
  constructor(listen: (event: KeeperEvent) => void) {
    this.#worker = new Worker('/page/worker.js', { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<AnswerMessage | KeeperEvent>) => {
      if ('event' in data) return listen(data);
      const pending = this.#pending.get(data.number);
      this.#pending.delete(data.number);
      if ('failure' in data) pending?.reject(new KeeperError(data.failure));
      else pending?.resolve(data.value as never);
    };
    this.#worker.onerror = () => {
      for (const { reject } of this.#pending.values())
        reject(new KeeperError({ code: 'failed', message: 'the worker of this page ended: load the page again' }));
      this.#pending.clear();
    };
  }

  /** Asks the worker. */
  call<Name extends keyof Calls>(name: Name, ...values: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>> {
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject });
      this.#worker.postMessage({ number, name, values });
    });
  }
}
