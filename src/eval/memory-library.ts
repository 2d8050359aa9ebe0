/**
 * A real client and a real server in one process, with messages as the only way between them: what evaluation searches. The
 * photos' bytes are their numbers: what is searched are the codes.
 * @module
 */
import { toHex } from '../base/bytes.ts';
import { Client } from '../client/client.ts';
import type { IndexParameters } from '../client/index-parameters.ts';
import type { Descriptors } from '../codes/descriptors.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { newLibraryKey } from '../crypto/keys.ts';
import type { PutItem } from '../protocol/messages.ts';
import { createServer } from '../server/server.ts';
import { createMemoryStore } from '../stores/memory-store.ts';

/** What a library is made of. */
export interface MemoryLibraryOptions {
  readonly kernels: WebAssembly.Module;
  readonly vocabulary: Vocabulary;
  readonly index: IndexParameters;
  /** Descriptors of photo i. */
  readonly descriptors: (photo: number) => Descriptors;
}

export interface MemoryLibrary {
  readonly client: Client;
  /** Seals photo i, ready for `put`. */
  prepare(photo: number): Promise<PutItem>;
  put(items: readonly PutItem[]): Promise<void>;
  /** Numbers of the photos with these ids, less the query's own. */
  positions(ids: readonly Uint8Array[], query: number): Uint32Array;
  close(): Promise<void>;
}

/** Opens an empty one. */
export async function openMemoryLibrary(options: MemoryLibraryOptions): Promise<MemoryLibrary> {
  const { kernels, vocabulary, index, descriptors } = options;
  const server = createServer({ store: createMemoryStore(), kernels });
  const client = new Client({
    ...{ kernels, vocabulary, index },
    libraryKey: newLibraryKey(),
    transport: (request) => server.handle(request),
    extractor: () =>
      Promise.resolve({
        describe: async (bytes) => ({
          header: { format: 'jpeg', width: 1, height: 1, orientation: 1 },
          descriptors: descriptors(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)),
        }),
      }),
  });
  await client.begin('active');
  const places = new Map<string, number>();
  return {
    client,
    async prepare(photo) {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, photo);
      const item = await client.prepare(bytes, { name: String(photo) });
      places.set(toHex(item.id), photo);
      return item;
    },
    put: (items) => client.put(items),
    positions: (ids, query) =>
      Uint32Array.from(ids.map((id) => places.get(toHex(id))!).filter((place) => place !== query)),
    async close() {
      client.close();
      await server.close();
    },
  };
}
