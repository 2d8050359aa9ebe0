/**
 * Stored paths as paths within a zip file: below its folder wherever it is unpacked, on every system, and no two the same.
 * @module
 */

/** Longest name of a file or folder, in characters: some bytes below what file systems take. */
const MAX_NAME = 180;

/** Gives each path, in turn, a name of its own. */
export function distinctPaths(): (path: string) => string {
  const taken = new Set<string>();
  return (path) => {
    const parts = path
      .split(/[/\\]/)
      // Control characters, and what Windows reserves; a name of dots leads out of the folder.
      .map((part) => part.replace(/[\u0000-\u001f\u007f<>:"|?*]/g, '_').replace(/[. ]+$/, ''))
      .filter((part) => part !== '')
      .map((part) => (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(part) ? `_${part}` : part));
    const name = parts.pop() ?? 'unnamed';
    const dot = name.lastIndexOf('.');
    const [stem, ending] = dot > 0 && name.length - dot <= 12 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
    const folder = parts.map((part) => `${part.slice(0, MAX_NAME)}/`).join('');
    for (let number = 1; ; number++) {
      const wanted = `${folder}${stem.slice(0, MAX_NAME)}${number === 1 ? '' : ` (${number})`}${ending}`;
      // Some file systems do not tell cases apart.
      const key = wanted.toLowerCase();
      if (taken.has(key)) continue;
      taken.add(key);
      return wanted;
    }
  };
}
