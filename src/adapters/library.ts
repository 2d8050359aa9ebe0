/**
 * A library in a folder: client and server in one process, each with its own half of the folder, with
 * messages as the only way between them.
 * @module
 */
import { assertInteger } from '../base/assert.ts';
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';
import { equalBytes } from '../base/bytes.ts';
import { Client } from '../client/client.ts';
import type { CacheFile } from '../client/code-cache.ts';
import type { IndexFiles } from '../client/index-files.ts';
import { VocabularyExtractor, type Extractor } from '../client/extractor.ts';
import {
  DEFAULT_INDEX,
  defaultPrefilter,
  generationName,
  isOfKey,
  type IndexParameters,
} from '../client/index-parameters.ts';
import { keyRotated } from '../client/rotated-key.ts';
import { ask, isUnreachable, type Transport } from '../client/transport.ts';
import type { UploadQueue } from '../client/upload-queue.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { decodeVocabulary, encodeVocabulary } from '../codes/vocabulary-format.ts';
import {
  changePassphrase,
  createKeyFile,
  keyFileCost,
  openWithPassphrase,
  openWithWords,
  type KeyFileOpener,
  type KeyFileOptions,
} from '../crypto/key-file.ts';
import { libraryKeyName, newLibraryKey, rotateLibraryKey } from '../crypto/keys.ts';
import { hold, wipe } from '../crypto/wipe.ts';
import { ImageReader } from '../image/decode.ts';
import { createServer } from '../server/server.ts';
import { openLmdbStore } from '../stores/lmdb-store.ts';
import { cacheFile } from './cache-file.ts';
import { loadDecoders } from './decoders.ts';
import { ExtractorPool, MAX_WORKERS } from './extractor-pool.ts';
import { loadJpegEncoder } from './jpeg-encoder.ts';
import { LibraryFiles } from './library-files.ts';
import { loadKernels, loadModel, loadVocabulary } from './package-files.ts';
import { uploadFolder } from './upload-folder.ts';

/** What a library is opened with. */
export interface LibraryOptions {
  readonly opener: KeyFileOpener;
  /** Reads only: goes on beside a writer. */
  readonly readOnly?: boolean;
  /** Sees every message between client and server, as the server does. */
  readonly tap?: Tap;
  /** Where the store is, when it is not in the folder. */
  readonly remote?: Remote;
  /** Opens also while the server cannot be reached: enough to seal images that wait for it in {@link Library.queue}. */
  readonly offline?: boolean;
  /** Takes the library as the server has it now for the right one, also when it is older than what was seen. */
  readonly accept?: boolean;
  /**
   * Threads that describe images, 0..=64, each with a copy of the model; they start when there is work for them, and end with `close`. Default 0: this
   * thread does it all, one image at a time. To keep them busy, `addImages` takes a `concurrency` of twice as many and two.
   */
  readonly workers?: number;
}

/** A server somewhere else. */
export interface Remote {
  /** Written to the folder, so that the next one who opens it knows. */
  readonly url: string;
  readonly transport: Transport;
}

/** The two ways to a store. */
interface Connection {
  readonly transport: Transport;
  close(): Promise<void>;
}

/** Called with each request and its response. */
export type Tap = (request: Uint8Array, response: Uint8Array) => void;

/**
 * Makes extractors for one vocabulary: model or threads are loaded at the first call, and closed by `close`.
 * @param workers - As in {@link LibraryOptions}.
 */
function extractorFor(
  kernels: WebAssembly.Module,
  vocabulary: Vocabulary,
  workers: number,
): { readonly make: () => Promise<Extractor>; close(): Promise<void> } {
  let made: { close(): Promise<void> } | undefined;
  return {
    async make() {
      if (workers > 0) return (made = new ExtractorPool(kernels, vocabulary, workers));
      const [model, decoders, encode] = await Promise.all([
        loadModel(vocabulary.model.sha256),
        loadDecoders(),
        loadJpegEncoder(),
      ]);
      made = model;
      return new VocabularyExtractor(kernels, vocabulary, model, new ImageReader(kernels, decoders), encode);
    },
    close: async () => made?.close(),
  };
}

