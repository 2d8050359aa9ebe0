/**
 * How many threads describe images, how many files are then worked on at a time, and how many threads rank.
 *
 * The library starts no thread unless told to; a command has the machine to itself, so it takes the cores that are there. From some
 * threads on the main thread, which seals and stores, is what they wait for.
 * @module
 */
import { availableParallelism } from 'node:os';

/** Options of every command that describes many images. */
export interface WorkerOptions {
  readonly workers?: number;
  readonly concurrency?: number;
}

const MOST_BY_DEFAULT = 8;

/** Threads, as asked for or as many as there are cores. With one core there is nothing to overlap. */
export function workersOf({ workers }: WorkerOptions): number {
  const cores = availableParallelism();
  return workers ?? (cores === 1 ? 0 : Math.min(cores, MOST_BY_DEFAULT));
}

/** Threads of a server that rank, as asked for or as many as there are cores. More than some wait for memory. */
export function rankingThreadsOf({ threads }: { readonly threads?: number }): number {
  return threads ?? Math.min(availableParallelism(), MOST_BY_DEFAULT);
}

/** Files worked on at a time: one in each thread and one on its way there, one that is read and one that is sealed. */
export function concurrencyOf(options: WorkerOptions): number {
  const workers = workersOf(options);
  return options.concurrency ?? (workers === 0 ? 3 : Math.min(2 * workers + 2, 64));
}
