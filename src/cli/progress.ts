/**
 * Progress of long work: a bar with rate and ETA on a terminal, a line now and then elsewhere, nothing when quiet.
 * Written to stderr, so that stdout stays for answers.
 * @module
 */
import { Presets, SingleBar } from 'cli-progress';

/** Counts finished items. */
export interface Progress {
  /** One more is done. `note` replaces the text behind the bar. */
  step(note?: string): void;
  /** Ends the line. Safe to call twice. */
  stop(): void;
}

const LINE_EVERY_MS = 10_000;

/**
 * @param label - What is counted, in front of the bar.
 * @param total - Items in all.
 * @param unit - One item, for the rate.
 */
export function startProgress(label: string, total: number, unit: string, quiet: boolean): Progress {
  if (quiet || total === 0) return { step: () => undefined, stop: () => undefined };
  const start = performance.now();
  let done = 0;
  const rate = (): number => done / Math.max(1e-3, (performance.now() - start) / 1000);
  if (process.stderr.isTTY === true) {
    const bar = new SingleBar(
      {
        format: `${label} {bar} {value}/{total}  {rate} ${unit}/s  ETA {eta_formatted}  {note}`,
        hideCursor: true,
        stream: process.stderr,
        etaBuffer: 50,
      },
      Presets.shades_grey,
    );
    bar.start(total, 0, { rate: '-', note: '' });
    return {
      step(note = '') {
        done++;
        bar.update(done, { rate: rate().toFixed(1), note });
      },
      stop: () => bar.stop(),
    };
  }
  let last = start;
  let stopped = false;
  const line = (): void => {
    const eta = Math.ceil((total - done) / Math.max(1e-9, rate()));
    process.stderr.write(`${label} ${done}/${total}  ${rate().toFixed(1)} ${unit}/s  ETA ${eta}s\n`);
    last = performance.now();
  };
  return {
    step() {
      done++;
      if (performance.now() - last > LINE_EVERY_MS) line();
    },
    stop() {
      if (!stopped && performance.now() - start > LINE_EVERY_MS) line();
      stopped = true;
    },
  };
}
