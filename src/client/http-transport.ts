/**
 * Messages over HTTP, with Web `fetch` alone: the same in Node, Deno, Bun, browsers and workers.
 *
 * Every message may be sent again without harm, so what fails on the way is sent again: after a lost connection, a
 * time-out, `429` and the 5xx that pass, with growing, uneven pauses, and not before the server's `Retry-After`.
 * @module
 */
import { assertInteger, assertString } from '../base/assert.ts';
import { concat } from '../base/bytes.ts';
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';
import { MESSAGE_TYPE, MESSAGES_PATH } from '../protocol/http-names.ts';
import { MAX_MESSAGE_BYTES, decodeResponse, responseKind } from '../protocol/messages.ts';
import type { Transport } from './transport.ts';

/** How to reach a server. */
export interface HttpTransportOptions {
  /** As printed by `blindsight credential add`. */
  readonly token: string;
  /** Default the platform's. */
  readonly fetch?: typeof fetch;
  /** How often a message is sent at most. Default 6. */
  readonly attempts?: number;
  /** First pause, about; each further one is twice as long, up to a minute. Default 250 ms. */
  readonly backoffMs?: number;
  /** Longest wait for an answer, and longest silence within one; a message that is sent gets more by its length. Default 120 s. */
  readonly timeoutMs?: number;
  /** Numbers in [0, 1) for the uneven pauses. Default `Math.random`. */
  readonly random?: () => number;
}

const LONGEST_PAUSE_MS = 60_000;
/** What a line is expected to carry at the least. */
const BYTES_PER_MS = 16;

/** Statuses of servers and of what stands before them. */
const CODES: Partial<Record<number, readonly [RetrievalErrorCode, string]>> = {
  401: ['unauthorized', 'the server does not know this token'],
  403: ['forbidden', 'the server does not allow this'],
  404: ['not-found', 'there is no Blindsight server at this address'],
  408: ['timed-out', 'the message did not reach the server in time'],
  409: ['parameter-mismatch', 'the server holds something else'],
  413: ['message-too-large', 'the server takes no message of this size'],
  429: ['rate-limited', 'the server wants fewer requests'],
  502: ['server-busy', 'the server cannot be reached through what stands before it'],
  503: ['server-busy', 'the server has too much to do, or is going down'],
  504: ['timed-out', 'the server did not answer in time'],
};

/** Failures that may pass. */
const PASSING: ReadonlySet<string> = new Set<RetrievalErrorCode>([
  'server-unreachable',
  'server-busy',
  'server-failed',
  'storage-failed',
  'timed-out',
  'rate-limited',
]);

/** What one attempt came to. */
type Attempt =
  | { readonly answer: Uint8Array }
  | { readonly failure: RetrievalError; readonly answer?: Uint8Array; readonly retryAfterMs: number };

/**
 * A transport to the server at an address.
 * @param url - `https://host/`, with a path where a proxy puts the server below one.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On an address that is not http or https, or has a user or password in it. {@link RangeError}
 * @example
 * ```ts
 * const transport = createHttpTransport('https://photos.example', { token });
 * const client = new Client({ transport, ...rest });
 * ```
 */
export function createHttpTransport(url: string, options: HttpTransportOptions): Transport {
  const address = messagesAddress(url);
  const { token, attempts = 6, backoffMs = 250, timeoutMs = 120_000, random = Math.random } = options;
  assertString(token, 'token');
  if (!/^[\x21-\x7e]+$/.test(token)) throw new RangeError('"token" expected printable characters without spaces');
  assertInteger(attempts, 'attempts', 1, 100);
  assertInteger(backoffMs, 'backoffMs', 0, LONGEST_PAUSE_MS);
  assertInteger(timeoutMs, 'timeoutMs', 1, 2 ** 31 - 1);
  const send = options.fetch ?? fetch;

  const attempt = async (request: Uint8Array): Promise<Attempt> => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), ms);
    };
    try {
      wait(timeoutMs + request.length / BYTES_PER_MS);
      const response = await send(address, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': MESSAGE_TYPE },
        body: request as Uint8Array<ArrayBuffer>,
        redirect: 'manual',
        signal: controller.signal,
      });
      return judge(response, await readAnswer(response, () => wait(timeoutMs)));
    } catch (error) {
      if (error instanceof RetrievalError) return { failure: error, retryAfterMs: 0 };
      const failure = controller.signal.aborted
        ? new RetrievalError('timed-out', 'the server did not answer in time', { cause: error })
        : new RetrievalError('server-unreachable', `no connection to ${address.host}`, { cause: error });
      return { failure, retryAfterMs: 0 };
    } finally {
      clearTimeout(timer);
      controller.abort();
    }
  };

  return async (request) => {
    for (let number = 1; ; number++) {
      const outcome = await attempt(request);
      if (!('failure' in outcome)) return outcome.answer;
      const { failure, retryAfterMs, answer } = outcome;
      if (number >= attempts || !PASSING.has(failure.code)) {
        if (answer !== undefined) return answer;
        throw failure;
      }
      const pause = Math.min(LONGEST_PAUSE_MS, backoffMs * 2 ** (number - 1)) * (0.5 + random() / 2);
      await new Promise((resolve) => setTimeout(resolve, Math.max(pause, Math.min(LONGEST_PAUSE_MS, retryAfterMs))));
    }
  };
}

function messagesAddress(url: string): URL {
  assertString(url, 'url');
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base === undefined || !['http:', 'https:'].includes(base.protocol))
    throw new RangeError('"url" expected an address that begins with https:// or http://');
  if (base.username !== '' || base.password !== '') throw new RangeError('"url" expected no user or password in it');
  base.search = base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return new URL(MESSAGES_PATH, base);
}

/** The body of an answer, no longer than a message may be. */
async function readAnswer(response: Response, alive: () => void): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    alive();
    const next = await reader?.read();
    if (next === undefined || next.done) return concat(...pieces);
    length += next.value.length;
    if (length > MAX_MESSAGE_BYTES)
      throw new RetrievalError('corrupt-message', `expected at most ${MAX_MESSAGE_BYTES} bytes`);
    pieces.push(next.value);
  }
}

function judge(response: Response, body: Uint8Array): Attempt {
  const { status, headers } = response;
  const isMessage = headers.get('content-type')?.split(';')[0]!.trim() === MESSAGE_TYPE;
  const retryAfterMs = 1000 * Math.max(0, Number(headers.get('retry-after')) || 0);
  if (isMessage) {
    if (responseKind(body) !== 'error') return { answer: body };
    const decoded = decodeResponse(body);
    if (decoded.kind === 'error')
      return { failure: new RetrievalError(decoded.code, decoded.message), answer: body, retryAfterMs };
  }
  const [code, message] = CODES[status] ?? [
    status >= 500 ? 'server-failed' : 'corrupt-message',
    response.type === 'opaqueredirect' || (status >= 300 && status < 400)
      ? 'the server is somewhere else: give the address that this one leads to'
      : `expected a message from the server, got status ${status}`,
  ];
  return { failure: new RetrievalError(code, message), retryAfterMs };
}
