/**
 * Every reader of bytes from outside, fed with mutations of valid inputs and with plain noise: whatever comes, it reads or refuses with
 * a `RetrievalError`, in time that is bounded. Where a checksum guards a format, half of the inputs carry one that fits, so that what
 * lies behind it is reached. LONG=1 takes millions of cases.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readOnnxGraph } from '../src/adapters/onnx-graph.ts';
import { decodeTiff } from '../src/adapters/tiff-pixels.ts';
import { crc32 } from '../src/base/crc32.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { CodeCache, type CacheFile } from '../src/client/code-cache.ts';
import { CodeRows } from '../src/client/code-rows.ts';
import { decodeVocabulary, encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { ImageCipher, THUMBNAIL_HEAD_BYTES } from '../src/crypto/image-cipher.ts';
import { createKeyFile, openWithPassphrase } from '../src/crypto/key-file.ts';
import { expandKey } from '../src/crypto/keys.ts';
import { decodeRecord, encodeRecord } from '../src/crypto/record.ts';
import { sealBytes } from '../src/crypto/seal.ts';
import { readHeader } from '../src/image/header.ts';
import { makeEdition } from '../src/index/edition.ts';
import { decodeSegment, encodeSegment } from '../src/index/segment.ts';
import * as values from '../src/index/values.ts';
import { RANKINGS, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../src/protocol/messages.ts';
import { createCredential, formatCredentials, parseCredentials } from '../src/server/credentials.ts';
import { createEditionStore } from '../src/stores/edition-store.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { FeatureCache } from '../src/train/feature-cache.ts';
import { bmp, photo } from './photos.ts';
import { makeLibrary } from './small-library.ts';
import { LONG, bytes, floats, kernels } from './support.ts';
import { tinyOnnx } from './tiny-onnx.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const SEED = 99;
/** Slowest answer to one input of a few kilobytes; a shared machine stalls for a good part of it. */
const MAX_MS = 2000;
/** Inputs a reader takes at a time, so that one that waits for a promise does not set the pace. */
const BATCH = 64;
/** The longest a mutation makes its input. */
const MAX_BYTES = 64 * 1024;

interface Reader {
  readonly name: string;
  readonly inputs: readonly Uint8Array[];
  /** Reads, or throws. */
  readonly read: (input: Uint8Array) => unknown;
  /** Puts the checksums right, in place. */
  readonly repair?: (input: Uint8Array) => void;
  /** Cases in the default and in the long run. */
  readonly runs: readonly [number, number];
}

type Edit =
  | { readonly kind: 'byte' | 'word'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'copy'; readonly at: number; readonly value: number; readonly length: number }
  | { readonly kind: 'noise'; readonly bytes: Uint8Array };

// Where lengths, counts and offsets turn over.
const WORDS = [
  0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
];

const place = fc.nat(0xffff);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('byte' as const), at: place, value: fc.nat(255) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('word' as const), at: place, value: fc.constantFrom(...WORDS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('copy' as const), at: place, value: place, length: fc.nat(64) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('noise' as const), bytes: fc.uint8Array({ maxLength: 64 }) }) },
); // prettier-ignore

/** Places are shares of the length: an edit means something in an input of any size, and beginnings are hit more often. */
function mutate(input: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let out = input.slice();
  const place = (at: number): number => Math.floor((at / 0x10000) ** 2 * out.length);
  for (const change of edits) {
    if (change.kind === 'noise') {
      out = change.bytes.slice();
      continue;
    }
    const at = place(change.at);
    if (change.kind === 'byte' && out.length > 0) out[at] = change.value;
    if (change.kind === 'word' && at + 4 <= out.length)
      new DataView(out.buffer, out.byteOffset).setUint32(at, change.value, (change.at & 1) === 0);
    if (change.kind === 'cut') out = out.slice(0, at);
    if (change.kind === 'copy' && out.length < MAX_BYTES) {
      const from = place(change.value);
      const piece = out.slice(from, from + change.length);
      const next = new Uint8Array(out.length + piece.length);
      next.set(out.subarray(0, at));
      next.set(piece, at);
      next.set(out.subarray(at), at + piece.length);
      out = next;
    }
  }
  return out;
}

