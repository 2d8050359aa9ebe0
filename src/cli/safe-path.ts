/**
 * A stored path as one that can only lie below the folder it is written to.
 * @module
 */

/**
 * Removes what could lead out of a folder or break a file system: `..`, absolute roots, drive letters,
 * control characters, names reserved on Windows, parts that are too long.
 * @returns A relative path with `/` between parts, never empty.
 */
export function safePath(path: string): string {
  const parts = path
    .split(/[/\\]/)
    .map((part) => part.replace(/[\u0000-\u001f\u007f<>:"|?*]/g, '_').replace(/[. ]+$/, ''))
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .map((part) => (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(part) ? `_${part}` : part))
    .map((part) => shorten(part, 200));
  return parts.length === 0 ? 'unnamed' : parts.join('/');
}

/** Keeps the ending when a name is cut. */
function shorten(part: string, max: number): string {
  if (part.length <= max) return part;
  const dot = part.lastIndexOf('.');
  const ending = dot > part.length - 12 && dot > 0 ? part.slice(dot) : '';
  return part.slice(0, max - ending.length) + ending;
}
