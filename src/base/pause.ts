/**
 * Lets whatever else waits for the thread run: between the parts of long work.
 * @module
 */

/** Resolves once other events have had their turn. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