/**
 * Makes a library, and leaves it closed.
 * @param folder - Made if need be; must not hold a library.
 * @returns 24 recovery words, shown once and kept nowhere.
 * @throws `library-exists`, `corrupt-vocabulary`. {@link RetrievalError}
 */
export async function createLibrary(
  folder: string,
  passphrase: string,
  options: {
    readonly vocabulary?: Uint8Array;
    /** What is left out is the default under the vocabulary. */
    readonly index?: Partial<IndexParameters>;
    readonly key?: KeyFileOptions;
    readonly remote?: Remote;
  } = {},
): Promise<string> {
  const files = new LibraryFiles(folder);
  const { remote } = options;
  await files.checkNew();
  // Another library's images could not be told from damage.
  if (remote !== undefined && (await ask(remote.transport, { kind: 'info' }, 'info')).images > 0)
    throw new RetrievalError('library-exists', 'the server holds a library already');
  const vocabulary = options.vocabulary ?? (await loadVocabulary()).bytes;
  const prefilter = defaultPrefilter(decodeVocabulary(vocabulary));
  await files.create();
  const libraryKey = newLibraryKey();
  try {
    const { bytes, words } = await createKeyFile(libraryKey, passphrase, options.key);
    await files.writeKey(bytes);
    await files.writeIndex('current', vocabulary, { ...DEFAULT_INDEX, prefilter, ...options.index });
    const library = await Library.assemble(files, libraryKey, { empty: true, remote });
    try {
      await library.client.begin('active');
    } finally {
      await library.close();
    }
    if (remote !== undefined) await files.writeServer(remote.url);
    await files.seal();
    return words;
  } catch (error) {
    await files.destroy();
    throw error;
  } finally {
    wipe(libraryKey);
  }
}

/**
 * Opens a library in a folder.
 * @throws If `workers` is out of range. {@link RangeError}
 * @throws `library-not-found`, `wrong-passphrase`, `library-locked`, `rolled-back`, and what damaged files give. {@link RetrievalError}
 */
export async function openLibrary(folder: string, { opener, ...options }: LibraryOptions): Promise<Library> {
  if (options.workers !== undefined) assertInteger(options.workers, 'workers', 0, MAX_WORKERS);
  const files = new LibraryFiles(folder);
  const { remote } = options;
  await files.check(remote !== undefined);
  const known = await files.server();
  if (known !== undefined && remote === undefined)
    throw new RetrievalError(
      'library-not-found',
      'the store of this library is on a server, and no way there was given',
    );
  // The server would refuse a viewer's credential all the same; so nothing is done in vain.
  if (options.readOnly !== true && (await files.role()) === 'viewer')
    throw new RetrievalError('forbidden', 'this library was joined as a viewer: only an owner may change it');
  const assemble = async (): Promise<Library> => {
    const libraryKey = await openKeyFile(await files.key(), opener);
    try {
      return await Library.assemble(files, libraryKey, { ...options, opener });
    } finally {
      wipe(libraryKey);
    }
  };
  const library = await assemble().catch((error: unknown) => {
    // Another process may have let a new index or key take over while the files were read: then they fit now.
    if (error instanceof RetrievalError && MISFITS.has(error.code)) return assemble();
    throw error;
  });
  // A folder with a store of its own keeps it. A folder that cannot be written is told the address every time.
  if (remote !== undefined && remote.url !== known && !(await files.hasStore()))
    await files.writeServer(remote.url).catch(() => undefined);
  return library;
}

/** What files say of each other that were read before and after a change. */
const MISFITS: ReadonlySet<RetrievalErrorCode> = new Set([
  'parameter-mismatch',
  'key-rotated',
  'corrupt-vocabulary',
] as const);

