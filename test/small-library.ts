/** A real client and a real server in one process, over a small vocabulary: descriptors are drawn from the file's first bytes. */
import { Client } from '../src/client/client.ts';
import type { CacheFile } from '../src/client/code-cache.ts';
import type { Described, Extractor } from '../src/client/extractor.ts';
import type { Vocabulary } from '../src/codes/vocabulary.ts';
import type { IndexParameters } from '../src/client/index-parameters.ts';
import type { Store } from '../src/index/store.ts';
import { decodeRequest, encodeRequest, type Request } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { bytes, floats, kernels } from './support.ts';
import { DIMS, smallVocabulary } from './vocabulary-support.ts';

/** May replace a response; `handle` asks the server something else. */
export type Mangle = (
  request: Uint8Array,
  response: Uint8Array,
  handle: (request: Request) => Promise<Uint8Array>,
) => Uint8Array | Promise<Uint8Array>;

/** How to open once more. */
export interface Reopening {
  readonly cache?: CacheFile;
  /** Gets the kinds of all requests. */
  readonly asked?: string[];
}

export interface SmallLibrary {
  readonly client: Client;
  /** A client of the same library and server with other index parameters, or another vocabulary; not begun. */
  other(index: IndexParameters, extractor?: Extractor['describe'], vocabulary?: Vocabulary): Client;
  /** The library as it is after a new start of server and client. */
  reopen(options?: Reopening): Client;
  readonly ids: readonly Uint8Array[];
  readonly files: readonly Uint8Array[];
  setMangle(mangle: Mangle | undefined): void;
  close(): Promise<void>;
}

/** Seeded descriptors of a "file": equal files have equal ones. */
export async function describe(file: Uint8Array): Promise<Described> {
  const seed = new DataView(file.buffer, file.byteOffset).getUint32(0);
  return {
    header: { format: 'jpeg', width: 4, height: 3, orientation: 1 },
    descriptors: { ehd: floats(DIMS.ehd, seed), bow: floats(DIMS.bow, seed + 1), deep: floats(DIMS.deep, seed + 2) },
  };
}

export async function makeLibrary(
  count: number,
  seed: number,
  index: IndexParameters = {
    ranking: 'server',
    prefilter: { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 },
    noise: 1,
    split: 1,
  },
  store: Store = createMemoryStore(),
): Promise<SmallLibrary> {
  const server = createServer({ store, kernels });
  let mangle: Mangle | undefined;
  const open = (
    vocabulary: Vocabulary,
    parameters: IndexParameters,
    read: Extractor['describe'],
    answers = server,
    { cache, asked }: Reopening = {},
  ): Client =>
    new Client({
      kernels,
      libraryKey: bytes(64, seed),
      vocabulary,
      index: parameters,
      async transport(request) {
        asked?.push(decodeRequest(request).kind);
        const response = await answers.handle(request);
        return mangle === undefined
          ? response
          : mangle(request, response, (other) => server.handle(encodeRequest(other)));
      },
      extractor: () => Promise.resolve({ describe: read }),
      ...(cache === undefined ? {} : { cache }),
    });
  const client = open(smallVocabulary(), index, describe);
  await client.begin('active');
  const files = Array.from({ length: count }, (_, i) => bytes(100 + 7 * i, 1000 * seed + i));
  const items = await Promise.all(files.map((file, i) => client.prepare(file, { name: `${i}.bin` })));
  await client.put(items);
  return {
    client,
    other: (parameters, read = describe, vocabulary = smallVocabulary()) => open(vocabulary, parameters, read),
    reopen: (options) => open(smallVocabulary(), index, describe, createServer({ store, kernels }), options),
    files,
    ids: items.map(({ id }) => id),
    setMangle: (next) => (mangle = next),
    async close() {
      client.close();
      await server.close();
    },
  };
}
