/**
 * The server role over HTTP: one Web-standard `fetch`, for Node, Deno, Bun and workers.
 *
 * | route                | who          |                                                                          |
 * | -------------------- | ------------ | ------------------------------------------------------------------------ |
 * | `POST /v0/messages`  | by message   | one encoded request in, one encoded response out; errors too, by status  |
 * | `GET /v0/blobs/:id`  | owner, viewer | an encrypted image, streamed; ranges, ETag                              |
 * | `GET /healthz`, `/readyz`, `/metrics`, `/openapi.json` | anyone |                                              |
 * | `GET` anything else  | by file      | files that are served beside the messages, such as the browser page, compressed when asked; none by default |
 *
 * There is no `PUT` of a blob: the store takes an image with its record or not at all, and a message carries both.
 * TLS is the platform's affair: a proxy in front, or the runtime.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { Hono, type Context } from 'hono';
import { concat, fromHex, toHex, utf8 } from '../base/bytes.ts';
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';
import { MESSAGE_TYPE, MESSAGES_PATH } from '../protocol/http-names.ts';
import {
  MAX_MESSAGE_BYTES,
  decodeAnswer,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  requestKind,
  responseKind,
  type BlobResponse,
} from '../protocol/messages.ts';
import { acceptedEncoding } from './accept-encoding.ts';
import { parseRange } from './byte-range.ts';
import { authenticate, mayAsk, type Credential } from './credentials.ts';
import { PAGE_HEADERS, type FileSource } from './files.ts';
import { statusOf } from './http-status.ts';
import { Metrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { readBody } from './read-body.ts';
import type { Server } from './server.ts';
import { TokenBuckets } from './token-buckets.ts';

/** What a handler allows. */
export interface HandlerLimits {
  /** Bytes of an owner's message. Default 288 MiB: the largest image, and room for the rest. */
  readonly messageBytes: number;
  /** Bytes of a viewer's message: no image is in it. Default 4 MiB. */
  readonly viewerBytes: number;
  /** Bytes of all messages that are held at a time. Default 576 MiB. */
  readonly heldBytes: number;
  /** Messages answered at a time. Default 256. */
  readonly messages: number;
  /** Longest silence within a body. Default 30 seconds. */
  readonly idleMs: number;
  /** Bytes a second a body must come at, once `idleMs` have passed. Default 16 KiB. */
  readonly bytesPerSecond: number;
  /** Longest time for an answer; work that is under way is finished all the same. Default 100 seconds. */
  readonly answerMs: number;
  /** Requests a second of one credential. Default 200. */
  readonly rate: number;
  /** Requests of one credential at once, before `rate` holds. Default 1000. */
  readonly burst: number;
}

const DEFAULT_LIMITS: HandlerLimits = {
  messageBytes: 288 * 1024 * 1024,
  viewerBytes: 4 * 1024 * 1024,
  heldBytes: 576 * 1024 * 1024,
  messages: 256,
  idleMs: 30_000,
  bytesPerSecond: 16 * 1024,
  answerMs: 100_000,
  rate: 200,
  burst: 1000,
};

/** One request, as it may be written down: no body, no id, no query, no token. */
export interface LogEntry {
  readonly time: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly event: 'request';
  readonly method: string;
  /** The pattern, not the path. */
  readonly route: string;
  /** Kind of message, or name of the route. */
  readonly kind: string;
  readonly status: number;
  /** Of an error. */
  readonly code?: string;
  /** Name of the credential. */
  readonly user?: string;
  readonly milliseconds: number;
  /** Bytes of the bodies. */
  readonly received: number;
  readonly sent: number;
}

/** What a handler is made with. */
export interface HandlerOptions {
  /** Asked at every request, so that a credential that is taken away is gone at once. */
  readonly credentials: () => readonly Credential[] | Promise<readonly Credential[]>;
  /** Called once a request, when it is over. */
  readonly log?: (entry: LogEntry) => void;
  readonly limits?: Partial<HandlerLimits>;
  /** Files served beside the messages. */
  readonly files?: FileSource;
}

/** Answers HTTP requests. */
export interface Handler {
  /** Never rejects. */
  fetch(request: Request): Promise<Response>;
  /**
   * Says that the end is near: `/readyz` tells it, answers close their connections.
   * @returns When no request is in hand.
   */
  drain(): Promise<void>;
}

/** What becomes known of a request while it is answered. */
interface Exchange {
  route: string;
  kind: string;
  code?: string;
  user?: string;
  /** Seconds after which it makes sense to ask again. */
  retryAfter?: number;
  received: number;
  sent: number;
  /** Settles when a streamed body has been sent, or will not be. */
  streamed?: Promise<void>;
}

