/**
 * Reading what a stranger sends: never more bytes than allowed, never longer than is decent.
 * @module
 */
import { concat } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';

/** What a body must keep to. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** Longest silence, and what a body may take at the least. */
  readonly idleMs: number;
  /** What it must come at, once `idleMs` have passed: a drip is no body. */
  readonly bytesPerSecond: number;
}

/**
 * Reads the body of a request.
 * @param reserve - Told of every piece before it is kept; throws when there is no memory for it.
 * @throws `message-too-large` before anything is read where the length is declared; `timed-out`; `corrupt-message`
 * when the client went away. {@link RetrievalError}
 */
export async function readBody(
  request: Request,
  { maxBytes, idleMs, bytesPerSecond }: BodyLimits,
  reserve: (bytes: number) => void,
): Promise<Uint8Array> {
  const tooLarge = (): RetrievalError =>
    new RetrievalError('message-too-large', `expected a message of at most ${maxBytes} bytes`);
  const declared = request.headers.get('content-length');
  if (declared !== null && !(Number(declared) <= maxBytes)) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  // Not cancelled on failure: under Node that would end the connection before the answer is out.
  const reader = request.body.getReader();
  const pieces: Uint8Array[] = [];
  const start = performance.now();
  let length = 0;
  for (;;) {
    const late = start + idleMs + (1000 * length) / bytesPerSecond - performance.now();
    const { done, value } = await inTime(reader.read(), Math.min(idleMs, late));
    if (done) break;
    length += value.length;
    if (length > maxBytes) throw tooLarge();
    reserve(value.length);
    pieces.push(value);
  }
  return concat(...pieces);
}

async function inTime<T>(reading: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RetrievalError('timed-out', 'the message did not arrive in time')),
      Math.max(0, ms),
    );
  });
  try {
    return await Promise.race([reading, late]);
  } catch (error) {
    if (error instanceof RetrievalError) throw error;
    throw new RetrievalError('corrupt-message', 'the message ended before its end', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