const putU32 = (input: Uint8Array, at: number, value: number): void => {
  if (at >= 0 && at + 4 <= input.length) new DataView(input.buffer, input.byteOffset).setUint32(at, value, true);
};
/** A SHA-256 over all before it, at the end. */
const repairHash = (input: Uint8Array): void => {
  if (input.length >= 32) input.set(sha256(input.subarray(0, -32)), input.length - 32);
};
/** The envelope of a message: body length, then CRC-32 over the 12 bytes before it. */
const repairMessage = (input: Uint8Array): void => {
  putU32(input, 8, input.length - 16);
  putU32(input, 12, crc32(input.subarray(0, 12)));
};
/** The parts are as long as the head says, where they are there. */
const repairSegment = (input: Uint8Array): void => {
  if (input.length < 88) return;
  const view = new DataView(input.buffer, input.byteOffset);
  const format = view.getUint16(6, true);
  const [count, dims, tokens, postings] = [48, 52, 56, 60].map((at) => view.getUint32(at, true));
  const rowBytes = dims === 0 ? 0 : format === 1 ? 8 * Math.ceil(dims! / 8) + 8 : 16 * Math.ceil(dims! / 4);
  let at = 88;
  [16 * count!, 8 * tokens!, rowBytes * count!, 4 * (tokens! + 1), 4 * postings!].forEach((length, part) => {
    putU32(input, 64 + 4 * part, crc32(input.subarray(at, at + length)));
    at += length;
  });
  putU32(input, 84, crc32(input.subarray(0, 84)));
};
/** Two: of what lies between head and segment, whose lengths stand in the head, and of the head. */
const repairEdition = (input: Uint8Array): void => {
  if (input.length < 352) return;
  const view = new DataView(input.buffer, input.byteOffset);
  const [count, tokens, wrapped, sealed] = [68, 72, 76, 80].map((at) => view.getUint32(at, true));
  const bodyBytes = 8 * Math.ceil((8 * count! + tokens! + 12 * (count! + 1) + 16 * count! + wrapped! + sealed!) / 8);
  putU32(input, 12, crc32(input.subarray(352, 352 + bodyBytes)));
  putU32(input, 8, 0);
  putU32(input, 8, crc32(input.subarray(0, 352)));
};
const repairValue =
  (key: Uint8Array) =>
  (input: Uint8Array): void =>
    putU32(input, 0, crc32(input.subarray(4), crc32(key)));

const id = bytes(16, 2);
const parameters = bytes(32, 1);
const key = bytes(32, 3);
const imageKey = bytes(32, 4);
const vocabulary = smallVocabulary();
const cipher = new ImageCipher(kernels);
const settings = 'fuzz';

const record = encodeRecord({
  ...{ indexed: true, imageVersion: 0, fingerprint: vocabulary.fingerprint, code: bytes(vocabulary.codeBytes, 5) },
  ...{ name: 'a.jpg', path: 'x/a.jpg', fileBytes: 100, type: 'jpeg', width: 4, height: 3, addedAt: 1, modifiedAt: 2 },
});
const item = { id, tokens: new BigUint64Array(3), vector: floats(5, 4), sealed: bytes(9, 5), wrapped: bytes(72, 6) };

/** What a feature cache writes, and a cache that reads it. */
async function featureFile(): Promise<Uint8Array> {
  let kept = new Uint8Array(0);
  const cache = new FeatureCache({ get: () => Promise.resolve(undefined), put: async (_, file) => void (kept = file.slice()) }, settings); // prettier-ignore
  await cache.put(sha256(bytes(10, 1)), { descriptor: floats(8, 1), local: new Float32Array(256) });
  return kept;
}

