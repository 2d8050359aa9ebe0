/**
 * The client role: holds the keys, sees pixels, and speaks to a server in ciphertext only.
 *
 * What leaves this class through the transport: ids (a keyed hash of the file), sealed records, wrapped image keys, sealed images, and
 * what the ranking of the library needs: tokens and secure-kNN vectors; tokens; nothing.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import { concat, equalBytes, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { FEATURES, type Feature } from '../codes/block.ts';
import { broaden, CopyEvidence } from '../codes/copy-evidence.ts';
import { Encoder, type Projections } from '../codes/encoder.ts';
import { Fusion, type WeightRule, type Weights } from '../codes/fusion.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { IMAGE_VERSIONS, ImageCipher, THUMBNAIL_HEAD_BYTES, newImageKey } from '../crypto/image-cipher.ts';
import { LibraryKeys } from '../crypto/keys.ts';
import { openRecord, sealRecord, type ImageRecord } from '../crypto/record.ts';
import { unwrapKey, wrapKey } from '../crypto/seal.ts';
import { wipe } from '../crypto/wipe.ts';
import {
  HAS_RECORD,
  type BlobResponse,
  type GenerationState,
  type HeadAnswer,
  type InfoResponse,
  type ListEntry,
  type PutItem,
  type Ranking,
  type Request,
  type Response,
  type VerifyResponse,
} from '../protocol/messages.ts';
import { MAX_MESSAGE_BYTES } from '../protocol/limits.ts';
import type { CacheFile } from './code-cache.ts';
import type { Extractor } from './extractor.ts';
import { generationName, isOfKey, type IndexParameters } from './index-parameters.ts';
import type { Ranked, Ranker } from './ranker.ts';
import { createRanker } from './rankers.ts';
import { tryStored } from './stored-record.ts';
import { LibraryRoot, type RootComparison } from './library-root.ts';
import type { RootFile } from './root-ledger.ts';
import { withRotation } from './rotated-key.ts';
import { ask, askRecords, assertAscending, assertPage, otherThanAsked, type Transport } from './transport.ts';

/** What a client is made of. */
export interface ClientOptions {
  /** Compiled kernels. */
  readonly kernels: WebAssembly.Module;
  /** 64 bytes. Not kept. */
  readonly libraryKey: Uint8Array;
  readonly vocabulary: Vocabulary;
  readonly index: IndexParameters;
  readonly transport: Transport;
  /** Called once, when the first image is to be encoded: a client that only opens images needs no model. */
  readonly extractor: () => Promise<Extractor>;
  /** Where ranking `client` keeps its encrypted copy of the records; without it, every client reads them all once. */
  readonly cache?: CacheFile;
  /** Where the newest library root seen is kept; without it, an old state is noticed only by the client that saw a newer one. */
  readonly root?: RootFile;
}

/** What the caller knows of a file. */
export interface FileAttributes {
  readonly name: string;
  /** Where it lay, with `/` between parts; the name when absent. */
  readonly path?: string | undefined;
  /** Milliseconds since 1970. */
  readonly modifiedAt?: number | undefined;
  /** Milliseconds since 1970; now when absent. */
  readonly addedAt?: number | undefined;
}

/** A query as the client works with it. */
export interface Query {
  readonly projections: Projections;
  /** f32[bits]: how far each bit is from flipping. */
  readonly margins: Float32Array;
  readonly weights: Weights;
}

/** How to search. */
export interface SearchOptions {
  /** Matches wanted, at most 10000. Default 10. */
  readonly k?: number;
  /** Buckets looked at in each table, at most 4096; learned buckets are one table. Default: the index's. Ranking `client` has none. */
  readonly probes?: number;
  /** Ranks the whole library: no prefilter. */
  readonly scan?: boolean;
  /** How features are weighed. Default adaptive. */
  readonly rule?: WeightRule;
}

/** One answer. */
export interface Match {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly path: string;
  /** Weighted agreement of the codes, in [-1, 1]: larger is nearer, 1 is equal. */
  readonly score: number;
  /** What each feature adds to the score. */
  readonly features: Readonly<Record<Feature, number>>;
  /**
   * Above 0 when it looks like a copy of the query (cropped, recoloured, framed): by how many standard deviations beyond what counts as
   * one. Copies come first, by this number; then what is only alike, by score. 0 for nearly all matches.
   */
  readonly copy: number;
}

