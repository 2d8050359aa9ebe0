/**
 * Searches of a whole index that wait at the same time go through it together: one pass over memory answers them all.
 * @module
 */

/** Most searches of one pass: their answers wait for the last one. */
const MOST = 16;

/** Something that waits to be answered. */
interface Waiting<Request, Answer> {
  readonly request: Request;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** Collects requests of one index until its turn comes. */
export class ScanBatch<Request, Answer> {
  readonly #inTurn: (task: () => Promise<void>) => Promise<void>;
  readonly #answer: (requests: readonly Request[]) => Promise<readonly Answer[]>;
  /** By name of the index. */
  readonly #waiting = new Map<string, Waiting<Request, Answer>[]>();

  /**
   * @param inTurn - Runs a task when those before it are done.
   * @param answer - Answers requests of one index, in order.
   */
  constructor(
    inTurn: (task: () => Promise<void>) => Promise<void>,
    answer: (requests: readonly Request[]) => Promise<readonly Answer[]>,
  ) {
    this.#inTurn = inTurn;
    this.#answer = answer;
  }

  /** Answers a request with those of the same index that come before its turn. */
  add(index: string, request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(index) ?? [];
      this.#waiting.set(index, waiting);
      waiting.push({ request, resolve, reject });
      // The next ones of a full batch make another.
      if (waiting.length % MOST === 1) void this.#inTurn(() => this.#run(index));
    });
  }

  async #run(index: string): Promise<void> {
    // Requests that have arrived while the one before was answered are read now.
    await new Promise((resolve) => setTimeout(resolve));
    const waiting = this.#waiting.get(index)!;
    const batch = waiting.splice(0, MOST);
    if (waiting.length === 0) this.#waiting.delete(index);
    try {
      const answers = await this.#answer(batch.map(({ request }) => request));
      batch.forEach(({ resolve }, i) => resolve(answers[i]!));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
