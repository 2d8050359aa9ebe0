/**
 * What the threads of a team share besides the tables' memory: which scan is on, and which of its parts are left.
 *
 * A part is taken by counting {@link LEFT} down. What describes a scan is written while LEFT is 0 or below, so whoever gets a part sees all of it, and one
 * who comes late gets none.
 * @module
 */
import type { MessagePort } from 'node:worker_threads';
import type { Kernels } from '../wasm/kernels.ts';
import type { ScanKernel } from '../wasm/scan-team.ts';

/** Position = number on the board. */
export const SCAN_KERNELS: readonly ScanKernel[] = [
  'hammingTop',
  'asymmetricTop',
  'asymmetricTopBounded',
  'innerProductTop',
  'innerProductTopMany',
  'int8ProductTop',
];

/** Most parts of one scan. */
export const MAX_PARTS = 256;
/** Most arguments of a kernel. */
export const MAX_ARGUMENTS = 16;
/** Instead of a count: the part is to be done again by the thread that asked. */
export const FAILED = -1;

// Positions in `state`. Those that threads write at once are a cache line apart.
/** Changes with every scan: what threads sleep on. */
export const TURN = 0;
/** Number of the memory. */
export const MEMORY = 1;
/** Number of the kernel. */
export const KERNEL = 2;
/** 1 when there will be no more scans: the threads end. */
export const OVER = 3;
/** Parts that nobody has taken; 0 or below when there are none. */
export const LEFT = 16;
/** Parts that are done. */
export const DONE = 32;
const STATE_WORDS = 48;

/** Over shared memory. */
export interface Board {
  readonly state: Int32Array<SharedArrayBuffer>;
  /** f64[MAX_PARTS * MAX_ARGUMENTS] */
  readonly args: Float64Array<SharedArrayBuffer>;
  /** What each part has found, or {@link FAILED}. */
  readonly found: Int32Array<SharedArrayBuffer>;
}

/** What a thread is started with. */
export interface ScanThreadData {
  readonly module: WebAssembly.Module;
  readonly board: Board;
  /** Where memories come from: a {@link ScanThreadMessage} each. Deno reads no other port without waiting. */
  readonly memories: MessagePort;
}

/** What a thread is sent: a memory, under the number that the board calls it. */
export interface ScanThreadMessage {
  readonly id: number;
  readonly memory: WebAssembly.Memory;
}

export function makeBoard(): Board {
  return {
    state: new Int32Array(new SharedArrayBuffer(4 * STATE_WORDS)),
    args: new Float64Array(new SharedArrayBuffer(8 * MAX_PARTS * MAX_ARGUMENTS)),
    found: new Int32Array(new SharedArrayBuffer(4 * MAX_PARTS)),
  };
}

/** Takes a part of the scan that is on, the last one first; undefined when none is left. */
export function takePart(state: Int32Array<SharedArrayBuffer>): number | undefined {
  const left = Atomics.sub(state, LEFT, 1);
  return left > 0 ? left - 1 : undefined;
}

/**
 * Kernels over a shared memory.
 * @param memory - Default: a fresh one.
 */
export function sharedKernels(module: WebAssembly.Module, memory: WebAssembly.Memory | undefined): Kernels {
  // The limits that the module was compiled with: asconfig.json.
  memory ??= new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { ...exports, memory } as unknown as Kernels;
}