/** A frame of the code cache with a seal that fits, around any plaintext. @returns Undefined when it was passed over. */
async function readFrame(plaintext: Uint8Array): Promise<unknown> {
  const body = new Uint8Array(65536 - 40);
  body.set(plaintext.subarray(0, body.length));
  const context = Buffer.concat([Buffer.from('cache'), Buffer.of(0), parameters, Buffer.alloc(8)]);
  const frame = sealBytes(key, new Uint8Array(context), body);
  const file: CacheFile = { read: () => Promise.resolve(frame), replace: () => Promise.resolve(), write: () => Promise.resolve() };
  const at = await new CodeCache(file, () => key, parameters).load(new CodeRows(kernels, vocabulary.codeBytes));
  return at.sequence === 0 ? undefined : at;
} // prettier-ignore

const withThumbnail = await cipher.seal(imageKey, id, bytes(300, 9), { thumbnail: bytes(500, 8) });
/** `u32(length) || JPEG`, as it is sealed in front of an image. */
const thumbnail = Uint8Array.from([244, 1, 0, 0, ...bytes(500, 8)]);

/** The front of a sealed image with a seal that fits, around any plaintext. */
async function readThumbnail(plaintext: Uint8Array): Promise<unknown> {
  const body = new Uint8Array(THUMBNAIL_HEAD_BYTES - 8 - 16);
  body.set(plaintext.subarray(0, body.length));
  const sealing = await crypto.subtle.importKey('raw', new Uint8Array(expandKey(imageKey, 'image/thumbnail')), 'AES-GCM', false, ['encrypt']); // prettier-ignore
  const how = { name: 'AES-GCM', iv: new Uint8Array(12), additionalData: Uint8Array.from([...id, 1]) };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(how, sealing, body));
  const head = withThumbnail.slice(0, THUMBNAIL_HEAD_BYTES);
  head.set(sealed, 8);
  return cipher.openThumbnail(imageKey, id, head);
}

/** The one entry of a frame: 28 bytes of head, an id, 1, and the record as a block. */
const frame = ((): Uint8Array => {
  const out = new Uint8Array(28 + 16 + 1 + 4 + record.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 1, true);
  view.setUint32(16, 9, true);
  view.setUint32(24, 1, true);
  out[44] = 1;
  view.setUint32(45, record.length, true);
  out.set(record, 49);
  return out;
})();

