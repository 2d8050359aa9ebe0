/**
 * Recovery words as a user reads them.
 * @module
 */

/** What to do with the words, and the words in rows. */
export function describeWords(words: string): string {
  return `Recovery words. Write them down: they open the library without the passphrase, and are shown only now.

${inRows(words.split(' '))}`;
}

function inRows(words: readonly string[]): string {
  let text = '';
  for (const [i, word] of words.entries())
    text += `${String(i + 1).padStart(4)} ${word.padEnd(10)}${i % 6 === 5 ? '\n' : ''}`;
  return text;
}
