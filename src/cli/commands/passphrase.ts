/** `blindsight passphrase`. @module */
import { changeLibraryPassphrase } from '../../adapters/library.ts';
import { readOpener, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';
import { readPassphrase } from '../passphrase.ts';

interface Options extends OpenOptions {
  readonly newPassphraseFile?: string;
}

export async function passphrase(folder: string, options: Options): Promise<void> {
  const opener = await readOpener(options);
  const next = await readPassphrase(options.newPassphraseFile, 'New passphrase: ', true, 'BLINDSIGHT_NEW_PASSPHRASE');
  await changeLibraryPassphrase(folder, opener, next);
  answer(options, { library: folder, changed: true }, 'The passphrase is changed. The recovery words are the same.');
}
