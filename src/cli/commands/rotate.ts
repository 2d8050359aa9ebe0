/** `blindsight rotate`. @module */
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';
import { readPassphrase } from '../passphrase.ts';
import { describeWords } from '../recovery-words.ts';
import { buildNext } from './reindex.ts';

interface Options extends OpenOptions {
  readonly abort?: boolean;
}

export async function rotate(folder: string, options: Options): Promise<void> {
  const signal = stopSignal();
  // Asked for once: it opens the library, and wraps the new key.
  const passphrase = await readPassphrase(options.passphraseFile);
  await withLibrary(folder, { ...options, opener: { passphrase } }, async (library) => {
    if (options.abort === true) {
      const abandoned = await library.abandonNext();
      answer(options, { abandoned }, abandoned ? 'The unfinished rotation is dropped.' : 'No rotation is unfinished.');
      return;
    }
    const next = await library.rotation(passphrase);
    const { done, kept } = await buildNext(library, next, 'rotate', options, signal);
    answer(
      options,
      { rotated: done, kept, recoveryWords: next.words },
      `The library has a new key: ${done} images changed over, ${kept} were done before. The passphrase is the same.
Keys, grants, recovery words and copies of the key file from before open nothing that the server hands out from now on;
what their holders have fetched already stays with them. Give everyone who stays a new grant.

${describeWords(next.words)}`,
    );
  });
}
