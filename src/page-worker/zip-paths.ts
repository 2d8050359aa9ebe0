/**
 * Stored paths as paths within a zip file: below its folder wherever it is unpacked, on every system, and no two the same.
 * @module
 */
import { relativePath } from '../base/relative-path.ts';

/** Longest name of a file or folder: some bytes below what file systems take. */
const NAME_BYTES = 180;

/** Gives each path, in turn, a name of its own. */
export function distinctPaths(): (path: string) => string {
  const taken = new Set<string>();
  return (path) => {
    for (let number = 1; ; number++) {
      const suffix = number === 1 ? '' : ` (${number})`;
      const wanted = relativePath(path, { windows: true, suffix, nameBytes: NAME_BYTES });
      // Some file systems do not tell cases apart.
      const key = wanted.toLowerCase();
      if (taken.has(key)) continue;
      taken.add(key);
      return wanted;
    }
  };
}
