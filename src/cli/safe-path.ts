/**
 * A stored path as one below a folder of this machine.
 * @module
 */
import { relativePath } from '../base/relative-path.ts';

/** As {@link relativePath}, by the rules of the system that runs this. */
export function safePath(path: string, suffix = '', windows: boolean = process.platform === 'win32'): string {
  return relativePath(path, { windows, suffix });
}