/** A whole answer. */
export interface SearchResult {
  readonly matches: readonly Match[];
  readonly weights: Readonly<Record<Feature, number>>;
  /** Images that were ranked, of `records`. */
  readonly candidates: number;
  readonly records: number;
  /** Records that could not be opened, and were left out: `verifyLibrary` names them. */
  readonly damaged: number;
  /** False when no match is nearer than unrelated public pictures are. */
  readonly near: boolean;
  /** Ranking `client`: images of the library that the server does not hand out, and that are missing here for that. Absent when none are. */
  readonly missing?: number;
}

/** What was sealed of one image. */
export interface OpenedImage {
  /** The original file. */
  readonly bytes: Uint8Array;
  /** A small JPEG of it; undefined where none was stored. */
  readonly thumbnail: Uint8Array | undefined;
}

/**
 * More sealed records than asked for are opened and ranked by their exact score, so that the noise does not show and copies of the query
 * come first. Answers longer than this hold copies without being drawn more broadly.
 */
const SHORTLIST = 64;
/** Images of a library that is ranked whole when the prefilter finds too few. */
const SMALL_LIBRARY = 10_000;
/** Bytes asked for in one blob message. */
const BLOB_PART_BYTES = 16 * 1024 * 1024;
const PAGE = 1000;

/**
 * One library, seen with its keys.
 * @example
 * ```ts
 * const client = new Client({ kernels, libraryKey, vocabulary, index: DEFAULT_INDEX, transport, extractor });
 * await client.begin('active');
 * await client.put([await client.prepare(bytes, { name: 'cat.jpg' })]);
 * const { matches } = await client.search(await client.query(otherBytes));
 * ```
 */
export class Client {
  readonly vocabulary: Vocabulary;
  /** Names the index generation this client reads and writes: 32 bytes. */
  readonly parameters: Uint8Array;
  readonly #keys: LibraryKeys;
  readonly #encoder: Encoder;
  readonly #fusion: Fusion;
  readonly #ranking: Ranking;
  readonly #probes: number;
  readonly #ranker: Ranker;
  readonly #images: ImageCipher;
  readonly #root: LibraryRoot;
  readonly #transport: Transport;
  readonly #makeExtractor: () => Promise<Extractor>;
  #extractor: Promise<Extractor> | undefined;