type Env = { Bindings: Exchange };

/** Bytes of a blob in memory at a time. */
const PART_BYTES = 1024 * 1024;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);

/**
 * Puts HTTP in front of a server. The server is the caller's to close, after {@link Handler.drain}.
 * @example
 * ```ts
 * const handler = createHandler(createServer({ store, kernels }), { credentials: () => credentials });
 * export default { fetch: handler.fetch };
 * ```
 */
export function createHandler(server: Server, options: HandlerOptions): Handler {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const buckets = new TokenBuckets(limits.rate, limits.burst);
  const metrics = new Metrics();
  const app = new Hono<Env>();
  let inHand = 0;
  let messages = 0;
  let heldBytes = 0;
  let draining: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** Whose request it is. */
  const identify = async ({ env, req }: Context<Env>): Promise<Credential> => {
    const credentials = await options.credentials();
    const credential = authenticate(req.raw.headers.get('authorization'), credentials);
    if (credential === undefined)
      throw new RetrievalError('unauthorized', 'expected the token of a credential that holds');
    env.user = credential.name;
    return credential;
  };

  /** Whose request it is, if they may ask again already. */
  const admit = async (context: Context<Env>): Promise<Credential> => {
    const credential = await identify(context);
    const wait = buckets.take(credential.name, performance.now());
    if (wait > 0) {
      context.env.retryAfter = wait;
      throw new RetrievalError('rate-limited', `more than ${limits.rate} requests a second`);
    }
    return credential;
  };

  const busy = (env: Exchange, message: string): RetrievalError => {
    env.retryAfter = 1;
    return new RetrievalError('server-busy', message);
  };

  const hold = (env: Exchange, bytes: number): void => {
    if (heldBytes + bytes > limits.heldBytes) throw busy(env, 'the server holds as many messages as it can');
    heldBytes += bytes;
    env.received += bytes;
  };

  app.post(`/${MESSAGES_PATH}`, async (context) => {
    const { env, req } = context;
    env.route = `/${MESSAGES_PATH}`;
    env.kind = 'message';
    const { role } = await admit(context);
    const { headers } = req.raw;
    if (
      headers.get('content-type')?.split(';')[0]!.trim().toLowerCase() !== MESSAGE_TYPE ||
      headers.has('content-encoding')
    )
      return refuse(env, 415, 'unsupported-media-type', `expected ${MESSAGE_TYPE}, not compressed`);
    if (messages >= limits.messages) throw busy(env, 'the server answers as many messages as it can');
    messages++;
    let answering: Promise<Uint8Array> | undefined;
    try {
      const maxBytes = Math.min(MAX_MESSAGE_BYTES, role === 'owner' ? limits.messageBytes : limits.viewerBytes);
      const body = await readBody(req.raw, { ...limits, maxBytes }, (bytes) => hold(env, bytes));
      const kind = requestKind(body);
      env.kind = kind;
      // The credential may have gone, or be worth less, since the body began to come.
      if (!mayAsk((await identify(context)).role, kind))
        throw new RetrievalError('forbidden', `a ${role} may not send ${kind}`);
      answering = server.handle(body);
      const answer = await within(answering, limits.answerMs, () => busy(env, 'the answer took too long'));
      const failure = responseKind(answer) === 'error' ? decodeResponse(answer) : undefined;
      if (failure?.kind === 'error') env.code = failure.code;
      return messageResponse(env, failure?.kind === 'error' ? statusOf(failure.code) : 200, answer);
    } finally {
      // What took too long is still being worked on.
      const release = (): void => {
        messages--;
        heldBytes -= env.received;
      };
      if (answering === undefined) release();
      else void answering.then(release, release);
    }
  });

  /** A part of a blob. */
  const part = async (id: Uint8Array, offset: number, length: number): Promise<BlobResponse> =>
    decodeAnswer(await server.handle(encodeRequest({ kind: 'blob', id, offset, length })), 'blob');

  app.get('/v0/blobs/:id', async (context) => {
    const { env, req } = context;
    env.route = '/v0/blobs/:id';
    env.kind = 'blob-stream';
    await admit(context);
    const id = fromHex(req.param('id'));
    if (id?.length !== 16) throw new RetrievalError('unknown-id', 'expected an id of 32 hexadecimal digits');
    const first = await part(id, 0, 0);
    const tag = tagOf(first);
    const headers = new Headers({
      etag: tag,
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      'content-type': 'application/octet-stream',
      'blindsight-wrapped-key': toHex(first.wrapped),
    });
    const asked = req.raw.headers;
    if (matches(asked.get('if-none-match'), tag)) return new Response(null, { status: 304, headers });
    const ifRange = asked.get('if-range');
    const range = parseRange(ifRange === null || ifRange === tag ? asked.get('range') : null, first.total);
    if (range === 'unsatisfiable') {
      const response = refuse(env, 416, 'range-not-satisfiable', `expected a range within ${first.total} bytes`);
      response.headers.set('content-range', `bytes */${first.total}`);
      return response;
    }
    const { from, to } = range === 'whole' ? { from: 0, to: first.total } : range;
    headers.set('content-length', String(to - from));
    if (range !== 'whole') headers.set('content-range', `bytes ${from}-${to - 1}/${first.total}`);
    const body =
      req.raw.method === 'HEAD'
        ? null
        : streamBlob(env, (at) => part(id, at, Math.min(PART_BYTES, to - at)), tag, from, to);
    return new Response(body, { status: range === 'whole' ? 200 : 206, headers });
  });

  app.get('/healthz', ({ env }) => text(env, '/healthz', 'health', 200, 'ok\n'));

  app.get('/readyz', async ({ env }) => {
    const ready =
      draining === undefined && responseKind(await server.handle(encodeRequest({ kind: 'info' }))) === 'info';
    return text(env, '/readyz', 'ready', ready ? 200 : 503, ready ? 'ready\n' : 'not ready\n');
  });

  app.get('/metrics', ({ env }) => {
    const response = text(env, '/metrics', 'metrics', 200, metrics.text(inHand));
    response.headers.set('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    return response;
  });

  app.get('/openapi.json', ({ env }) => {
    env.route = '/openapi.json';
    env.kind = 'openapi';
    return jsonResponse(env, 200, describeApi(options.files !== undefined));
  });

  const only = (path: string, allow: string): void => {
    app.all(path, ({ env }) => {
      env.route = path;
      const response = refuse(env, 405, 'method-not-allowed', `expected ${allow}`);
      response.headers.set('allow', allow);
      return response;
    });
  };
  only(`/${MESSAGES_PATH}`, 'POST');
  for (const path of ['/v0/blobs/:id', '/healthz', '/readyz', '/metrics', '/openapi.json']) only(path, 'GET, HEAD');

  const { files } = options;
  // Digests of files that are kept in memory.
  const tags = new WeakMap<Uint8Array, string>();
  if (files !== undefined)
    app.get('*', async (context) => {
      const { env, req } = context;
      const file = files(new URL(req.raw.url).pathname);
      if (file === undefined) return context.notFound();
      env.route = '/*';
      env.kind = 'file';
      if (file.restricted) await admit(context);
      const encoding = file.compress && acceptedEncoding(req.raw.headers.get('accept-encoding'));
      const bytes = encoding === undefined ? await file.read() : await file.compress!(encoding);
      // Of what is sent: another encoding is another representation.
      let tag = tags.get(bytes);
      if (tag === undefined) tags.set(bytes, (tag = `"${toHex(sha256(bytes).subarray(0, 16))}"`));
      const headers = new Headers({
        ...PAGE_HEADERS,
        etag: tag,
        'cache-control': file.restricted ? 'private, no-cache' : 'no-cache',
        'content-type': file.type,
      });
      if (file.compress !== undefined) headers.set('vary', 'accept-encoding');
      if (encoding !== undefined) headers.set('content-encoding', encoding);
      if (matches(req.raw.headers.get('if-none-match'), tag)) return new Response(null, { status: 304, headers });
      headers.set('content-length', String(bytes.length));
      if (req.raw.method === 'HEAD') return new Response(null, { headers });
      env.sent = bytes.length;
      return new Response(bytes as Uint8Array<ArrayBuffer>, { headers });
    });

  app.notFound(({ env }) => refuse(env, 404, 'not-found', 'there is nothing at this address'));

  app.onError((error, { env }) => {
    const told =
      error instanceof RetrievalError && error.code in TOLD
        ? error
        : new RetrievalError('server-failed', 'the server failed');
    // What is not told is still written down by its code.
    env.code = error instanceof RetrievalError ? error.code : told.code;
    const { message } = told;
    if (env.route !== `/${MESSAGES_PATH}`) return refuse(env, statusOf(told.code), told.code, message, env.code);
    const answer = encodeResponse({ kind: 'error', code: told.code, message });
    return messageResponse(env, statusOf(told.code), answer);
  });

  const finish = (request: Request, response: Response, exchange: Exchange, start: number): void => {
    const seconds = (performance.now() - start) / 1000;
    const { route, kind, code, user, received, sent } = exchange;
    const { status } = response;
    inHand--;
    metrics.observe({ kind, status, seconds, received, sent });
    options.log?.({
      time: new Date().toISOString(),
      level: status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info',
      event: 'request',
      method: METHODS.has(request.method) ? request.method : 'other',
      route,
      kind,
      status,
      ...(code === undefined ? {} : { code }),
      ...(user === undefined ? {} : { user }),
      milliseconds: Math.round(1e5 * seconds) / 100,
      received,
      sent,
    });
    if (inHand === 0) draining?.resolve();
  };

  return {
    async fetch(request) {
      const start = performance.now();
      const exchange: Exchange = { route: 'other', kind: 'other', received: 0, sent: 0 };
      inHand++;
      const response = await app.fetch(request, exchange);
      addHeaders(response.headers, response.status, exchange, draining !== undefined);
      if (exchange.streamed === undefined) finish(request, response, exchange, start);
      else void exchange.streamed.then(() => finish(request, response, exchange, start));
      return response;
    },
    drain() {
      if (draining === undefined) {
        let resolve = (): void => undefined;
        const promise = new Promise<void>((done) => (resolve = done));
        draining = { promise, resolve };
        if (inHand === 0) resolve();
      }
      return draining.promise;
    },
  };
}

/** Errors that a client is told by name; others are the server's own, and say nothing to strangers. */
const TOLD: Partial<Record<RetrievalErrorCode, true>> = {
  'corrupt-message': true,
  'unsupported-version': true,
  unauthorized: true,
  forbidden: true,
  'unknown-id': true,
  'timed-out': true,
  'message-too-large': true,
  'rate-limited': true,
  'server-busy': true,
  'corrupt-record': true,
  'corrupt-index': true,
  'storage-failed': true,
};

function addHeaders(headers: Headers, status: number, { retryAfter }: Exchange, closing: boolean): void {
  headers.set('x-content-type-options', 'nosniff');
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="blindsight"');
  if (retryAfter !== undefined) headers.set('retry-after', String(Math.ceil(retryAfter)));
  // The rest of a body that was refused is not waited for.
  if (closing || status === 408 || status === 413) headers.set('connection', 'close');
}

function messageResponse(env: Exchange, status: number, message: Uint8Array): Response {
  env.sent = message.length;
  return new Response(message as Uint8Array<ArrayBuffer>, {
    status,
    headers: { 'content-type': MESSAGE_TYPE, 'content-length': String(message.length) },
  });
}

function jsonResponse(env: Exchange, status: number, value: object): Response {
  const body = utf8(`${JSON.stringify(value)}\n`);
  env.sent = body.length;
  return new Response(body, { status, headers: { 'content-type': 'application/json' } });
}

/** @param logged - What the log says instead, if it says more. */
function refuse(env: Exchange, status: number, code: string, message: string, logged: string = code): Response {
  env.code = logged;
  return jsonResponse(env, status, { error: { code, message } });
}

function text(env: Exchange, route: string, kind: string, status: number, content: string): Response {
  env.route = route;
  env.kind = kind;
  env.sent = content.length;
  return new Response(content, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

/** Another one whenever the bytes are: an image that is sealed again has another key, so another wrapped one. */
function tagOf({ wrapped, total }: BlobResponse): string {
  return `"${toHex(sha256(concat(utf8(`${total} `), wrapped)).subarray(0, 16))}"`;
}

/** `If-None-Match`: RFC 9110 section 13.1.2, weak comparison. */
function matches(header: string | null, tag: string): boolean {
  if (header === null) return false;
  return header.split(',').some((entry) => ['*', tag, `W/${tag}`].includes(entry.trim()));
}

/** A blob, part by part as it is taken; broken off where the image is replaced meanwhile. */
function streamBlob(
  env: Exchange,
  read: (offset: number) => Promise<BlobResponse>,
  tag: string,
  from: number,
  to: number,
): ReadableStream<Uint8Array> {
  let at = from;
  let end = (): void => undefined;
  env.streamed = new Promise((resolve) => (end = resolve));
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (at < to) {
            const found = await read(at);
            if (tagOf(found) !== tag || found.bytes.length === 0)
              throw new RetrievalError('corrupt-record', 'the image has changed while it was sent');
            at += found.bytes.length;
            env.sent += found.bytes.length;
            controller.enqueue(found.bytes);
          }
          if (at >= to) {
            controller.close();
            end();
          }
        } catch (error) {
          env.code = error instanceof RetrievalError ? error.code : 'server-failed';
          controller.error(error);
          end();
        }
      },
      cancel: () => end(),
    },
    { highWaterMark: 0 },
  );
}

async function within<T>(work: Promise<T>, ms: number, late: () => RetrievalError): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late()), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
