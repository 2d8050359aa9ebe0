/**
 * Where the scans of tables run: on the calling thread alone, or on several that share the tables' memory
 * (`adapters/scan-threads.ts`).
 * @module
 */
import { instantiateKernels, type Kernels } from './kernels.ts';

/** The kernels that go through a table for its best rows. Those of one query return how many they have found. */
export type ScanKernel =
  | 'hammingTop'
  | 'asymmetricTop'
  | 'asymmetricTopBounded'
  | 'innerProductTop'
  | 'innerProductTopMany'
  | 'int8ProductTop';

/** Runs scans. A scan is cut into parts that may run in any order, and at once. */
export interface ScanTeam {
  /** Threads that scan, the caller's among them. */
  readonly size: number;
  /** Kernels over a fresh memory that every thread of the team reaches. */
  instantiate(): Kernels;
  /** Lets go of a memory: its kernels are not used again. */
  release(kernels: Kernels): void;
  /**
   * Calls a kernel once a part, and comes back when all parts are done. Parts must not write to the same bytes.
   * @param parts - The arguments of each.
   * @returns What each returned.
   * @throws `worker-failed` where a thread does not come back with its part. {@link RetrievalError}
   */
  run(kernels: Kernels, kernel: ScanKernel, parts: readonly (readonly number[])[]): number[];
}

/** What a table can be made with. */
export type KernelSource = WebAssembly.Module | ScanTeam;

/** The team that is meant: a module alone scans on the calling thread. */
export function teamOf(source: KernelSource): ScanTeam {
  return source instanceof WebAssembly.Module ? new CallingThread(source) : source;
}

/** Calls a kernel by its name. */
export function callScan(kernels: Kernels, kernel: ScanKernel, args: readonly number[]): number {
  return (kernels[kernel] as (...args: number[]) => number | undefined)(...args) ?? 0;
}

class CallingThread implements ScanTeam {
  readonly size = 1;
  readonly #module: WebAssembly.Module;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  instantiate(): Kernels {
    return instantiateKernels(this.#module);
  }

  release(): void {}

  run(kernels: Kernels, kernel: ScanKernel, parts: readonly (readonly number[])[]): number[] {
    return parts.map((args) => callScan(kernels, kernel, args));
  }
}