  /**
   * @throws On wrong argument types. {@link TypeError}
   * @throws On index parameters out of range. {@link RangeError}
   */
  constructor({ kernels, libraryKey, vocabulary, index, transport, extractor, cache, root }: ClientOptions) {
    this.vocabulary = vocabulary;
    this.#keys = new LibraryKeys(libraryKey);
    this.parameters = generationName(vocabulary.fingerprint, index, this.#keys.name);
    this.#encoder = new Encoder(kernels, vocabulary);
    this.#fusion = new Fusion(vocabulary);
    this.#transport = withRotation(transport, this.#keys.name);
    this.#ranking = index.ranking;
    this.#probes = index.prefilter.probes;
    this.#root = new LibraryRoot({
      ...{ keys: this.#keys, parameters: this.parameters, file: root, transport: this.#transport },
      has: (ids) => this.has(ids),
    });
    this.#ranker = createRanker({
      ...{ kernels, vocabulary, index, cache },
      keys: this.#keys,
      parameters: this.parameters,
      transport: this.#transport,
      root: () => this.#root.expect(),
      plausible: (shown) => this.#root.assertPlausible(shown),
    });
    this.#images = new ImageCipher(kernels);
    this.#makeExtractor = extractor;
  }

  /** Starts this client's index generation on the server; does nothing when it is there. */
  async begin(state: GenerationState): Promise<void> {
    const { vectorDims, vectors } = this.#ranker;
    await this.#ask(
      { kind: 'begin', parameters: this.parameters, ranking: this.#ranking, vectorDims, vectors, state },
      'done',
    );
    this.#root.pending = state === 'pending';
  }

  /**
   * This client's generation takes over from the active one.
   * @param from - Client of the active one.
   * @throws `omitted` when it does not hold the images that the library has. {@link RetrievalError}
   */
  activate(from: Client): Promise<void> {
    return this.#root.activate(from.#root);
  }

  /**
   * Looks at the library root as the server has it now; does nothing while this client's generation is being built.
   * @throws `rolled-back`, `decrypt-failed`; `key-rotated` or `parameter-mismatch` when another index serves. {@link RetrievalError}
   */
  checkRoot(): Promise<void> {
    return this.#root.check();
  }

  /**
   * Holds the images that the server lists against the library root.
   * @param damaged - Ids, in hexadecimal, that are known to be damaged: listed is enough, whatever the server says of them.
   * @throws As {@link checkRoot}; `server-busy` when the library changes all the time. {@link RetrievalError}
   */
  compareRoot(damaged: ReadonlySet<string> = new Set()): Promise<RootComparison> {
    return this.#root.compare(damaged);
  }

  /**
   * Takes an image that the root counts twice off it once. That happens where an image was added again after all that the store knew of
   * it was lost. Nothing can be hidden so: the sums say that the root is the list and this one image of the list.
   * @param damaged - As in {@link compareRoot}.
   * @returns Whether there was one.
   * @throws As {@link compareRoot}; `conflict` when another client changes the library meanwhile. {@link RetrievalError}
   */
  mendRoot(damaged: ReadonlySet<string> = new Set()): Promise<boolean> {
    return this.#root.mend(damaged);
  }

  /**
   * Takes the library as the server has it now for the right one: what is missing is given up, what came back stays. Afterwards it is older
   * for no client that has seen no more than this one and the server.
   * @throws `conflict` when another client changes it meanwhile. {@link RetrievalError}
   */
  acceptRoot(): Promise<void> {
    return this.#root.accept();
  }

  /** Drops this client's generation, which is pending. */
  async discard(): Promise<void> {
    await this.#ask({ kind: 'discard', parameters: this.parameters }, 'done');
  }

  /** The id of a file: 16 bytes, equal for equal files of one library. */
  async identify(bytes: Uint8Array): Promise<Uint8Array> {
    assertBytes(bytes, 'bytes');
    const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
    return this.#keys.imageId(new Uint8Array(hash));
  }

  /** Which of the images the server has: u8 an id, bits as in the protocol. */
  async has(ids: readonly Uint8Array[]): Promise<Uint8Array> {
    const { flags } = await this.#ask({ kind: 'has', parameters: this.parameters, ids }, 'has');
    if (flags.length !== ids.length) throw otherThanAsked();
    return flags;
  }

  /**
   * Encodes and seals one image file, ready for {@link put}.
   * @param bytes - The whole file.
   * @param options - `stored` when the server has the image and only its record is to be written: the version of its sealed form;
   *   `undecodable: true` to seal a file that no decoder reads, so that it is kept but never found; `thumbnail: false` to seal
   *   no small picture with it.
   * @throws `empty-file`, `not-an-image`, `unsupported-format`, `corrupt-image`, `image-too-large`. {@link RetrievalError}
   */
  async prepare(
    bytes: Uint8Array,
    attributes: FileAttributes,
    options: {
      readonly id?: Uint8Array;
      readonly stored?: number;
      readonly undecodable?: boolean;
      readonly thumbnail?: boolean;
    } = {},
  ): Promise<PutItem> {
    const id = options.id ?? (await this.identify(bytes));
    const undecodable = options.undecodable === true;
    const wanted = options.stored === undefined && options.thumbnail !== false;
    const described = undecodable ? undefined : await (await this.#extract()).describe(bytes, { thumbnail: wanted });
    const encoded = described && this.#encoder.encode(described.descriptors);
    const header = described?.header;
    const thumbnail = wanted ? described?.thumbnail : undefined;
    // Orientations 5 to 8 turn the picture on its side.
    const turned = (header?.orientation ?? 1) > 4;
    const record: ImageRecord = {
      indexed: encoded !== undefined,
      imageVersion: options.stored ?? imageVersion(thumbnail),
      fingerprint: encoded === undefined ? new Uint8Array(32) : this.vocabulary.fingerprint,
      code: encoded?.code ?? new Uint8Array(0),
      name: attributes.name,
      ...(attributes.path === undefined ? {} : { path: attributes.path }),
      fileBytes: bytes.length,
      type: header?.format ?? '',
      width: (turned ? header?.height : header?.width) ?? 0,
      height: (turned ? header?.width : header?.height) ?? 0,
      addedAt: attributes.addedAt ?? Date.now(),
      modifiedAt: Math.max(0, Math.round(attributes.modifiedAt ?? 0)),
    };
    return {
      id,
      ...this.#ranker.protect(encoded?.code),
      sealed: sealRecord(this.#keys.get('record'), id, record),
      ...(options.stored === undefined ? await this.sealImage(id, bytes, thumbnail) : { wrapped: new Uint8Array(0) }),
    };
  }

  /** Whether another client uses the same library key. */
  sharesKey(other: Client): boolean {
    return isOfKey(other.parameters, this.#keys.name);
  }

  /** Image keys as they are stored: wrapped. Undefined where there is no image. */
  async wrappedKeys(ids: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (ids.length === 0) return [];
    const { wrapped } = await this.#ask({ kind: 'keys', ids }, 'keys');
    if (wrapped.length !== ids.length) throw otherThanAsked();
    return wrapped;
  }

  /**
   * Wraps an image key under this client's library key.
   * @param wrapped - As `from` stores it.
   * @throws `decrypt-failed` when it was altered. {@link RetrievalError}
   */
  rewrapKey(id: Uint8Array, wrapped: Uint8Array, from: Client): Uint8Array {
    const imageKey = unwrapKey(from.#keys.get('wrap'), id, wrapped);
    try {
      return wrapKey(this.#keys.get('wrap'), id, imageKey);
    } finally {
      wipe(imageKey);
    }
  }

  /**
   * Seals the record of a stored image anew, ready for {@link put} into this client's generation.
   * @param record - Of a generation with the same vocabulary.
   * @throws `parameter-mismatch` when its code is of another vocabulary. {@link RetrievalError}
   */
  prepareRecord(id: Uint8Array, record: ImageRecord): PutItem {
    if (record.indexed && !equalBytes(record.fingerprint, this.vocabulary.fingerprint))
      throw new RetrievalError('parameter-mismatch', 'a record was made with another vocabulary');
    return {
      id,
      ...this.#ranker.protect(record.indexed ? record.code : undefined),
      sealed: sealRecord(this.#keys.get('record'), id, record),
      wrapped: new Uint8Array(0),
    };
  }

  /**
   * Encrypts a file under a new image key: what {@link put} stores of an image beside its record.
   * @param bytes - The whole file.
   * @param thumbnail - A small JPEG of it.
   */
  async sealImage(
    id: Uint8Array,
    bytes: Uint8Array,
    thumbnail?: Uint8Array,
  ): Promise<{ wrapped: Uint8Array; blob: Uint8Array }> {
    const imageKey = newImageKey();
    try {
      return {
        wrapped: wrapKey(this.#keys.get('wrap'), id, imageKey),
        blob: await this.#images.seal(imageKey, id, bytes, { thumbnail }),
      };
    } finally {
      wipe(imageKey);
    }
  }

  /** Stores prepared images: all of them, durably, or none. */
  async put(items: readonly PutItem[]): Promise<void> {
    if (items.length === 0) return;
    const ids = items.map(({ id }) => id);
    await this.#root.change(ids, true, (root) =>
      this.#ask({ kind: 'put', parameters: this.parameters, items, root }, 'put'),
    );
  }

  /**
   * Encodes an image file as a query.
   * @throws As {@link prepare}. {@link RetrievalError}
   */
  async query(bytes: Uint8Array, rule: WeightRule = 'adaptive'): Promise<Query> {
    const { descriptors } = await (await this.#extract()).describe(bytes);
    const { projections } = this.#encoder.encode(descriptors);
    return this.#weigh(projections, rule);
  }

  /**
   * Makes a query of a stored image, from its code alone.
   * @throws `unknown-id`, or `unsupported-format` for an image that is kept without a code. {@link RetrievalError}
   */
  async queryStored(id: Uint8Array, rule: WeightRule = 'adaptive'): Promise<Query> {
    const record = await this.record(id);
    if (!record.indexed)
      throw new RetrievalError('unsupported-format', 'this file is kept without a code: no decoder here reads it');
    const projections = {} as Projections;
    let at = 0;
    for (const feature of FEATURES) {
      const { bits } = this.vocabulary.blocks[feature];
      projections[feature] = Float32Array.from({ length: bits }, (_, i) => {
        const bit = at + i;
        return (record.code[bit >> 3]! >> (bit & 7)) & 1 ? 1 : -1;
      });
      at += bits;
    }
    return this.#weigh(projections, rule);
  }

  #weigh(projections: Projections, rule: WeightRule): Query {
    return {
      projections,
      margins: this.#encoder.margins(projections),
      weights: this.#fusion.weights(projections, rule),
    };
  }

  /**
   * The ranking as it came, before the best are ordered as {@link search} does: where the server ranks, with noise, scale and shift.
   */
  async rank(query: Query, { k = 10, probes = this.#probes, scan = false }: SearchOptions = {}): Promise<Ranked> {
    assertInteger(k, 'k', 1, 10_000);
    assertInteger(probes, 'probes', 1, 4096);
    return this.#ranker.rank({
      query: this.#fusion.query(query.projections, query.weights),
      margins: query.margins,
      ...{ k, probes, scan },
    });
  }

  /**
   * Searches by picture: ranks as the library's ranking does, by more even weights where k is at most 64, opens the best k + 64, and orders
   * them: copies of the query first, the rest by exact score. When the prefilter leaves fewer than k images of a small library, the whole of it is ranked.
   * @param query - From {@link query} or {@link queryStored}.
   * @throws On k or probes out of range. {@link RangeError}
   */
  async search(query: Query, options: SearchOptions = {}): Promise<SearchResult> {
    const k = options.k ?? 10;
    assertInteger(k, 'k', 1, 10_000);
    const wanted = { ...options, k: Math.min(10_000, k + SHORTLIST) };
    // Ranking `client` is told the root with what has changed.
    const checked = this.#ranking === 'client' ? undefined : this.checkRoot();
    const drawn = k <= SHORTLIST ? { ...query, weights: broaden(query.weights) } : query;
    let [ranked] = await Promise.all([this.rank(drawn, wanted), checked]);
    // In a small library the buckets may hold fewer images than were asked for; ranking it whole costs little.
    if (options.scan !== true && ranked.records <= SMALL_LIBRARY && ranked.ids.length < Math.min(k, ranked.records))
      ranked = await this.rank(drawn, { ...wanted, scan: true });
    const matches: Match[] = [];
    const evidence = new CopyEvidence(this.vocabulary, query.projections);
    let damaged = ranked.damaged ?? 0;
    const best = ranked.opened?.map((record, i) => [ranked.ids[i]!, record] as const);
    for (const [id, record] of best ?? (await this.#tryRecords(ranked.ids))) {
      if (record instanceof RetrievalError) {
        damaged++;
        // Not one of them: that is another key, or a server that lies, rather than damage.
        if (damaged === ranked.ids.length) throw record;
        continue;
      }
      // Only a server that lies names an image without a code.
      if (!record.indexed) continue;
      const features = this.#fusion.contributions(query.projections, query.weights, record.code);
      matches.push({
        id: toHex(id),
        name: record.name,
        path: record.path ?? record.name,
        score: FEATURES.reduce((sum, feature) => sum + features[feature], 0),
        features,
        copy: evidence.excess(record.code),
      });
    }
    matches.sort((a, b) => b.copy - a.copy || b.score - a.score || (a.id < b.id ? -1 : 1));
    return {
      matches: matches.slice(0, k),
      weights: query.weights,
      candidates: ranked.candidates,
      records: ranked.records,
      near: Math.max(-1, ...matches.map(({ score }) => score)) > this.#unrelated(query),
      damaged,
      ...(ranked.missing === undefined ? {} : { missing: ranked.missing }),
    };
  }

  /** The score that one public reference picture in fifty reaches for this query. */
  #unrelated(query: Query): number {
    const { references, codeBytes } = this.vocabulary;
    const scores = Float64Array.from({ length: references.count }, (_, i) => {
      const code = references.codes.subarray(i * codeBytes, (i + 1) * codeBytes);
      const features = this.#fusion.contributions(query.projections, query.weights, code);
      return FEATURES.reduce((sum, feature) => sum + features[feature], 0);
    }).sort();
    return scores.length === 0 ? -1 : scores[Math.floor(0.98 * (scores.length - 1))]!;
  }

  /**
   * Opens sealed records. Ids the server has none for are left out.
   * @throws `decrypt-failed` when one was altered, `corrupt-record` when one is damaged. {@link RetrievalError}
   */
  async records(ids: readonly Uint8Array[]): Promise<[Uint8Array, ImageRecord][]> {
    return (await this.#tryRecords(ids)).map(([id, record]) => {
      if (record instanceof RetrievalError) throw record;
      return [id, record];
    });
  }

  /** As {@link records}, with the error in the place of a record that cannot be opened. */
  async #tryRecords(ids: readonly Uint8Array[]): Promise<[Uint8Array, ImageRecord | RetrievalError][]> {
    if (ids.length === 0) return [];
    const records = await askRecords(this.#transport, this.parameters, ids);
    const opened: [Uint8Array, ImageRecord | RetrievalError][] = [];
    for (const [i, id] of ids.entries()) {
      const found = records[i];
      if (found === undefined) continue;
      const one = tryStored(this.#keys.get('record'), this.vocabulary, id, found.sealed);
      opened.push([id, one instanceof RetrievalError ? one : one.record]);
    }
    return opened;
  }

  /** Whether the server has an image with its record, undamaged. */
  async isStored(id: Uint8Array): Promise<boolean> {
    const [flags = 0] = await this.has([id]);
    return (flags & HAS_RECORD) !== 0 && this.isWhole(id);
  }

  /**
   * Opens the record of an image that is prepared, and not stored yet.
   * @throws `decrypt-failed`. {@link RetrievalError}
   */
  readPrepared({ id, sealed }: PutItem): ImageRecord {
    return openRecord(this.#keys.get('record'), id, sealed);
  }

  /**
   * Whether the server finds everything that it stores of an image, and every checksum fits.
   * @param id - 16 bytes.
   */
  async isWhole(id: Uint8Array): Promise<boolean> {
    assertBytes(id, 'id', 16);
    const page = await this.#ask({ kind: 'verify', after: idBefore(id), limit: 1 }, 'verify');
    return ![...page.damaged, ...page.orphanBlobs, ...page.orphanRecords].some((other) => equalBytes(other, id));
  }

  /**
   * The record of one image.
   * @throws `unknown-id`. {@link RetrievalError}
   */
  async record(id: Uint8Array): Promise<ImageRecord> {
    assertBytes(id, 'id', 16);
    const [found] = await this.records([id]);
    if (found === undefined) throw new RetrievalError('unknown-id', `no image ${toHex(id)} in this library`);
    return found[1];
  }

  /**
   * Brings and opens one image: the original bytes of the file.
   * @throws `unknown-id`, or `decrypt-failed` when the server altered or mixed up anything. {@link RetrievalError}
   */
  async open(id: Uint8Array): Promise<Uint8Array> {
    const { wrapped, blob } = await this.#sealedImage(id);
    return this.#openImage(id, wrapped, blob);
  }

  /**
   * As {@link open}, with the thumbnail; undefined where there is none.
   * @throws As {@link open}; also when it is the thumbnail that was altered. {@link RetrievalError}
   */
  async openWithThumbnail(id: Uint8Array): Promise<OpenedImage> {
    const { wrapped, blob } = await this.#sealedImage(id);
    return {
      bytes: await this.#openImage(id, wrapped, blob),
      thumbnail: await this.#openThumbnail(id, wrapped, blob),
    };
  }

  /**
   * Brings and opens the small picture of an image alone: {@link THUMBNAIL_HEAD_BYTES} bytes of its blob.
   * @returns A JPEG; undefined where the image was stored without one.
   * @throws As {@link open}. {@link RetrievalError}
   */
  async openThumbnail(id: Uint8Array): Promise<Uint8Array | undefined> {
    const [thumbnail] = await this.openThumbnails([id]);
    if (thumbnail instanceof RetrievalError) throw thumbnail;
    return thumbnail;
  }

  /**
   * As {@link openThumbnail}, of several images in one message.
   * @param ids - At most {@link MAX_HEADS}.
   * @returns In their order; the error in the place of one that cannot be opened.
   */
  async openThumbnails(ids: readonly Uint8Array[]): Promise<(Uint8Array | RetrievalError | undefined)[]> {
    const heads = await this.sealedHeads(ids, THUMBNAIL_HEAD_BYTES);
    return Promise.all(
      heads.map((head, i) =>
        head instanceof RetrievalError
          ? head
          : this.#openThumbnail(ids[i]!, head.wrapped, head.bytes).catch(onlyRetrievalError),
      ),
    );
  }

  async #openThumbnail(id: Uint8Array, wrapped: Uint8Array, head: Uint8Array): Promise<Uint8Array | undefined> {
    const imageKey = unwrapKey(this.#keys.get('wrap'), id, wrapped);
    return this.#images.openThumbnail(imageKey, id, head).finally(() => wipe(imageKey));
  }

  async #sealedImage(id: Uint8Array): Promise<{ wrapped: Uint8Array; blob: Uint8Array }> {
    assertBytes(id, 'id', 16);
    const parts: Uint8Array[] = [];
    let wrapped: Uint8Array;
    let total: number | undefined;
    let offset = 0;
    do {
      const part = await this.sealedPart(id, offset, BLOB_PART_BYTES);
      wrapped = part.wrapped;
      total ??= part.total;
      // All of this is gathered before a seal can be checked: no more of it than one message could have stored.
      if (
        part.total !== total ||
        total > MAX_MESSAGE_BYTES ||
        part.bytes.length !== Math.min(BLOB_PART_BYTES, total - offset)
      )
        throw new RetrievalError('decrypt-failed', 'the parts the server sent do not make one image');
      parts.push(part.bytes);
      offset += part.bytes.length;
    } while (offset < total);
    return { wrapped, blob: parts.length === 1 ? parts[0]! : concat(...parts) };
  }

  async #openImage(id: Uint8Array, wrapped: Uint8Array, blob: Uint8Array): Promise<Uint8Array> {
    const imageKey = unwrapKey(this.#keys.get('wrap'), id, wrapped);
    try {
      const bytes = await this.#images.open(imageKey, id, blob);
      // The id is a keyed hash of the file: this holds even against someone who knows the image key.
      if (!equalBytes(await this.identify(bytes), id))
        throw new RetrievalError('decrypt-failed', 'the image is not the one that was asked for');
      return bytes;
    } finally {
      wipe(imageKey);
    }
  }

  /**
   * Part of an image as the server stores it: ciphertext, and the image key wrapped under the library's.
   * @throws `unknown-id`. {@link RetrievalError}
   */
  sealedPart(id: Uint8Array, offset: number, length: number): Promise<BlobResponse> {
    return this.#ask({ kind: 'blob', id, offset, length }, 'blob');
  }

  /**
   * The first bytes of images as the server stores them, in one message.
   * @param ids - At most {@link MAX_HEADS}.
   * @param length - Of each, 1..={@link MAX_HEAD_BYTES} bytes; shorter images come whole.
   * @returns In their order; `unknown-id` or `corrupt-record` in the place of one that is not there or damaged.
   * @throws `corrupt-message` when the server answers more or less than was asked. {@link RetrievalError}
   */
  async sealedHeads(ids: readonly Uint8Array[], length: number): Promise<(HeadAnswer | RetrievalError)[]> {
    const { heads } = await this.#ask({ kind: 'heads', ids, length }, 'heads');
    if (heads.length !== ids.length || heads.some((head) => head !== undefined && head.bytes.length > length))
      throw otherThanAsked();
    return heads.map((head, i) => {
      if (head === undefined) return new RetrievalError('unknown-id', `there is no image ${toHex(ids[i]!)}`);
      if (head.bytes.length === 0)
        return new RetrievalError('corrupt-record', 'the server has found the image damaged');
      return head;
    });
  }

  /**
   * What can still be opened of an image, when the server's checksums do not fit any more. Seals hold all the same: what opens is
   * what was stored.
   * @param id - 16 bytes.
   */
  async salvage(id: Uint8Array): Promise<{ readonly record?: ImageRecord } & Partial<OpenedImage>> {
    assertBytes(id, 'id', 16);
    const { sealed, wrapped, blob } = await this.#ask({ kind: 'salvage', parameters: this.parameters, id }, 'salvage');
    // Of whatever vocabulary: name and times are worth having.
    const record = await readable(() => openRecord(this.#keys.get('record'), id, sealed!), sealed);
    const bytes = await readable(() => this.#openImage(id, wrapped!, blob), wrapped);
    const thumbnail = await readable(() => this.#openThumbnail(id, wrapped!, blob), wrapped);
    return { ...(record === undefined ? {} : { record }), ...(bytes === undefined ? {} : { bytes }), thumbnail };
  }

  /** Has the server mend what needs no key. @returns Images of which there were only pieces; they are gone. */
  async repairServer(): Promise<number> {
    return (await this.#ask({ kind: 'repair' }, 'repair')).removed;
  }

  /**
   * Every image the server says it has, in order of id.
   * @throws `corrupt-message` when it says that there are far more than the library has. {@link RetrievalError}
   */
  list(): AsyncGenerator<ListEntry> {
    return this.#root.list();
  }

  /**
   * Deletes images, with everything that belongs to them.
   * @returns How many were there.
   */
  async remove(ids: readonly Uint8Array[]): Promise<number> {
    for (const id of ids) assertBytes(id, 'id', 16);
    return (await this.#root.change(ids, false, (root) => this.#ask({ kind: 'remove', ids, root }, 'remove'))).removed;
  }

  /** What the server says of itself. */
  info(): Promise<InfoResponse> {
    return this.#ask({ kind: 'info' }, 'info');
  }

  /** The server's own check of what it stores, page by page. */
  async *verifyServer(): AsyncGenerator<VerifyResponse> {
    let after: Uint8Array | undefined;
    let named = 0;
    do {
      const page = await this.#ask({ kind: 'verify', after, limit: PAGE }, 'verify');
      named += assertPage([...page.damaged, ...page.orphanBlobs, ...page.orphanRecords], PAGE);
      await this.#root.assertPlausible(named);
      if (page.next !== undefined) assertAscending([page.next], after);
      yield page;
      after = page.next;
    } while (after !== undefined);
  }

  /** Wipes the keys. The client cannot be used afterwards. */
  close(): void {
    this.#ranker.close();
    this.#root.close();
    this.#keys.wipe();
  }

  #extract(): Promise<Extractor> {
    this.#extractor ??= this.#makeExtractor();
    // A failure (no model installed) is told to every caller, and tried anew.
    this.#extractor.catch(() => (this.#extractor = undefined));
    return this.#extractor;
  }

  #ask<Kind extends Response['kind']>(request: Request, kind: Kind): Promise<Extract<Response, { kind: Kind }>> {
    return ask(this.#transport, request, kind);
  }
}

/** Version of the sealed form of an image with this thumbnail, or without one. */
export function imageVersion(thumbnail: Uint8Array | undefined): number {
  return thumbnail === undefined ? IMAGE_VERSIONS.plain : IMAGE_VERSIONS.thumbnail;
}

/** The id that a page of one has to go on after; undefined where there is none before. */
function idBefore(id: Uint8Array): Uint8Array | undefined {
  const before = id.slice();
  for (let i = before.length - 1; i >= 0; i--) if (before[i]!-- !== 0) return before;
  return undefined;
}

/** An error to be told with others. */
function onlyRetrievalError(error: unknown): RetrievalError {
  if (error instanceof RetrievalError) return error;
  throw error;
}

/** What can be opened; undefined for what is not there, or does not open. */
async function readable<T>(open: () => T | Promise<T>, sealed: Uint8Array | undefined): Promise<T | undefined> {
  if (sealed === undefined) return undefined;
  try {
    return await open();
  } catch (error) {
    if (error instanceof RetrievalError) return undefined;
    throw error;
  }
}
