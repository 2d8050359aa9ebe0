/**
 * A stored path as one that can only lie below the folder it is written to.
 * @module
 */
import { utf8 } from './bytes.ts';

/** Longest name of a file or folder, in bytes of UTF-8: that of common file systems. */
export const MAX_NAME_BYTES = 255;

/** Where the path is for. */
export interface PathRules {
  /** Whether names that Windows reserves are changed. */
  readonly windows: boolean;
  /** Put before the ending of the file's name. Default none. */
  readonly suffix?: string;
  /** Longest name of a file or folder, in bytes of UTF-8. Default {@link MAX_NAME_BYTES}. */
  readonly nameBytes?: number;
}

/**
 * Removes what could lead out of a folder or break a file system: `..`, absolute roots, control characters, parts
 * that are too long; on Windows also drive letters, characters and names that it reserves. Other names stay as they are.
 * @returns A relative path with `/` between parts, never empty.
 */
export function relativePath(path: string, { windows, suffix = '', nameBytes = MAX_NAME_BYTES }: PathRules): string {
  const parts = path
    .split(/[/\\]/)
    .map((part) => part.replace(/[\u0000-\u001f\u007f]/g, '_'))
    .map((part) => (windows ? withoutReserved(part) : part))
    .filter((part) => part !== '' && part !== '.' && part !== '..');
  const name = parts.pop() ?? 'unnamed';
  return [...parts.map((part) => shorten(part, '', nameBytes)), shorten(name, suffix, nameBytes)].join('/');
}

function withoutReserved(part: string): string {
  const plain = part.replace(/[<>:"|?*]/g, '_').replace(/[. ]+$/, '');
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(plain) ? `_${plain}` : plain;
}

/** The suffix, and the ending, are kept when a name is cut. */
function shorten(part: string, suffix: string, nameBytes: number): string {
  const dot = part.lastIndexOf('.');
  const ending = dot > 0 && lengthOf(part.slice(dot)) <= 12 ? part.slice(dot) : '';
  const room = nameBytes - lengthOf(suffix + ending);
  let stem = '';
  let used = 0;
  // By whole characters.
  for (const character of part.slice(0, part.length - ending.length)) {
    used += lengthOf(character);
    if (used > room) break;
    stem += character;
  }
  return stem + suffix + ending;
}

function lengthOf(text: string): number {
  return utf8(text).length;
}
