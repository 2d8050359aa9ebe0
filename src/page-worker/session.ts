/**
 * One open library in the browser: the client role with its keys, here in the worker and nowhere else.
 * @module
 */
import { fromHex, toHex } from '../base/bytes.ts';
import { numbersOf } from '../base/stored-vector.ts';
import { RetrievalError } from '../base/errors.ts';
import { Client } from '../client/client.ts';
import { VocabularyExtractor, type Extractor } from '../client/extractor.ts';
import { createHttpTransport } from '../client/http-transport.ts';
import { decodeIndex, type IndexFiles } from '../client/index-files.ts';
import { DUPLICATE_DISTANCE, groupDuplicates } from '../client/near-duplicates.ts';
import type { Transport } from '../client/transport.ts';
import { openWithPassphrase } from '../crypto/key-file.ts';
import { libraryKeyName } from '../crypto/keys.ts';
import type { ImageRecord } from '../crypto/record.ts';
import { wipe } from '../crypto/wipe.ts';
import type { DeepModel } from '../features/deep.ts';
import { ImageReader } from '../image/decode.ts';
import type {
  Failure,
  LibraryFacts,
  Listing,
  Picture,
  PictureGroup,
  SearchAnswer,
  SentQuery,
  ServerView,
  UnlockOptions,
} from '../page/calls.ts';
import { decodeRequest, requestKind } from '../protocol/messages.ts';
import { compileKernels } from '../wasm/kernels.ts';
import { Adding } from './adding.ts';
import { browserFile } from './browser-file.ts';
import { loadBrowserModel, type Fetcher } from './browser-model.ts';
import { createCanvasDecoder } from './canvas-decoder.ts';
import { encodeJpeg } from './canvas-encoder.ts';
import { failureOf } from './failure.ts';
import { tell } from './scope.ts';
import { smallPicture } from './small-picture.ts';
import { ZipStream } from './zip-stream.ts';

/** Tokens that are shown. */
const SHOWN_TOKENS = 6;
/** Bytes of ciphertext that are shown: a noise picture of 96 x 96 pixels. */
const NOISE_BYTES = 3 * 96 * 96;
/** The same in a tile. */
const TILE_NOISE_SIDE = 40;
/** A message is tried so often before the page hears of it; what takes long waits by itself. */
const ATTEMPTS = 3;
/** Records opened between two tellings. */
const BATCH_RECORDS = 500;

const NOTHING_SENT: SentQuery = { tokens: [], tokenCount: 0, vector: new Float32Array(0) };

export class Session {
  readonly adding: Adding;
  readonly #client: Client;
  readonly #files: IndexFiles;
  readonly #kernels: WebAssembly.Module;
  readonly #reader: ImageReader;
  readonly #close: () => Promise<void>;
  readonly #query: { sent: SentQuery };
  readonly #records = new Map<string, ImageRecord>();
  #zip: ZipStream | undefined;

  private constructor(
    client: Client,
    files: IndexFiles,
    kernels: WebAssembly.Module,
    reader: ImageReader,
    adding: Adding,
    query: { sent: SentQuery },
    close: () => Promise<void>,
  ) {
    this.#client = client;
    this.#files = files;
    this.#kernels = kernels;
    this.#reader = reader;
    this.adding = adding;
    this.#query = query;
    this.#close = close;
  }

