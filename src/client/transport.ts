/**
 * The only way between client and server: one request message in, one response message out.
 * @module
 */
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';
import { decodeAnswer, encodeRequest, type Request, type Response } from '../protocol/messages.ts';

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

/** Whether work over many images should stop: the fault is not the image's. */
export function isConnectionFailure(error: unknown): boolean {
  return error instanceof RetrievalError && CONNECTION_CODES.has(error.code);
}