/**
 * Changes the passphrase; images and keys stay as they are, and so do the recovery words.
 * @throws `library-not-found`, `wrong-passphrase`. {@link RetrievalError}
 */
export async function changeLibraryPassphrase(
  folder: string,
  opener: KeyFileOpener,
  passphrase: string,
  options: KeyFileOptions = {},
): Promise<void> {
  const files = new LibraryFiles(folder);
  await files.check();
  if ((await files.nextKey()) !== undefined)
    throw new RetrievalError(
      'index-incomplete',
      'a rotation is unfinished: finish it with blindsight rotate, or drop it with rotate --abort, before the passphrase changes',
    );
  await files.writeKey(await changePassphrase(await files.key(), opener, passphrase, options));
}

/** The library key, by passphrase or words. */
export async function openKeyFile(file: Uint8Array, opener: KeyFileOpener): Promise<Uint8Array> {
  return 'words' in opener ? openWithWords(file, opener.words) : openWithPassphrase(file, opener.passphrase);
}

/** A client, and what it makes codes with. */
interface OwnClient {
  readonly client: Client;
  readonly extractor: { close(): Promise<void> };
}

/** The index that is to come. */
export interface NextIndex {
  readonly client: Client;
  /** Call it when the new index serves. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** An open library. Close it: the store is locked until then. */
export class Library {
  readonly client: Client;
  readonly vocabulary: Vocabulary;
  readonly index: IndexParameters;
  /** Images that wait for the server. */
  readonly queue: UploadQueue;
  /** The server could not be reached when the library was opened (`offline`). */
  readonly away: boolean;
  readonly #files: LibraryFiles;
  readonly #kernels: WebAssembly.Module;
  readonly #libraryKey: Uint8Array;
  readonly #connection: Connection;
  readonly #workers: number;
  readonly #extractor: { close(): Promise<void> };

  private constructor(
    files: LibraryFiles,
    kernels: WebAssembly.Module,
    libraryKey: Uint8Array,
    connection: Connection,
    { vocabulary, index }: IndexFiles,
    workers: number,
    away = false,
  ) {
    this.#files = files;
    this.#workers = workers;
    this.#kernels = kernels;
    this.#libraryKey = hold(libraryKey);
    this.#connection = connection;
    this.vocabulary = vocabulary;
    this.index = index;
    this.queue = uploadFolder(files.waiting);
    this.away = away;
    const { client, extractor } = this.#makeClient(vocabulary, index, cacheFile(files.cache));
    this.client = client;
    this.#extractor = extractor;
  }

