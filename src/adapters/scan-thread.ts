/**
 * A thread that scans: the entry of the threads that `scan-threads.ts` starts. It sleeps until there is a scan, and has nothing but the kernels and
 * the tables' memory.
 * @module
 */
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Kernels } from '../wasm/kernels.ts';
import { callScan } from '../wasm/scan-team.ts';
import {
  DONE,
  FAILED,
  KERNEL,
  MAX_ARGUMENTS,
  MEMORY,
  OVER,
  SCAN_KERNELS,
  TURN,
  sharedKernels,
  takePart,
  type ScanThreadData,
  type ScanThreadMessage,
} from './scan-board.ts';

const { module, board, memories } = workerData as ScanThreadData;
const { state, args, found } = board;
const known = new Map<number, Kernels>();

/** Kernels over a memory that was sent: they are sent before the first scan of them. */
function kernelsOf(id: number): Kernels | undefined {
  while (!known.has(id)) {
    const message = receiveMessageOnPort(memories)?.message as ScanThreadMessage | undefined;
    if (message === undefined) return undefined;
    known.set(message.id, sharedKernels(module, message.memory));
  }
  return known.get(id);
}

function scan(part: number): number {
  const kernels = kernelsOf(state[MEMORY]!);
  const kernel = SCAN_KERNELS[state[KERNEL]!];
  if (kernels === undefined || kernel === undefined) return FAILED;
  return callScan(kernels, kernel, [...args.subarray(part * MAX_ARGUMENTS, (part + 1) * MAX_ARGUMENTS)]);
}

for (;;) {
  const turn = Atomics.load(state, TURN);
  if (Atomics.load(state, OVER) === 1) break;
  for (let part = takePart(state); part !== undefined; part = takePart(state)) {
    try {
      found[part] = scan(part);
    } catch {
      found[part] = FAILED;
    }
    Atomics.add(state, DONE, 1);
    Atomics.notify(state, DONE);
  }
  Atomics.wait(state, TURN, turn);
}
