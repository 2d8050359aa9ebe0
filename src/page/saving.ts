/**
 * Bytes of the page as a file of the person's own: a download.
 * @module
 */
import { h } from './dom.ts';

/** Saves bytes as a file. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