  /**
   * Puts a library together from its files and its key. Not kept: `libraryKey`.
   * @param options - `empty`: it is being made, and has no index yet; `opener`: opens the key of a rotation as well.
   */
  static async assemble(
    files: LibraryFiles,
    libraryKey: Uint8Array,
    {
      readOnly = false,
      empty = false,
      tap,
      remote,
      opener,
      accept = false,
      offline = false,
      workers = 0,
    }: {
      readOnly?: boolean;
      accept?: boolean;
      offline?: boolean;
      empty?: boolean;
      tap?: Tap | undefined;
      remote?: Remote | undefined;
      opener?: KeyFileOpener;
      workers?: number;
    },
  ): Promise<Library> {
    const kernels = await loadKernels();
    const connection = tapped(
      remote === undefined ? connectLocal(files, kernels, readOnly) : connectRemote(remote),
      tap,
    );
    const { transport } = connection;
    const checked = async (library: Library): Promise<Library> => {
      try {
        if (accept) await library.client.acceptRoot();
        else if (!empty) await library.client.checkRoot();
        return library;
      } catch (error) {
        library.#wipe();
        throw error;
      }
    };
    try {
      const current = await files.readIndex('current').catch((error: unknown) => ({ error }));
      // What is being built may be damaged without harm to what serves.
      const next = await files.readIndex('next').catch(() => undefined);
      const active = await activeParameters(transport).catch((error: unknown) => {
        if (offline && isUnreachable(error)) return 'unknown' as const;
        throw error;
      });
      // A reindex or rotation that got as far as the server's switch, but not as far as the files': finish it.
      if (next !== undefined && active !== undefined && active !== 'unknown') {
        const serving = await nextKeyOf(files, libraryKey, active, opener);
        if (serving !== undefined && equalBytes(active, nameOf(next, serving))) {
          if (!readOnly) await files.promoteNext();
          const library = new Library(files, kernels, serving, connection, next, workers);
          if (serving !== libraryKey) wipe(serving);
          return await checked(library);
        }
      }
      if (current === undefined) throw new RetrievalError('corrupt-vocabulary', 'the vocabulary is missing');
      if ('error' in current) throw current.error;
      if (active === 'unknown') return new Library(files, kernels, libraryKey, connection, current, workers, true);
      if (active === undefined && !empty)
        throw new RetrievalError('corrupt-index', 'the store of the library holds no index');
      if (active !== undefined && !isOfKey(active, libraryKeyName(libraryKey))) throw keyRotated();
      if (active !== undefined && !equalBytes(active, nameOf(current, libraryKey)))
        throw new RetrievalError(
          'parameter-mismatch',
          'the store was made with another vocabulary or other parameters',
        );
      return await checked(new Library(files, kernels, libraryKey, connection, current, workers));
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  #makeClient(
    vocabulary: Vocabulary,
    index: IndexParameters,
    cache?: CacheFile,
    libraryKey: Uint8Array = this.#libraryKey,
  ): OwnClient {
    const extractor = extractorFor(this.#kernels, vocabulary, this.#workers);
    const client = new Client({
      kernels: this.#kernels,
      libraryKey,
      vocabulary,
      index,
      transport: this.#connection.transport,
      extractor: extractor.make,
      root: cacheFile(this.#files.root),
      ...(cache === undefined ? {} : { cache }),
    });
    return { client, extractor };
  }

  /**
   * A second client for the index that is to come, whose description is written to the folder first.
   * @throws `parameter-mismatch` when another reindex is unfinished. {@link RetrievalError}
   */
  async next(vocabulary: Vocabulary, index: IndexParameters): Promise<NextIndex> {
    const pending = await this.#files.readIndex('next');
    if ((await this.#files.nextKey()) !== undefined)
      throw new RetrievalError('parameter-mismatch', 'a rotation is unfinished: finish it, or drop it with --abort');
    const key = this.#libraryKey;
    if (pending !== undefined && !equalBytes(nameOf(pending, key), nameOf({ vocabulary, index }, key)))
      throw new RetrievalError(
        'parameter-mismatch',
        'a reindex to another vocabulary is unfinished: finish it, or drop it with --abort',
      );
    // What cannot be indexed leaves no trace.
    const made = this.#makeClient(vocabulary, index);
    if (pending === undefined) await this.#files.writeIndex('next', encodeVocabulary(vocabulary), index);
    return this.#nextIndex(made);
  }

  /**
   * A second client, for the same library under a new key; goes on with a rotation that is unfinished.
   * @param passphrase - Opens the library, and is to open it afterwards.
   * @returns With it, recovery words for the new key, shown once and kept nowhere; those of an earlier try no longer hold.
   * @throws `wrong-passphrase`; `parameter-mismatch` when a reindex is unfinished. {@link RetrievalError}
   */
  async rotation(passphrase: string): Promise<NextIndex & { readonly words: string }> {
    const keyFile = await this.#files.key();
    const begun = await this.#files.nextKey();
    if (begun === undefined && (await this.#files.readIndex('next')) !== undefined)
      throw new RetrievalError('parameter-mismatch', 'a reindex is unfinished: finish it, or drop it with --abort');
    const opened = await openWithPassphrase(begun ?? keyFile, passphrase);
    const libraryKey = begun === undefined ? rotateLibraryKey(opened) : opened;
    try {
      const { bytes, words } = await createKeyFile(libraryKey, passphrase, { cost: keyFileCost(keyFile) });
      await this.#files.writeIndex('next', encodeVocabulary(this.vocabulary), this.index, bytes);
      return { ...this.#nextIndex(this.#makeClient(this.vocabulary, this.index, undefined, libraryKey)), words };
    } finally {
      wipe(opened, libraryKey);
    }
  }

  #nextIndex({ client, extractor }: OwnClient): NextIndex {
    return {
      client,
      finish: () => this.#files.promoteNext(),
      async close() {
        client.close();
        await extractor.close();
      },
    };
  }

  /** Buckets that searches look at from the next opening on, unless they say otherwise. */
  async setProbes(probes: number): Promise<void> {
    const prefilter = { ...this.index.prefilter, probes };
    await this.#files.writeIndex('current', encodeVocabulary(this.vocabulary), { ...this.index, prefilter });
  }

  /** The unfinished reindex, if there is one. */
  async pending(): Promise<IndexFiles | undefined> {
    return this.#files.readIndex('next');
  }

  /** Drops an unfinished reindex, on the server and in the folder, also when one of the two was lost or is damaged. */
  async abandonNext(): Promise<boolean> {
    const { generations } = await this.client.info();
    const pending = generations.find(({ state }) => state === 'pending');
    if (pending !== undefined)
      await ask(this.#connection.transport, { kind: 'discard', parameters: pending.parameters }, 'done');
    const dropped = await this.#files.dropNext();
    return pending !== undefined || dropped;
  }

  /** Wipes keys, closes the store and lets its lock go. */
  async close(): Promise<void> {
    this.#wipe();
    try {
      await this.#extractor.close();
    } finally {
      await this.#connection.close();
    }
  }

  #wipe(): void {
    this.client.close();
    wipe(this.#libraryKey);
  }
}

function connectLocal(files: LibraryFiles, kernels: WebAssembly.Module, readOnly: boolean): Connection {
  const server = createServer({ store: openLmdbStore(files.store, { readOnly }), kernels });
  return { transport: (request) => server.handle(request), close: () => server.close() };
}

function connectRemote({ transport }: Remote): Connection {
  return { transport, close: () => Promise.resolve() };
}

function tapped({ transport, close }: Connection, tap: Tap | undefined): Connection {
  if (tap === undefined) return { transport, close };
  return {
    async transport(request) {
      const response = await transport(request);
      tap(request, response);
      return response;
    },
    close,
  };
}

/**
 * The address of the server that holds a library's store; undefined where it is in the folder itself.
 * @throws `library-not-found`, `corrupt-index`, `unsupported-version`. {@link RetrievalError}
 */
export async function libraryServer(folder: string): Promise<string | undefined> {
  const files = new LibraryFiles(folder);
  await files.check();
  return files.server();
}

function nameOf({ vocabulary, index }: IndexFiles, libraryKey: Uint8Array): Uint8Array {
  return generationName(vocabulary.fingerprint, index, libraryKeyName(libraryKey));
}

/**
 * The key of the index that is to come, if that is what serves already.
 * @param active - Name of what serves.
 */
async function nextKeyOf(
  files: LibraryFiles,
  libraryKey: Uint8Array,
  active: Uint8Array,
  opener: KeyFileOpener | undefined,
): Promise<Uint8Array | undefined> {
  const file = await files.nextKey();
  // Equal files: it has been taken over already, and only what belongs to it is left to do.
  if (file === undefined || equalBytes(file, await files.key())) return libraryKey;
  if (opener === undefined || isOfKey(active, libraryKeyName(libraryKey))) return undefined;
  const next = await openKeyFile(file, opener);
  return isOfKey(active, libraryKeyName(next)) ? next : undefined;
}

async function activeParameters(transport: Transport): Promise<Uint8Array | undefined> {
  const { generations } = await ask(transport, { kind: 'info' }, 'info');
  return generations.find(({ state }) => state === 'active')?.parameters;
}
