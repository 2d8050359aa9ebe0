/**
 * How commands reach a library's server: its address from `--server` or the library folder, the token from a file or the
 * environment; never an argument, which other users of the machine can read.
 * @module
 */
import { readFile } from 'node:fs/promises';
import type { Remote } from '../adapters/library.ts';
import { RetrievalError } from '../base/errors.ts';
import { createHttpTransport } from '../client/http-transport.ts';
import { remark, type Common } from './output.ts';
import { readError } from './walk.ts';

const TOKEN_VARIABLE = 'BLINDSIGHT_TOKEN';

/** Names of this machine itself. */
export const LOOPBACK: RegExp = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** Options of every command that may work on a server. */
export interface ServerOptions extends Common {
  readonly server?: string;
  readonly tokenFile?: string;
}

/** The way to a server. */
export async function connect(url: string, options: ServerOptions): Promise<Remote> {
  const transport = createHttpTransport(url, { token: await readToken(options.tokenFile) });
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !LOOPBACK.test(hostname))
    remark(options, `warning: the token goes to ${hostname} in the clear; https would hide it`);
  return { url, transport };
}

async function readToken(file: string | undefined): Promise<string> {
  const text =
    file === undefined
      ? process.env[TOKEN_VARIABLE]
      : await readFile(file, 'utf8').catch((error: unknown) => {
          throw readError(file, error);
        });
  const token = text?.trim().split(/\s/, 1)[0] ?? '';
  if (token === '')
    throw new RetrievalError('unauthorized', `no token: give --token-file FILE, or set ${TOKEN_VARIABLE}`);
  return token;
}
