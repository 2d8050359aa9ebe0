/**
 * The sealed records of a generation, page by page: those that share a token with a query, or all.
 * @module
 */
import type { CandidatesResponse } from '../protocol/messages.ts';
import { ask, assertAscending, pagesDoNotGoOn, type Transport } from './transport.ts';

/** Records asked for in one message. */
export const PAGE_RECORDS = 4096;

/**
 * @param tokens - Absent: all records.
 * @throws `corrupt-message` when the server's pages do not go on, or repeat an image. {@link RetrievalError}
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
    assertAscending(
      page.entries.map(({ id }) => id),
      after,
    );
    if (page.next !== undefined) {
      assertAscending([page.next], after);
      // Else rising ends of empty pages would never end.
      if (page.entries.length === 0) throw pagesDoNotGoOn();
    }
    yield page;
    after = page.next;
  } while (after !== undefined);
}
