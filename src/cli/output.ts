/**
 * How the command line speaks: answers on stdout, everything else on stderr, errors in one line.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';

/** Options every command has. */
export interface Common {
  readonly json?: boolean;
}

/** Prints an answer: the object as JSON, or the text for people. */
export function answer(options: Common, value: unknown, text: string): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(value)}\n` : `${printable(text).trimEnd()}\n`);
}

/** Names of files may hold what steers a terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?');
}

/** A remark for people; silent under `--json`. */
export function remark(options: Common, text: string): void {
  if (options.json !== true) process.stderr.write(`${printable(text)}\n`);
}

/** Exit status of a failed command: 2 when the call was wrong, 1 when the world was. */
export function exitCode(error: unknown): 1 | 2 {
  return isUsage(error) ? 2 : 1;
}

/** Whether the caller is at fault: errors of the engine (no memory, a bug) have the same types, and another shape. */
function isUsage(error: unknown): error is TypeError | RangeError {
  return (error instanceof TypeError || error instanceof RangeError) && /^"[^"]+" expected /.test(error.message);
}

/** One line that says what went wrong; never a stack, never a secret. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof RetrievalError) return { code: error.code, message: error.message };
  if (isUsage(error)) return { code: 'usage', message: error.message };
  const system = error as NodeJS.ErrnoException;
  if (system.code === 'ENOSPC' || system.code === 'EDQUOT')
    return { code: 'storage-full', message: 'no space is left on the device' };
  if (system.code === 'EIO') return { code: 'storage-failed', message: 'a device could not be read or written' };
  return { code: system.code ?? 'internal', message: error instanceof Error ? error.message : String(error) };
}

/** Prints an error as the command line promises: `error: message (code)`, or as JSON. */
export function printError(options: Common, error: unknown): void {
  const { code, message } = describeError(error);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
  process.stderr.write(`error: ${printable(message).replaceAll('\n', ' ')} (${code})\n`);
}

/** A byte count for people. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
