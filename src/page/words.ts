/**
 * Numbers and failures in words.
 * @module
 */
import type { Failure } from './calls.ts';

const number = new Intl.NumberFormat('en');

/** 12,345. */
export function count(value: number): string {
  return number.format(value);
}

/** Two places, and no minus before nothing. */
export function figure(value: number): string {
  const text = value.toFixed(2);
  return text === '-0.00' ? '0.00' : text.replace('-', '\u2212');
}

/** "1 picture", "12 pictures". */
export function pictures(value: number): string {
  return `${count(value)} ${value === 1 ? 'picture' : 'pictures'}`;
}

/** Bytes, to two or three digits. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** "40 s", "3 min", "2 h". */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = seconds / 60;
  return minutes < 90 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`;
}

/** What something took: "80 ms", "1.2 s". */
export function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** A day. */
export function day(milliseconds: number): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(new Date(milliseconds));
}

const SAID: Readonly<Record<string, string>> = {
  'wrong-passphrase': 'That is not the passphrase of this library.',
  unauthorized: 'The server does not know this token.',
  forbidden: 'This token may look, but not change anything.',
  'server-unreachable': 'No connection to the server.',
  'timed-out': 'The server did not answer in time.',
  'server-busy': 'The server has too much to do just now.',
  'decrypt-failed': 'What the server sent was altered, or is damaged: it does not open.',
  'corrupt-record': 'What the server has of this is damaged.',
  'rolled-back': 'The server shows an older state of the library than this browser has seen. Ask whoever runs it.',
  'key-rotated': 'The library has a new key. Open it again with the new key file.',
  'parameter-mismatch': 'Another index of the library serves: it was indexed anew meanwhile. Load the page again.',
  'unsupported-format': 'No decoder here reads this kind of file.',
  'not-an-image': 'This is no picture.',
  'corrupt-image': 'The picture is damaged, or cut short.',
  'empty-file': 'The file is empty.',
  'image-too-large': 'The picture has more pixels than are read.',
  'unknown-id': 'The picture is not in the library any more.',
};

/** A failure for people. */
export function sentence({ code, message }: Failure): string {
  return SAID[code] ?? `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`;
}
