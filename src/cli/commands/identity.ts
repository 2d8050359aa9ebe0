/** `blindsight identity`. @module */
import { readFile, writeFile } from 'node:fs/promises';
import { newIdentity, readIdentity } from '../../crypto/grant.ts';
import { answer, type Common } from '../output.ts';
import { readError } from '../walk.ts';

/** Prints the public key of an identity file, which is made if there is none. */
export async function identity(file: string, options: Common): Promise<void> {
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw readError(file, error);
  });
  const { secret, recipient } = known === undefined ? await newIdentity() : await readIdentity(known);
  if (known === undefined)
    // Another process may have made it since: its key is not written over.
    await writeFile(file, `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${secret}\n`, {
      ...{ mode: 0o600, flag: 'wx' },
    });
  answer(options, { identity: file, recipient, made: known === undefined }, recipient);
}
