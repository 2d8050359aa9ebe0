/**
 * Where a passphrase comes from: a file, the environment, or a prompt; never an argument, which other
 * users of the machine can read in the process list.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { RetrievalError } from '../base/errors.ts';
import { readError } from './walk.ts';

/** Name of the environment variable. */
const PASSPHRASE_VARIABLE = 'BLINDSIGHT_PASSPHRASE';

/**
 * Asks for a passphrase.
 * @param file - From `--passphrase-file`: its first line is the passphrase.
 * @param prompt - What to ask on the terminal.
 * @param twice - Ask again, and compare: for a new passphrase.
 * @throws `wrong-passphrase` when there is no source, it is empty, or the two differ. {@link RetrievalError}
 */
export async function readPassphrase(
  file: string | undefined,
  prompt = 'Passphrase: ',
  twice = false,
  variable: string = PASSPHRASE_VARIABLE,
): Promise<string> {
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw readError(file, error);
    });
    return nonEmpty(text.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0]!, `the first line of ${file}`);
  }
  const fromEnvironment = process.env[variable];
  if (fromEnvironment !== undefined) return nonEmpty(fromEnvironment, variable);
  if (process.stdin.isTTY !== true)
    throw new RetrievalError(
      'wrong-passphrase',
      `no passphrase: give --passphrase-file FILE, set ${variable}, or run on a terminal`,
    );
  const first = nonEmpty(await ask(prompt), 'the passphrase');
  if (twice && (await ask('Again: ')) !== first)
    throw new RetrievalError('wrong-passphrase', 'the two passphrases differ');
  return first;
}

function nonEmpty(text: string, where: string): string {
  if (text.length === 0) throw new RetrievalError('wrong-passphrase', `${where} is empty`);
  return text;
}

/** Reads one line from the terminal without showing it. */
function ask(prompt: string): Promise<string> {
  process.stderr.write(prompt);
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.resume();
  stdin.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    let line = '';
    const finish = (act: () => void): void => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      process.stderr.write('\n');
      act();
    };
    const onData = (chunk: string): void => {
      for (const key of chunk) {
        if (key === '\r' || key === '\n' || key === '\u0004') return finish(() => resolve(line));
        if (key === '\u0003')
          return finish(() => reject(new RetrievalError('cancelled', 'stopped while the passphrase was asked for')));
        if (key === '\u007f' || key === '\b') line = [...line].slice(0, -1).join('');
        else if (key >= ' ') line += key;
      }
    };
    stdin.on('data', onData);
  });
}
