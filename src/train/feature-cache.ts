/**
 * Features of one training image, kept under the image's content, so that a stopped run goes on.
 *
 * Two files an image: what is made from its luma (edge histogram and local features), and its deep descriptor. Each
 * is named by its own settings, so that another model costs no second extraction of the local features.
 *
 * | offset   | type      | field      |                                                             |
 * | -------: | --------- | ---------- | ----------------------------------------------------------- |
 * |        0 | u8[4]     | magic      | `BSFC`                                                      |
 * |        4 | u16       | version    | 0                                                           |
 * |        6 | u16       | reserved   | 0                                                           |
 * |        8 | u8[32]    | name       | SHA-256(SHA-256(settings) || SHA-256(image file))           |
 * |       40 | u32       | dims       | numbers of the descriptor                                   |
 * |       44 | u32       | local      | count of local features                                     |
 * |       48 | f32[dims] | descriptor | edge histogram, or deep descriptor                          |
 * |      ... | u8[...]   | local      | 128 numbers each: RootSIFT in 0..1, as round(255 x)         |
 * | end - 32 | u8[32]    | checksum   | SHA-256 of everything before it                             |
 *
 * Local features are kept at a quarter of their size: k-means and word counts do not need more.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes, assertFloats, assertString } from '../base/assert.ts';
import { ByteReader, ByteWriter, bytesOf, concat, equalBytes, toHex, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';

const MAGIC = utf8('BSFC');
const VERSION = 0;
const LOCAL_DIMS = 128;
const CHECKSUM_BYTES = 32;

/** One file of the cache. */
export interface CachedFeatures {
  /** f32[dims] */
  readonly descriptor: Float32Array;
  /** f32[128 * count]: RootSIFT descriptors; none beside a deep descriptor. */
  readonly local: Float32Array;
}

/** Where cached features are kept: a folder, in the command line. */
export interface FeatureStore {
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, bytes: Uint8Array): Promise<void>;
}

/** Features by image content and settings. */
export class FeatureCache {
  readonly #store: FeatureStore;
  readonly #settings: Uint8Array;

  /**
   * @param store - Where the bytes go.
   * @param settings - Names everything besides the image that the features depend on (extractor or model, and its
   *   options): other settings never find these features.
   */
  constructor(store: FeatureStore, settings: string) {
    assertString(settings, 'settings');
    this.#store = store;
    this.#settings = sha256(utf8(settings));
  }

  /**
   * Features of an image file, or undefined when they were never collected, or their bytes are damaged: then they
   * are collected again.
   */
  async get(file: Uint8Array): Promise<CachedFeatures | undefined> {
    const name = await this.#name(file);
    const bytes = await this.#store.get(toHex(name));
    if (bytes === undefined) return undefined;
    try {
      return await decode(bytes, name);
    } catch (error) {
      if (error instanceof RetrievalError) return undefined;
      throw error;
    }
  }

  /** Keeps the features of an image file. */
  async put(file: Uint8Array, features: CachedFeatures): Promise<void> {
    const name = await this.#name(file);
    await this.#store.put(toHex(name), await encode(features, name));
  }

  async #name(file: Uint8Array): Promise<Uint8Array> {
    assertBytes(file, 'file');
    return hash(concat(this.#settings, await hash(file)));
  }
}

/** Local features as they come back from the cache: numbers of 0..1 in steps of 1/255. New. */
export function roundLocal(local: Float32Array): Float32Array<ArrayBuffer> {
  return fromLevels(toLevels(local));
}

function toLevels(local: Float32Array): Uint8Array {
  const levels = new Uint8Array(local.length);
  for (let i = 0; i < local.length; i++) levels[i] = Math.round(255 * Math.min(1, Math.max(0, local[i]!)));
  return levels;
}

function fromLevels(levels: Uint8Array): Float32Array<ArrayBuffer> {
  const local = new Float32Array(levels.length);
  for (let i = 0; i < local.length; i++) local[i] = levels[i]! / 255;
  return local;
}

/** SHA-256 by the platform: these are the largest files that training reads. */
async function hash(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

async function encode({ descriptor, local }: CachedFeatures, name: Uint8Array): Promise<Uint8Array> {
  assertFloats(descriptor, 'descriptor');
  assertFloats(local, 'local');
  if (local.length % LOCAL_DIMS !== 0)
    throw new RangeError(`"local" expected multiple of ${LOCAL_DIMS} numbers, got ${local.length}`);
  const levels = toLevels(local);
  const body = new ByteWriter()
    .raw(MAGIC)
    .u16(VERSION)
    .u16(0)
    .raw(name)
    .u32(descriptor.length)
    .u32(local.length / LOCAL_DIMS)
    .raw(bytesOf(descriptor))
    .raw(levels)
    .finish();
  return concat(body, await hash(body));
}

async function decode(bytes: Uint8Array, name: Uint8Array): Promise<CachedFeatures> {
  const end = Math.max(0, bytes.length - CHECKSUM_BYTES);
  const reader = new ByteReader(bytes.subarray(0, end), 'corrupt-record');
  if (!equalBytes(await hash(bytes.subarray(0, end)), bytes.subarray(end)))
    throw reader.error('expected another checksum');
  if (!equalBytes(reader.raw(4), MAGIC)) throw reader.error('expected magic BSFC');
  if (reader.u16() !== VERSION || reader.u16() !== 0) throw reader.error(`expected version ${VERSION}`);
  if (!equalBytes(reader.raw(32), name)) throw reader.error('expected the features of another image');
  const dims = reader.u32();
  const locals = reader.u32();
  const descriptor = reader.floats(dims);
  const local = fromLevels(reader.raw(locals * LOCAL_DIMS));
  reader.end();
  return { descriptor, local };
}
