/**
 * Telling a key that has been replaced from every other misfit between client and server.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import { decodeResponse, responseKind } from '../protocol/messages.ts';
import { isOfKey } from './index-parameters.ts';
import { ask, type Transport } from './transport.ts';

/** What someone is told who comes with a key that the library no longer has. */
export function keyRotated(): RetrievalError {
  return new RetrievalError(
    'key-rotated',
    'the library has been given another key: ask its owner for a new grant, and join with it',
  );
}

/**
 * A transport that says `key-rotated` where the server knows no index of this client because the key has been rotated.
 * @param keyName - Public name of the client's key.
 */
export function withRotation(transport: Transport, keyName: Uint8Array): Transport {
  return async (request) => {
    const bytes = await transport(request);
    if (responseKind(bytes) !== 'error') return bytes;
    const response = decodeResponse(bytes);
    if (response.kind !== 'error' || response.code !== 'parameter-mismatch') return bytes;
    const { generations } = await ask(transport, { kind: 'info' }, 'info');
    const active = generations.find(({ state }) => state === 'active');
    const own = generations.some(({ parameters }) => isOfKey(parameters, keyName));
    if (active !== undefined && !own) throw keyRotated();
    return bytes;
  };
}
