/** Puts made text into a document, between `<!-- name -->` and `<!-- /name -->`; what stands outside of marks is written by hand. */
import { readFile, writeFile } from 'node:fs/promises';

/**
 * @param path - The document; undefined: the text is printed.
 * @throws When the document lacks one of the marks. {@link RangeError}
 */
export async function putBetweenMarks(path: string | undefined, name: string, text: string): Promise<void> {
  if (path === undefined) return console.log(`${text}\n`);
  await writeFile(path, between(await readFile(path, 'utf8'), name, text));
}

/** The document with the text between its marks. */
export function between(document: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [document.indexOf(open), document.indexOf(close)];
  if (from < 0 || to < from) throw new RangeError(`"document" expected one with ${open} and ${close}`);
  return `${document.slice(0, from + open.length)}\n${text}\n${document.slice(to)}`;
}
