/** `blindsight join`. @module */
import { readFile } from 'node:fs/promises';
import { joinLibrary } from '../../adapters/sharing.ts';
import { readIdentity } from '../../crypto/grant.ts';
import { answer, type Common } from '../output.ts';
import { readPassphrase } from '../passphrase.ts';
import { describeWords } from '../recovery-words.ts';
import { readError } from '../walk.ts';

interface Options extends Common {
  readonly identity: string;
  readonly passphraseFile?: string;
}

export async function join(file: string, folder: string, options: Options): Promise<void> {
  const grant = await readFile(file).catch((error: unknown) => {
    throw readError(file, error);
  });
  const text = await readFile(options.identity, 'utf8').catch((error: unknown) => {
    throw readError(options.identity, error);
  });
  const identity = await readIdentity(text);
  const passphrase = await readPassphrase(options.passphraseFile, 'New passphrase: ', true);
  const { role, server, words } = await joinLibrary(folder, grant, identity, passphrase);
  answer(
    options,
    { library: folder, role, server, recoveryWords: words },
    `Made ${folder}: you are ${role === 'owner' ? 'an owner' : 'a viewer'} of the library on ${server}.
The grant holds the key of the library: delete it once this folder works.

${describeWords(words)}`,
  );
}
