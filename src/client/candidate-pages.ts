/**
 * The sealed records of a generation, page by page: those that share a token with a query, or all.
 * @module
 */
import type { CandidatesResponse } from '../protocol/messages.ts';
import type { RankerOptions } from './ranker.ts';
import { ask, assertAscending, assertPage, pagesDoNotGoOn } from './transport.ts';

/** Records asked for in one message. */
export const PAGE_RECORDS = 4096;

/**
 * @param tokens - Absent: all records.
 * @throws `corrupt-message` when the server's pages do not go on, repeat an image, or show far more images than the library has.
 *   {@link RetrievalError}
 */
export async function* candidatePages(
  { transport, parameters, plausible }: Pick<RankerOptions, 'transport' | 'parameters' | 'plausible'>,
  tokens?: BigUint64Array,
): AsyncGenerator<CandidatesResponse, void, void> {
  let after: Uint8Array | undefined;
  let shown = 0;
  do {
    const page: CandidatesResponse = await ask(
      transport,
      { kind: 'candidates', parameters, tokens, after, limit: PAGE_RECORDS },
      'candidates',
    );
    await plausible((shown += assertPage(page.entries, PAGE_RECORDS)));
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