const images = [
  await photo(37, 23).jpeg().toBuffer(),
  await photo(37, 23).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  await photo(37, 23).png().toBuffer(),
  await photo(37, 23).gif().toBuffer(),
  bmp(37, 23),
  await photo(37, 23).webp().toBuffer(),
  await photo(37, 23).withMetadata({ orientation: 8 }).webp().toBuffer(),
  await photo(37, 23).avif({ effort: 0 }).toBuffer(),
  await photo(37, 23).tiff({ compression: 'none' }).toBuffer(),
].map((file) => new Uint8Array(file));
const tiffs = await Promise.all(
  (['none', 'lzw', 'deflate', 'packbits'] as const).flatMap((compression) => [
    photo(20, 12).tiff({ compression }).toBuffer(),
    photo(20, 12).tiff({ compression, tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
  ]),
).then((files) => files.map((file) => new Uint8Array(file)));

const state = {
  ...{ sequence: 9, trimmed: 1, removals: 2, images: 3, blobBytes: 4, root: bytes(137, 8) },
  generations: [
    { slot: 0, state: 'active', ranking: 'server', vectorDims: 5, vectors: 'int8', begun: 1, records: 3, parameters },
  ],
} as const;
const { bytes: keyFile } = await createKeyFile(bytes(64, 6), 'x', { cost: { memoryKib: 8, passes: 1, lanes: 1 } });

/** Of a library under each kind of ranking. */
async function editions(): Promise<Uint8Array[]> {
  const made: Uint8Array[] = [];
  for (const ranking of RANKINGS) {
    const store = createMemoryStore();
    const prefilter = { family: 'lsh', tables: 2, sampledBits: 6, probes: 4 } as const;
    const library = await makeLibrary(3, 3, { ranking, prefilter, noise: 1, split: 1 }, store);
    made.push(await makeEdition(store));
    await library.close();
  }
  return made;
}

const READERS: readonly Reader[] = [
  {
    name: 'requests',
    inputs: [
      encodeRequest({
        kind: 'put',
        parameters,
        items: [
          { ...item, blob: bytes(33, 7) },
          { ...item, vector: Int8Array.of(1, -2, 3, -4, 0, 0, 0, 63), blob: undefined },
        ],
      }),
      encodeRequest({ kind: 'search', parameters, tokens: item.tokens, vector: item.vector, k: 10, scan: true }),
      encodeRequest({ kind: 'records', parameters, ids: [id, id] }),
      encodeRequest({ kind: 'heads', ids: [id, id], length: 16384 }),
      encodeRequest({ kind: 'candidates', parameters, tokens: item.tokens, after: id, limit: 7 }),
      encodeRequest({ kind: 'begin', parameters, ranking: 'server', vectorDims: 9, state: 'pending' }),
    ],
    read: decodeRequest,
    repair: repairMessage,
    runs: [2000, 1_000_000],
  },
  {
    name: 'responses',
    inputs: [
      encodeResponse({
        kind: 'info',
        sequence: 3,
        images: 3,
        blobBytes: 4,
        generations: [{ ...state.generations[0], parameters }],
        root: bytes(137, 7),
      }),
      encodeResponse({ kind: 'search', ids: [id, id], scores: floats(2, 9), candidates: 20, records: 100 }),
      encodeResponse({ kind: 'blob', total: 40, wrapped: bytes(72, 1), bytes: bytes(10, 2) }),
      encodeResponse({ kind: 'heads', heads: [{ wrapped: bytes(72, 1), bytes: bytes(10, 2) }, undefined] }),
      encodeResponse({
        kind: 'verify',
        images: 2,
        records: 3,
        damaged: [id],
        orphanBlobs: [],
        orphanRecords: [id],
        next: id,
      }),
      encodeResponse({
        kind: 'sync',
        begun: 1,
        until: 9,
        more: true,
        records: 5,
        root: bytes(137, 7),
        changes: [{ id, sealed: bytes(9, 1) }],
      }),
    ],
    read: decodeResponse,
    repair: repairMessage,
    runs: [2000, 1_000_000],
  },
  {
    name: 'segment',
    inputs: [
      encodeSegment({
        ...{
          parameters,
          sequence: 7,
          format: 'f32',
          vectorDims: 3,
          count: 2,
          ids: bytes(32, 1),
          vectors: bytes(32, 2),
        },
        postings: {
          tokens: BigUint64Array.of(1n, 5n),
          offsets: Uint32Array.of(0, 1, 3),
          rows: Uint32Array.of(0, 0, 1),
        },
      }),
      encodeSegment({
        ...{
          parameters,
          sequence: 7,
          format: 'int8',
          vectorDims: 3,
          count: 2,
          ids: bytes(32, 1),
          vectors: bytes(32, 2),
        },
        postings: { tokens: BigUint64Array.of(1n), offsets: Uint32Array.of(0, 1), rows: Uint32Array.of(1) },
      }),
    ],
    read: (input) => decodeSegment(input, parameters),
    repair: repairSegment,
    runs: [2000, 1_000_000],
  },
  {
    name: 'edition',
    inputs: await editions(),
    read: (edition) => createEditionStore({ edition, blob: () => Promise.resolve(undefined) }),
    repair: repairEdition,
    runs: [1000, 300_000],
  },
  {
    name: 'store values',
    inputs: [values.encodeState(state)],
    read: values.decodeState,
    repair: repairValue(values.STATE_KEY),
    runs: [2000, 500_000],
  },
  {
    name: 'store records',
    inputs: [values.encodeRecord(id, item)],
    read: (input) => values.decodeRecord(id, input),
    repair: repairValue(id),
    runs: [2000, 500_000],
  },
  {
    name: 'store images',
    inputs: [values.encodeImage(id, { log: 1, blobBytes: 2, slots: 1, wrapped: [bytes(72, 1), bytes(72, 1)] })],
    read: (input) => values.decodeImage(id, input),
    repair: repairValue(id),
    runs: [2000, 500_000],
  },
  { name: 'records', inputs: [record], read: decodeRecord, runs: [2000, 1_000_000] },
  {
    name: 'vocabulary',
    inputs: [encodeVocabulary(vocabulary)],
    read: decodeVocabulary,
    repair: repairHash,
    runs: [1000, 100_000],
  },
  {
    name: 'key file',
    inputs: [keyFile],
    // The hash itself stands aside: its cost is bounded by the reader before it is called.
    read: (input) => openWithPassphrase(input, 'x', { argon2: () => Promise.resolve(new Uint8Array(32)) }),
    repair: repairHash,
    runs: [2000, 300_000],
  },
  { name: 'image headers', inputs: images, read: readHeader, runs: [2000, 1_000_000] },
  {
    name: 'TIFF pixels',
    inputs: tiffs,
    read: (input) => {
      const header = readHeader(input);
      // What the reader in front of the decoders refuses; larger pictures only take longer.
      return header.format === 'tiff' && header.width * header.height < 1e6 ? decodeTiff(input, header) : undefined;
    },
    runs: [1000, 100_000],
  },
  {
    name: 'image container',
    inputs: [await cipher.seal(imageKey, id, bytes(300, 9)), withThumbnail],
    read: (input) => cipher.open(imageKey, id, input),
    runs: [1000, 50_000],
  },
  {
    name: 'sealed thumbnail',
    inputs: [withThumbnail, withThumbnail.slice(0, THUMBNAIL_HEAD_BYTES)],
    read: (input) => cipher.openThumbnail(imageKey, id, input),
    runs: [1000, 50_000],
  },
  { name: 'thumbnail behind its seal', inputs: [thumbnail], read: readThumbnail, runs: [500, 50_000] },
  { name: 'code cache', inputs: [frame], read: readFrame, runs: [100, 5000] },
  {
    name: 'feature cache',
    inputs: [await featureFile()],
    read: (input) =>
      new FeatureCache({ get: () => Promise.resolve(input), put: () => Promise.resolve() }, settings).get(sha256(bytes(10, 1))), // prettier-ignore
    repair: repairHash,
    runs: [1000, 200_000],
  },
  {
    name: 'credentials',
    inputs: [new TextEncoder().encode(formatCredentials([createCredential('anna', 'owner').credential]))],
    read: (input) => parseCredentials(new TextDecoder().decode(input)),
    runs: [2000, 500_000],
  },
  { name: 'ONNX graph', inputs: [new Uint8Array(tinyOnnx())], read: readOnnxGraph, runs: [500, 50_000] },
];

const test = suite(`fuzz (seed ${SEED})`);

for (const { name, inputs, read, repair, runs } of READERS)
  test(name, async () => {
    const cases = fc.record({ input: fc.nat(inputs.length - 1), edits: fc.array(edit, { minLength: 1, maxLength: 6 }), fits: fc.boolean() }); // prettier-ignore
    // Unmutated inputs are read, or nothing behind the first check would be tried.
    if (name !== 'key file')
      for (const input of inputs) assert.ok((await read(input.slice())) !== undefined, 'a valid input was not read');
    const count = runs[LONG ? 1 : 0];
    let tried = 0;
    let refused = 0;
    let slowest = 0;
    const run = fc.asyncProperty(fc.array(cases, { minLength: BATCH, maxLength: BATCH }), async (batch) => {
      for (const { input, edits, fits } of batch) {
        const mutated = mutate(inputs[input]!, edits);
        if (fits) repair?.(mutated);
        tried++;
        const start = performance.now();
        try {
          // Caches pass over what they cannot read, and say nothing.
          if ((await read(mutated)) === undefined) refused++;
        } catch (error) {
          if (!(error instanceof RetrievalError)) throw error;
          refused++;
        }
        slowest = Math.max(slowest, performance.now() - start);
      }
    });
    await fc.assert(run, { seed: SEED, numRuns: Math.ceil(count / BATCH), endOnFailure: !LONG });
    assert.ok(refused > 0, 'nothing was refused');
    assert.ok(slowest < MAX_MS, `${slowest} ms for one input`);
    if (LONG) console.log(`${name}: ${tried} cases, ${refused} refused, slowest ${slowest.toFixed(1)} ms`);
  });

test.run();
