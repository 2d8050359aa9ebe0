/**
 * The machine itself, as a side: C programs compiled by gcc where it is there, and how fast memory can be read.
 */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median } from './harness.ts';

const run = promisify(execFile);
/** Far more than any cache holds. */
const BANDWIDTH_BYTES = 2 ** 28;
const ROUNDS = 15;

/** What the figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly node: string;
  readonly platform: string;
  /** Of the C compiler; undefined where there is none. */
  readonly gcc: string | undefined;
  /** GB/s that one thread reads from memory: by the C program, or, without gcc, by copying, which reads as much as it writes. */
  readonly bandwidth: number;
}

let compiled: Promise<string | undefined> | undefined;

/** The program of `bench/c/scans.c`, compiled with `gcc -O3 -march=native`; undefined where that does not work. */
export function scansProgram(): Promise<string | undefined> {
  return (compiled ??= compile());
}

async function compile(): Promise<string | undefined> {
  const source = join(import.meta.dirname, '..', '..', 'bench', 'c', 'scans.c');
  const program = join(import.meta.dirname, 'scans');
  try {
    await run('gcc', ['-O3', '-march=native', '-std=gnu11', '-o', program, source]);
    return program;
  } catch {
    return undefined;
  }
}

/** Measures anew. */
export async function describeMachine(): Promise<Machine> {
  const program = await scansProgram();
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    platform: `${process.platform}-${process.arch}, ${cpus().length} cores`,
    gcc: program && (await run('gcc', ['-dumpfullversion'])).stdout.trim(),
    bandwidth: program === undefined ? copyBandwidth() : await readBandwidth(program),
  };
}

async function readBandwidth(program: string): Promise<number> {
  const { stdout } = await run(program, ['bandwidth', String(BANDWIDTH_BYTES), String(ROUNDS)]);
  return median(stdout.trim().split('\n').map(Number));
}

function copyBandwidth(): number {
  const [from, to] = [new Uint8Array(BANDWIDTH_BYTES).fill(1), new Uint8Array(BANDWIDTH_BYTES).fill(2)];
  const rates = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    to.set(from);
    return (2 * BANDWIDTH_BYTES) / (performance.now() - start) / 1e6;
  });
  return median(rates);
}
