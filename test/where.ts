/** Tests that need what is not on every machine: where it is missing they are counted as skipped, and each says so by name. */
import type { Test } from 'uvu';

/** `test` where `here`; elsewhere what skips a test of it, and prints `skipped: NAME: MISSING`. */
export function where(here: boolean, test: Test, missing: string): (name: string, body: () => unknown) => void {
  if (here) return (name, body) => test(name, async () => void (await body()));
  return (name) => {
    console.log(`skipped: ${name}: ${missing}`);
    test.skip(name);
  };
}
