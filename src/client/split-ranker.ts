/**
 * Ranking `split`: the server prefilters by tokens and returns the candidates' sealed records; the client ranks them.
 *
 * The server stores no vector and never learns a score, nor which of the candidates were near.
 * @module
 */
import type { PutItem } from '../protocol/messages.ts';
import type { TokenFamily } from '../crypto/token-family.ts';
import { RetrievalError } from '../base/errors.ts';
import { candidatePages } from './candidate-pages.ts';
import { CodeRows } from './code-rows.ts';
import { libraryTokens } from './library-tokens.ts';
import type { Ranked, Ranker, RankerOptions, RankOptions } from './ranker.ts';
import { tryStored } from './stored-record.ts';

export class SplitRanker implements Ranker {
  readonly vectorDims = 0;
  readonly vectors = 'f32';
  readonly #options: RankerOptions;
  readonly #tokens: TokenFamily;

  constructor(options: RankerOptions) {
    this.#options = options;
    this.#tokens = libraryTokens(options.keys, options.vocabulary, options.index);
  }

  protect(code: Uint8Array | undefined): Pick<PutItem, 'tokens' | 'vector'> {
    return {
      tokens: code === undefined ? new BigUint64Array(0) : this.#tokens.tokens(code),
      vector: new Float32Array(0),
    };
  }

  async rank({ query, margins, k, probes, scan }: RankOptions): Promise<Ranked> {
    const { kernels, keys, vocabulary } = this.#options;
    const tokens = scan ? undefined : this.#tokens.probes({ margins, query }, probes);
    const rows = new CodeRows(kernels, vocabulary.codeBytes);
    let records = 0;
    let failure: RetrievalError | undefined;
    for await (const page of candidatePages(this.#options, tokens)) {
      records = page.records;
      for (const { id, sealed } of page.entries) {
        const opened = tryStored(keys.get('record'), vocabulary, id, sealed);
        if (opened instanceof RetrievalError) failure ??= opened;
        rows.put(id, opened instanceof RetrievalError ? 'damaged' : opened.bytes);
      }
      if (failure !== undefined && rows.count === rows.damagedCount) throw failure;
    }
    const damaged = rows.damagedCount;
    const best = rows.top(query, k);
    const candidates = rows.codeCount;
    rows.clear();
    return { ...best, tokens: tokens?.length ?? 0, candidates, records, damaged };
  }

  close(): void {
    this.#tokens.wipe();
  }
}
