/**
 * Times several sides of one case in turns, so that what disturbs the machine meets all of them alike.
 *
 * A round runs every side once, each for a millisecond or more; a figure is the median over the rounds, with the median absolute deviation
 * (MAD) beside it. The caller has checked before that the sides give the same answer.
 */

/** Time of one run as the side itself has measured it: another process, whose pipe is not to be counted. */
export interface Timed {
  /** Milliseconds. */
  readonly ms: number;
}

/** Figures of one side, in milliseconds a run. */
export interface Figures {
  readonly side: string;
  readonly median: number;
  readonly mad: number;
  readonly rounds: number;
}

interface Side {
  readonly name: string;
  readonly run: () => unknown;
  /** Runs that make one measurement. */
  inner: number;
  readonly samples: number[];
}

const LEAST_MS = 1;
const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 1000;

/** One case: its parameters are its name. */
export class Bench {
  readonly name: string;
  readonly #time: number;
  readonly #sides: Side[] = [];

  /** @param options - `time`: milliseconds for each side, about. */
  constructor({ name, time }: { readonly name: string; readonly time: number }) {
    this.name = name;
    this.#time = time;
  }

  /** @param run - May return a promise, and may return (one of) {@link Timed}. */
  add(name: string, run: () => unknown): this {
    this.#sides.push({ name, run, inner: 1, samples: [] });
    return this;
  }

  async run(): Promise<void> {
    for (const side of this.#sides) {
      await sample(side);
      // The first runs meet cold code; what follows tells how many of them fill a millisecond.
      for (
        let once = await sample(side);
        side.inner < 2 ** 20 && once * side.inner < LEAST_MS;
        once = await sample(side)
      )
        side.inner *= 2;
    }
    let spent = 0;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (round >= LEAST_ROUNDS && spent >= this.#time * this.#sides.length) break;
      for (const side of this.#sides) {
        const ms = await sample(side);
        side.samples.push(ms);
        spent += ms * side.inner;
      }
    }
  }

  /** What was measured, in the order the sides were added. */
  figures(): Figures[] {
    return this.#sides.map(({ name, samples }) => {
      const middle = median(samples);
      return {
        side: name,
        median: middle,
        mad: median(samples.map((ms) => Math.abs(ms - middle))),
        rounds: samples.length,
      };
    });
  }
}

/** Milliseconds of one run, as the mean over `inner` of them. */
async function sample({ run, inner }: Side): Promise<number> {
  let reported = 0;
  const start = performance.now();
  for (let i = 0; i < inner; i++) {
    let result = run();
    if (result instanceof Promise) result = await result;
    if (typeof result === 'object' && result !== null && 'ms' in result) reported += (result as Timed).ms;
  }
  return (reported > 0 ? reported : performance.now() - start) / inner;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
