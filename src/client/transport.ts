/**
 * The only way between client and server: one request message in, one response message out.
 * @module
 */
import { compareBytes } from '../base/bytes.ts';
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';
import {
  decodeAnswer,
  encodeRequest,
  type RecordsResponse,
  type Request,
  type Response,
} from '../protocol/messages.ts';

/** Carries an encoded request to a server and brings its encoded response. Rejects when the server cannot be reached. */
export type Transport = (request: Uint8Array) => Promise<Uint8Array>;

/**
 * Asks a server, and insists on the kind of answer that belongs to the request.
 * @throws What the server answered with, or `corrupt-message` on any other answer. {@link RetrievalError}
 */
export async function ask<Kind extends Response['kind']>(
  transport: Transport,
  request: Request,
  kind: Kind,
): Promise<Extract<Response, { kind: Kind }>> {
  return decodeAnswer(await transport(encodeRequest(request)), kind);
}

/** What to throw when an answer is well formed, but not to what was asked. */
export function otherThanAsked(): RetrievalError {
  return new RetrievalError('corrupt-message', 'the server answered something else than was asked');
}

/** What to throw when pages would never end. */
export function pagesDoNotGoOn(): RetrievalError {
  return new RetrievalError('corrupt-message', 'the pages of the server do not go on');
}

/**
 * Asks for sealed records: one answer an id, undefined where the server has none.
 * @throws `corrupt-message` when there are more or fewer. {@link RetrievalError}
 */
export async function askRecords(
  transport: Transport,
  parameters: Uint8Array,
  ids: readonly Uint8Array[],
): Promise<RecordsResponse['records']> {
  const { records } = await ask(transport, { kind: 'records', parameters, ids }, 'records');
  if (records.length !== ids.length) throw otherThanAsked();
  return records;
}

/**
 * Holds a page to the length that was asked for.
 * @returns Its length.
 * @throws `corrupt-message`. {@link RetrievalError}
 */
export function assertPage(entries: ArrayLike<unknown>, limit: number): number {
  if (entries.length > limit) throw otherThanAsked();
  return entries.length;
}

/**
 * Holds a page of ids to their order: a server that repeats itself would keep its client busy for ever.
 * @param after - Last id of the page before.
 * @throws `corrupt-message`. {@link RetrievalError}
 */
export function assertAscending(ids: readonly Uint8Array[], after?: Uint8Array): void {
  let last = after;
  for (const id of ids) {
    if (last !== undefined && compareBytes(id, last) <= 0) throw pagesDoNotGoOn();
    last = id;
  }
}

/** Failures of the way to the server, or of who asks: the next request would fail as this one did. */
const CONNECTION_CODES: ReadonlySet<RetrievalErrorCode> = new Set([
  'server-unreachable',
  'server-busy',
  'server-failed',
  'timed-out',
  'unauthorized',
  'forbidden',
  'rate-limited',
]);

/** Nothing is wrong with what was asked: the server is not there, or not now. */
const AWAY_CODES: ReadonlySet<RetrievalErrorCode> = new Set(['server-unreachable', 'server-busy', 'timed-out']);

/** Whether the server cannot be reached now, and may be later. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof RetrievalError && AWAY_CODES.has(error.code);
}

/** Whether work over many images should stop: the fault is not the image's. */
export function isConnectionFailure(error: unknown): boolean {
  return error instanceof RetrievalError && CONNECTION_CODES.has(error.code);
}
