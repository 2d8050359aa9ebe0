/**
 * Ranking `server`, the paper's: the server prefilters by tokens and ranks by secure kNN.
 * @module
 */
import { toHex } from '../base/bytes.ts';
import type { VectorFormat } from '../base/stored-vector.ts';
import { SecureKnn } from '../crypto/secure-knn.ts';
import type { TokenFamily } from '../crypto/token-family.ts';
import type { PutItem } from '../protocol/messages.ts';
import { libraryTokens } from './library-tokens.ts';
import type { Ranked, Ranker, RankerOptions, RankOptions } from './ranker.ts';
import { ask, otherThanAsked, type Transport } from './transport.ts';

export class ServerRanker implements Ranker {
  readonly vectors: VectorFormat;
  readonly #tokens: TokenFamily;
  readonly #knn: SecureKnn;
  readonly #parameters: Uint8Array;
  readonly #transport: Transport;

  constructor(options: RankerOptions) {
    const { kernels, keys, vocabulary, index, parameters, transport } = options;
    this.#tokens = libraryTokens(keys, vocabulary, index);
    this.#knn = new SecureKnn(kernels, {
      key: keys.get('knn'),
      bits: vocabulary.bits,
      noise: index.noise,
      split: index.split,
    });
    this.vectors = index.vectors ?? 'f32';
    this.#parameters = parameters;
    this.#transport = transport;
  }

  get vectorDims(): number {
    return this.#knn.dims;
  }

  protect(code: Uint8Array | undefined): Pick<PutItem, 'tokens' | 'vector'> {
    if (code === undefined) return { tokens: new BigUint64Array(0), vector: new Float32Array(0) };
    const vector = this.#knn.seal(code);
    return { tokens: this.#tokens.tokens(code), vector: this.vectors === 'int8' ? this.#knn.round(vector) : vector };
  }

  /** One trapdoor, and the server's ranking as it came: scores have noise, scale and shift. */
  async rank({ query, margins, k, probes, scan }: RankOptions): Promise<Ranked> {
    const tokens = scan ? new BigUint64Array(0) : this.#tokens.probes({ margins, query }, probes);
    const ranked = await ask(
      this.#transport,
      {
        kind: 'search',
        parameters: this.#parameters,
        tokens,
        vector: this.#knn.trapdoor(query),
        k,
        scan,
      },
      'search',
    );
    // What is returned is asked for and opened next: no more than was wanted, and nothing twice.
    if (ranked.ids.length > k || new Set(ranked.ids.map(toHex)).size < ranked.ids.length) throw otherThanAsked();
    return { ...ranked, tokens: tokens.length };
  }

  close(): void {
    this.#tokens.wipe();
    this.#knn.wipe();
  }
}
