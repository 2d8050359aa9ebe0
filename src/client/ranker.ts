/**
 * The face of the three rankings: what the server is given beside sealed records, and how the nearest are found.
 * @module
 */
import type { VectorFormat } from '../base/stored-vector.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import type { LibraryKeys } from '../crypto/keys.ts';
import type { Root } from '../crypto/root.ts';
import type { ImageRecord } from '../crypto/record.ts';
import type { PutItem } from '../protocol/messages.ts';
import type { CacheFile } from './code-cache.ts';
import type { IndexParameters } from './index-parameters.ts';
import type { Transport } from './transport.ts';

/** What a ranking is made of. */
export interface RankerOptions {
  readonly kernels: WebAssembly.Module;
  /** The client's: wiped by the client. */
  readonly keys: LibraryKeys;
  readonly vocabulary: Vocabulary;
  readonly index: IndexParameters;
  /** Names the index generation. */
  readonly parameters: Uint8Array;
  readonly transport: Transport;
  readonly cache?: CacheFile | undefined;
  /** Called before the server is asked; what it gives looks at the library root in the answer. Undefined while the generation is being built. */
  readonly root: () => Promise<(sealed: Uint8Array) => Promise<Root | undefined>>;
  /** Throws `corrupt-message` when the server shows far more images than the library root says: what it shows is held in memory. */
  readonly plausible: (shown: number) => Promise<void>;
}

/** One search. */
export interface RankOptions {
  /** f32[bits]: its inner product with a code, bits as +1/-1, is the score times `bits`. */
  readonly query: Float32Array;
  /** f32[bits]: how far each bit is from flipping. */
  readonly margins: Float32Array;
  readonly k: number;
  /** Buckets looked at in each table; learned buckets are one table. */
  readonly probes: number;
  /** Ranks the whole library, whatever its tokens. */
  readonly scan: boolean;
}

/** A ranked answer. */
export interface Ranked {
  /** Best first; fewer than k when there are no more candidates. */
  readonly ids: readonly Uint8Array[];
  /** Larger is nearer; the unit is the ranking's own. */
  readonly scores: Float32Array;
  /** Tokens that the server was sent; none for a scan. */
  readonly tokens: number;
  /** Images that were ranked. */
  readonly candidates: number;
  /** Images of the generation. */
  readonly records: number;
  /** Records that could not be opened, and were left out. */
  readonly damaged?: number;
  /** Records of `ids`, where the ranking has opened them already. */
  readonly opened?: readonly ImageRecord[];
  /** Images that the library root knows of and the server does not hand out, where the ranking can tell. */
  readonly missing?: number;
}

/** One ranking, on the client's side. */
export interface Ranker {
  /** Numbers of a stored vector; 0 where none is stored. */
  readonly vectorDims: number;
  /** How they are stored; `f32` where there are none. */
  readonly vectors: VectorFormat;
  /** What the server stores of a code beside its sealed record; of a file without a code, nothing. */
  protect(code: Uint8Array | undefined): Pick<PutItem, 'tokens' | 'vector'>;
  /** The k nearest. */
  rank(options: RankOptions): Promise<Ranked>;
  /** Forgets keys and codes. */
  close(): void;
}
