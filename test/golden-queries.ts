/**
 * The golden queries, for every runtime: a library of small photos is made with real client and server, searched under each ranking,
 * and its answers are written down. All but the network runs here, from the bytes of the files on; its numbers come with the input, under
 * the checksum of what it was shown, so that a runtime which prepares other pixels has no answer.
 */
import { crc32 } from '../src/base/crc32.ts';
import { Client } from '../src/client/client.ts';
import { VocabularyExtractor, type Described } from '../src/client/extractor.ts';
import { DEFAULT_INDEX, defaultPrefilter } from '../src/client/index-parameters.ts';
import { decodeVocabulary } from '../src/codes/vocabulary-format.ts';
import type { DeepModel } from '../src/features/deep.ts';
import { ImageReader } from '../src/image/decode.ts';
import type { Decoder } from '../src/image/decoder.ts';
import { RANKINGS } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';

/** A file: 24 bit BMP. */
export interface GoldenFile {
  readonly name: string;
  readonly base64: string;
}

export interface GoldenInput {
  readonly photos: readonly GoldenFile[];
  readonly queries: readonly GoldenFile[];
  /** By CRC-32 of the network's input, f32[dims] in base 64. */
  readonly deep: Readonly<Record<string, string>>;
}

export interface GoldenAnswer {
  readonly query: string;
  readonly ranking: string;
  /** Best first, all photos. */
  readonly ids: readonly string[];
  readonly names: readonly string[];
  readonly scores: readonly number[];
}

const KEY = /* @__PURE__ */ Uint8Array.from({ length: 64 }, (_, i) => i);

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Uncompressed pixels, as `golden-input.ts` writes them: rows from the bottom up, blue first, filled up to 4 bytes. */
export const bmpDecoder: Decoder = {
  name: 'bmp',
  formats: new Set(['bmp']),
  decode(bytes, { width, height }) {
    const start = new DataView(bytes.buffer, bytes.byteOffset).getUint32(10, true);
    const stride = 4 * Math.ceil((3 * width) / 4);
    const data = new Uint8Array(3 * width * height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < 3; c++)
          data[3 * (y * width + x) + c] = bytes[start + (height - 1 - y) * stride + 3 * x + 2 - c]!;
    return Promise.resolve({ width, height, channels: 3, data });
  },
};

/** Answers of all queries under all rankings. */
export async function answerGolden(
  kernels: WebAssembly.Module,
  vocabularyBytes: Uint8Array,
  { photos, queries, deep }: GoldenInput,
): Promise<GoldenAnswer[]> {
  const vocabulary = decodeVocabulary(vocabularyBytes);
  const model: DeepModel = {
    ...vocabulary.model,
    run(input) {
      const name = String(crc32(new Uint8Array(input.buffer, input.byteOffset, input.byteLength)));
      const numbers = deep[name];
      if (numbers === undefined) throw new Error(`the network was not shown these pixels: ${name}`);
      return Promise.resolve(new Float32Array(fromBase64(numbers).buffer));
    },
    close: () => Promise.resolve(),
  };
  const extractor = new VocabularyExtractor(kernels, vocabulary, model, new ImageReader(kernels, [bmpDecoder]));
  // Described once for the three rankings.
  const described = new Map<string, Promise<Described>>();
  const describe = (bytes: Uint8Array): Promise<Described> => {
    const name = String(crc32(bytes));
    if (!described.has(name)) described.set(name, extractor.describe(bytes));
    return described.get(name)!;
  };
  const answers: GoldenAnswer[] = [];
  for (const ranking of RANKINGS) {
    const server = createServer({ store: createMemoryStore(), kernels });
    const client = new Client({
      kernels,
      libraryKey: KEY,
      vocabulary,
      index: { ...DEFAULT_INDEX, ranking, prefilter: defaultPrefilter(vocabulary) },
      transport: (request) => server.handle(request),
      extractor: () => Promise.resolve({ describe }),
    });
    await client.begin('active');
    const items = [];
    for (const { name, base64 } of photos) items.push(await client.prepare(fromBase64(base64), { name }));
    await client.put(items);
    for (const { name: query, base64 } of queries) {
      const { matches } = await client.search(await client.query(fromBase64(base64)), { k: photos.length });
      answers.push({
        query,
        ranking,
        ids: matches.map(({ id }) => id),
        names: matches.map(({ name }) => name),
        scores: matches.map(({ score }) => score),
      });
    }
    client.close();
    await server.close();
  }
  return answers;
}
