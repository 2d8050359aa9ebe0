/**
 * The sealed records of a generation, page by page: those that share a token with a query, or all.
 * @module
 */
import { compareBytes } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { CandidatesResponse } from '../protocol/messages.ts';
import { ask, type Transport } from './transport.ts';

/** Records asked for in one message. */
export const PAGE_RECORDS = 4096;

/**
 * @param tokens - Absent: all records.
 * @throws `corrupt-message` when the server's pages do not go on. {@link RetrievalError}
 */
export async function* candidatePages(
  transport: Transport,
  parameters: Uint8Array,
  tokens?: BigUint64Array,
): AsyncGenerator<CandidatesResponse, void, void> {
  let after: Uint8Array | undefined;
  do {
    const page: CandidatesResponse = await ask(
      transport,
      { kind: 'candidates', parameters, tokens, after, limit: PAGE_RECORDS },
      'candidates',
    );
    yield page;
    if (page.next !== undefined && after !== undefined && compareBytes(page.next, after) <= 0)
      throw new RetrievalError('corrupt-message', 'the pages of the server do not go on');
    after = page.next;
  } while (after !== undefined);
}
