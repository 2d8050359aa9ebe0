/**
 * The only way between client and server: one request message in, one response message out.
 * @module
 */
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