  /**
   * Opens a library.
   * @throws `unauthorized`, `wrong-passphrase`, `library-not-found` when the server has no client's half, and what damaged files
   *   give. {@link RetrievalError}
   */
  static async unlock({ token, passphrase, files }: UnlockOptions): Promise<{ session: Session; facts: LibraryFacts }> {
    const fetchFile = fetcher(token);
    const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());
    const [key, vocabulary, index] = await Promise.all(
      files === undefined
        ? [fetchFile('library/key'), fetchFile('library/vocabulary'), fetchFile('library/index.json')]
        : [bytesOf(files.key), bytesOf(files.vocabulary), bytesOf(files.index)],
    );
    const described = decodeIndex(vocabulary!, index!);
    const kernels = await compileKernels((await fetchFile('kernels.wasm')) as Uint8Array<ArrayBuffer>);
    tell({ event: 'busy', what: 'key' });
    const libraryKey = await openWithPassphrase(key!, passphrase).finally(() => tell({ event: 'busy', what: '' }));
    try {
      const query = { sent: NOTHING_SENT };
      const http = createHttpTransport(new URL('/', globalThis.location.href).href, { token, attempts: ATTEMPTS });
      const reader = new ImageReader(kernels, [createCanvasDecoder()]);
      let model: DeepModel | undefined;
      let adding: Adding | undefined;
      const name = toHex(libraryKeyName(libraryKey));
      const client = new Client({
        ...{ kernels, libraryKey, vocabulary: described.vocabulary, index: described.index },
        transport: watched(http, query),
        root: browserFile(`root-${name}`),
        cache: browserFile(`cache-${name}`),
        async extractor() {
          tell({ event: 'busy', what: 'network' });
          try {
            model = await loadBrowserModel(fetchFile, described.vocabulary.model.sha256);
          } finally {
            tell({ event: 'busy', what: '' });
          }
          return counted(new VocabularyExtractor(kernels, described.vocabulary, model, reader, encodeJpeg), () =>
            adding?.encoded(),
          );
        },
      });
      adding = new Adding(client, isReachable, (progress) => tell({ event: 'adding', progress }));
      try {
        await client.checkRoot();
        const { images } = await client.info();
        const { ranking } = described.index;
        const session = new Session(client, described, kernels, reader, adding, query, async () => {
          await adding?.stop();
          client.close();
          await model?.close();
        });
        return { session, facts: { images, ranking, bits: described.vocabulary.bits } };
      } catch (error) {
        client.close();
        throw error;
      }
    } finally {
      wipe(libraryKey);
    }
  }

  /** Wipes the keys. */
  close(): Promise<void> {
    return this.#close();
  }

  /** Opens all records. */
  async list(): Promise<Listing> {
    const ids: Uint8Array[] = [];
    for await (const { id, active } of this.#client.list()) if (active) ids.push(id);
    const damaged: string[] = [];
    this.#records.clear();
    for (let from = 0; from < ids.length; from += BATCH_RECORDS) {
      const batch = ids.slice(from, from + BATCH_RECORDS);
      for (const [id, record] of await this.#recordsOf(batch, damaged)) this.#records.set(toHex(id), record);
      tell({ event: 'busy', what: 'records', done: from + batch.length, total: ids.length });
    }
    tell({ event: 'busy', what: '' });
    const pictures = [...this.#records].map(([id, record]) => pictureOf(id, record));
    pictures.sort((a, b) => b.addedAt - a.addedAt || (a.path < b.path ? -1 : 1));
    return { pictures, damaged };
  }

  /** Records, one by one where one of them does not open. */
  async #recordsOf(ids: readonly Uint8Array[], damaged: string[]): Promise<[Uint8Array, ImageRecord][]> {
    try {
      return await this.#client.records(ids);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
    const opened: [Uint8Array, ImageRecord][] = [];
    for (const id of ids)
      try {
        opened.push([id, await this.#client.record(id)]);
      } catch (error) {
        if (!isDamage(error)) throw error;
        damaged.push(toHex(id));
      }
    return opened;
  }

  async #record(id: string): Promise<ImageRecord> {
    let record = this.#records.get(id);
    if (record === undefined) this.#records.set(id, (record = await this.#client.record(idBytes(id))));
    return record;
  }

  /** The small pictures that were sealed when these were added, in their order; undefined where there is none. */
  async thumbnails(ids: readonly string[]): Promise<(Blob | Failure | undefined)[]> {
    const opened = await this.#client.openThumbnails(ids.map(idBytes));
    return opened.map((jpeg) => {
      if (jpeg instanceof RetrievalError) return failureOf(jpeg);
      return jpeg && new Blob([jpeg as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' });
    });
  }

  /** A small picture made of the whole file; undefined where nothing here decodes it. */
  async smallPicture(id: string): Promise<Blob | undefined> {
    return smallPicture(await this.#client.open(idBytes(id)), this.#reader);
  }

  /** The first bytes of the encrypted files, three a pixel, in their order. */
  async noise(ids: readonly string[]): Promise<(Blob | Failure)[]> {
    const heads = await this.#client.sealedHeads(ids.map(idBytes), 3 * TILE_NOISE_SIDE * TILE_NOISE_SIDE);
    return Promise.all(
      heads.map((head) => (head instanceof RetrievalError ? failureOf(head) : noisePicture(head.bytes))),
    );
  }

  /** The original file. */
  async open(id: string): Promise<Blob> {
    const { type } = await this.#record(id);
    const bytes = await this.#client.open(idBytes(id));
    return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: type === '' ? BINARY : `image/${type}` });
  }

  async search(wanted: { readonly file: Blob } | { readonly id: string }, count: number): Promise<SearchAnswer> {
    const start = performance.now();
    const query =
      'file' in wanted
        ? await this.#client.query(new Uint8Array(await wanted.file.arrayBuffer()))
        : await this.#client.queryStored(idBytes(wanted.id));
    this.#query.sent = NOTHING_SENT;
    const {
      matches,
      weights,
      candidates,
      records,
      damaged,
      missing = 0,
      near,
    } = await this.#client.search(query, {
      k: count,
    });
    const found = [];
    for (const { id, score, features, copy } of matches)
      found.push({ picture: pictureOf(id, await this.#record(id)), score, features, copy });
    const milliseconds = performance.now() - start;
    return { found, weights, candidates, records, damaged, missing, near, milliseconds, sent: this.#query.sent };
  }

  async serverView(id: string): Promise<ServerView> {
    const record = await this.#record(id);
    const part = await this.#client.sealedPart(idBytes(id), 0, NOISE_BYTES);
    const { tokens, vector, sealed } = this.#client.prepareRecord(idBytes(id), record);
    return {
      noise: part.bytes,
      blobBytes: part.total,
      recordBytes: sealed.length,
      ...{ tokens: shown(tokens), tokenCount: tokens.length, vector: numbersOf(vector) },
    };
  }

  /** Groups of pictures that are nearly the same; the largest of each is kept. */
  async duplicates(): Promise<PictureGroup[]> {
    const { bits } = this.#files.vocabulary;
    const ordered = [...this.#records]
      .filter(([, { indexed }]) => indexed)
      .sort(
        ([, a], [, b]) => b.width * b.height - a.width * a.height || b.fileBytes - a.fileBytes || a.addedAt - b.addedAt,
      );
    const codes = new Uint8Array((bits / 8) * ordered.length);
    for (const [i, [, { code }]] of ordered.entries()) codes.set(code, i * code.length);
    const steps = groupDuplicates(this.#kernels, codes, bits / 8, Math.floor(DUPLICATE_DISTANCE * bits));
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    return step.value.map(({ keep, others }) => ({
      keep: ordered[keep]![0],
      others: others.map(({ index, distance }) => ({ id: ordered[index]![0], distance: distance / bits })),
    }));
  }

  async remove(ids: readonly string[]): Promise<number> {
    const removed = await this.#client.remove(ids.map(idBytes));
    for (const id of ids) this.#records.delete(id);
    return removed;
  }

  /** Begins a zip file of these pictures. */
  startZip(ids: readonly string[]): void {
    this.#zip = new ZipStream(ids, async (id) => {
      const [record, bytes] = [await this.#record(id), await this.#client.open(idBytes(id))];
      return { path: record.path ?? record.name, modifiedAt: record.modifiedAt, bytes };
    });
  }

  /** The next bytes of it. */
  get zip(): ZipStream {
    if (this.#zip === undefined) throw new RetrievalError('not-found', 'no zip file was begun');
    return this.#zip;
  }
}

const BINARY = 'application/octet-stream';

function pictureOf(id: string, record: ImageRecord): Picture {
  const { name, path = name, width, height, fileBytes, type, addedAt, indexed } = record;
  return { id, name, path, width, height, fileBytes, type, addedAt, indexed };
}

function idBytes(id: string): Uint8Array {
  const bytes = fromHex(id);
  if (bytes?.length !== 16) throw new RetrievalError('unknown-id', 'expected an id of 32 hexadecimal digits');
  return bytes;
}

function noisePicture(bytes: Uint8Array): Promise<Blob> {
  const pixels = new ImageData(TILE_NOISE_SIDE, TILE_NOISE_SIDE);
  for (let i = 0; i < TILE_NOISE_SIDE * TILE_NOISE_SIDE; i++)
    pixels.data.set([bytes[3 * i] ?? 0, bytes[3 * i + 1] ?? 0, bytes[3 * i + 2] ?? 0, 255], 4 * i);
  const canvas = new OffscreenCanvas(TILE_NOISE_SIDE, TILE_NOISE_SIDE);
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}

function isDamage(error: unknown): boolean {
  return error instanceof RetrievalError && (error.code === 'decrypt-failed' || error.code === 'corrupt-record');
}

function shown(tokens: BigUint64Array): string[] {
  return Array.from(tokens.subarray(0, SHOWN_TOKENS), (token) => token.toString(16).padStart(16, '0'));
}

/** Fetches files of the page, with the token. */
function fetcher(token: string): Fetcher {
  return async (path) => {
    const response = await fetch(new URL(path, import.meta.url), {
      headers: { authorization: `Bearer ${token}` },
    }).catch((error: unknown) => {
      throw new RetrievalError('server-unreachable', 'no connection to the server', { cause: error });
    });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    if (response.status === 401) throw new RetrievalError('unauthorized', 'the server does not know this token');
    if (response.status === 404)
      throw new RetrievalError('library-not-found', 'the server has a store, and no key or vocabulary beside it');
    throw new RetrievalError('server-failed', `the server answered with status ${response.status}`);
  };
}

async function isReachable(): Promise<boolean> {
  return fetch('/healthz', { cache: 'no-store' }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Keeps what the last search sent. */
function watched(transport: Transport, query: { sent: SentQuery }): Transport {
  return (request) => {
    const kind = requestKind(request);
    if (kind === 'search' || kind === 'candidates') {
      const message = decodeRequest(request);
      const tokens = ('tokens' in message ? message.tokens : undefined) ?? new BigUint64Array(0);
      const vector = 'vector' in message ? message.vector.slice() : new Float32Array(0);
      query.sent = { tokens: shown(tokens), tokenCount: tokens.length, vector };
    }
    return transport(request);
  };
}

function counted(extractor: Extractor, count: () => void): Extractor {
  return {
    async describe(bytes, options) {
      const described = await extractor.describe(bytes, options);
      count();
      return described;
    },
  };
}
