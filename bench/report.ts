import { cpus } from 'node:os';
import type { Bench } from 'tinybench';

let headed = false;

/** Prints one line per task: median latency, spread (MAD), units per second, and the ratio to the last task. */
export function report(bench: Bench, { unit, perRun }: { unit: string; perRun: number }): void {
  if (!headed)
    console.log(`# node ${process.version}, ${cpus()[0]?.model ?? 'unknown cpu'}, ${process.platform}-${process.arch}`);
  headed = true;
  const baseline = bench.tasks.at(-1)?.result;
  for (const { name, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`${bench.name} / ${name}: ${result.state}`);
    const { p50, mad } = result.latency;
    const rate = (perRun / p50 / 1000).toFixed(1);
    const ratio = baseline?.state === 'completed' ? (baseline.latency.p50 / p50).toFixed(2) : '?';
    console.log(
      `${bench.name}  ${name.padEnd(6)} ${(p50 * 1000).toFixed(1)} us ± ${(mad * 1000).toFixed(1)}  ${rate} M ${unit}/s  x${ratio}`,
    );
  }
}
