/**
 * Images, sealed. Little-endian.
 *
 * | type      | field     |                                                      |
 * | --------- | --------- | ---------------------------------------------------- |
 * | u8[4]     | magic     | `BSIM`                                               |
 * | u8        | version   | 0; 1 with a thumbnail                                |
 * | u8[3]     | reserved  | 0                                                    |
 * | u8[16376] | thumbnail | version 1 alone                                      |
 * | u8[...]   | chunks    | each 1 MiB + 16 bytes, the last one 17 or more       |
 *
 * Plaintext = `u64(length) || file || zeros` (Padme). It is XORed with the logistic stream, from byte 0 on, under
 * HKDF-Expand(image key, 'blindsight/1/image/logistic'), cut into chunks of 1 MiB, and each is sealed by AES-256-GCM under
 * HKDF-Expand(image key, 'blindsight/1/image/aead'): nonce `u64(chunk) || u32(last ? 1 : 0)`, context `id || u8(version)`.
 * Confidentiality and integrity rest on AES-GCM alone. The nonce repeats with the key: **one image key seals one file, once.**
 *
 * The thumbnail comes first, so that it is read without the rest, and has one size, so that the size tells nothing:
 * `u32(length) || JPEG || zeros`, sealed by AES-256-GCM under HKDF-Expand(image key, 'blindsight/1/image/thumbnail'), nonce 0,
 * context `id || u8(version)`.
 *
 * With `paper` the chunks are left out: magic `BSPA`, then the XORed plaintext as it is. That is the method as published, kept to be
 * measured and attacked. It protects nothing: anyone can alter it, and some known images open it.
 * @module
 */
import { assertBytes, assertInteger } from '../base/assert.ts';
import { ByteReader, ByteWriter, concat } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { ID_BYTES, KEY_BYTES, expandKey } from './keys.ts';
import { LogisticStream } from './logistic-stream.ts';
import { pad, padmeLength, unpad } from './padme.ts';
import { randomBytes } from './random.ts';
import { wipe } from './wipe.ts';

const MAGIC = 0x4d495342; // "BSIM" read as a little-endian u32
const PAPER_MAGIC = 0x41505342; // "BSPA"
/** The sealed form's version without a thumbnail, and with one. */
export const IMAGE_VERSIONS = { plain: 0, thumbnail: 1 } as const;
const HEADER_BYTES = 8;
const CHUNK_BYTES = 2 ** 20;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
/** Bytes at the front of a sealed image that hold its thumbnail, where it has one. */
export const THUMBNAIL_HEAD_BYTES = 16384;
const SEALED_THUMBNAIL_BYTES = THUMBNAIL_HEAD_BYTES - HEADER_BYTES;
/** Largest thumbnail. */
export const MAX_THUMBNAIL_BYTES: number = SEALED_THUMBNAIL_BYTES - TAG_BYTES - 4;

/** How an image is opened. */
export interface ImageCipherOptions {
  /** For evaluation only: the logistic stream alone, without authentication. Must be said again to open it. */
  readonly paper?: boolean;
}

/** How an image is sealed. */
export interface SealImageOptions extends ImageCipherOptions {
  /** A small JPEG of it, 1..={@link MAX_THUMBNAIL_BYTES} bytes. Not with `paper`. */
  readonly thumbnail?: Uint8Array | undefined;
}

/** A new image key: 32 random bytes, for one file. */
export function newImageKey(): Uint8Array<ArrayBuffer> {
  return randomBytes(KEY_BYTES);
}

/** Bytes of the sealed form of a file of `fileBytes` bytes. */
export function sealedImageBytes(fileBytes: number, thumbnail = false): number {
  const padded = padmeLength(8 + fileBytes);
  return (thumbnail ? THUMBNAIL_HEAD_BYTES : HEADER_BYTES) + padded + TAG_BYTES * Math.ceil(padded / CHUNK_BYTES);
}

/**
 * Seals and opens image files.
 * @example
 * ```ts
 * const cipher = new ImageCipher(module);
 * const imageKey = newImageKey();
 * const blob = await cipher.seal(imageKey, id, file);
 * const same = await cipher.open(imageKey, id, blob);
 * ```
 */
export class ImageCipher {
  readonly #stream: LogisticStream;

  /** @param module - Compiled kernels. */
  constructor(module: WebAssembly.Module) {
    this.#stream = new LogisticStream(module);
  }

  /**
   * Seals a file.
   * @param imageKey - 32 bytes, never used before.
   * @param id - 16 bytes: the image's id, bound to every chunk.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On wrong lengths. {@link RangeError}
   */
  async seal(
    imageKey: Uint8Array,
    id: Uint8Array,
    file: Uint8Array,
    { paper = false, thumbnail }: SealImageOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    assertBytes(imageKey, 'imageKey', KEY_BYTES);
    assertBytes(id, 'id', ID_BYTES);
    assertBytes(file, 'file');
    if (thumbnail !== undefined) {
      assertBytes(thumbnail, 'thumbnail');
      assertInteger(thumbnail.length, 'thumbnail.length', 1, MAX_THUMBNAIL_BYTES);
      if (paper) throw new RangeError('"thumbnail" expected none with "paper", got one');
    }
    const plaintext = pad(file);
    const logisticKey = expandKey(imageKey, 'image/logistic');
    const sealedBytes = sealedImageBytes(file.length, thumbnail !== undefined);
    const out = new Uint8Array(paper ? HEADER_BYTES + plaintext.length : sealedBytes);
    const view = new DataView(out.buffer);
    const version = thumbnail === undefined ? IMAGE_VERSIONS.plain : IMAGE_VERSIONS.thumbnail;
    view.setUint32(0, paper ? PAPER_MAGIC : MAGIC, true);
    view.setUint8(4, version);
    if (thumbnail !== undefined) out.set(await sealThumbnail(imageKey, id, thumbnail), HEADER_BYTES);
    const aead = paper ? undefined : await importKey(imageKey, 'image/aead', 'encrypt');
    const start = thumbnail === undefined ? HEADER_BYTES : THUMBNAIL_HEAD_BYTES;
    for (let from = 0, at = start; from < plaintext.length; from += CHUNK_BYTES) {
      const to = Math.min(from + CHUNK_BYTES, plaintext.length);
      const masked = this.#stream.xor(logisticKey, plaintext.subarray(from, to), from);
      const sealed =
        aead === undefined
          ? masked
          : new Uint8Array(
              await crypto.subtle.encrypt(parameters(from, to === plaintext.length, id, version), aead, masked),
            );
      out.set(sealed, at);
      at += sealed.length;
    }
    wipe(plaintext, logisticKey);
    return out;
  }

  /**
   * Inverse of {@link seal}.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On wrong lengths of key or id. {@link RangeError}
   * @throws `decrypt-failed`: another key or id, or bytes altered, moved, missing or added; `unsupported-version`. {@link RetrievalError}
   */
  async open(
    imageKey: Uint8Array,
    id: Uint8Array,
    blob: Uint8Array,
    { paper = false }: ImageCipherOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    assertBytes(imageKey, 'imageKey', KEY_BYTES);
    assertBytes(id, 'id', ID_BYTES);
    assertBytes(blob, 'blob');
    const { version, rest } = readHeader(blob, paper);
    const body = version === IMAGE_VERSIONS.plain ? rest : rest.subarray(SEALED_THUMBNAIL_BYTES);
    const logisticKey = expandKey(imageKey, 'image/logistic');
    const aead = paper ? undefined : await importKey(imageKey, 'image/aead', 'decrypt');
    const sealedChunk = CHUNK_BYTES + (paper ? 0 : TAG_BYTES);
    const chunks = Math.ceil(body.length / sealedChunk);
    const plaintext = new Uint8Array(Math.max(0, body.length - (paper ? 0 : TAG_BYTES * chunks)));
    try {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const sealed = body.slice(chunk * sealedChunk, (chunk + 1) * sealedChunk);
        const from = chunk * CHUNK_BYTES;
        const masked =
          aead === undefined
            ? sealed
            : await openSealed(aead, parameters(from, chunk === chunks - 1, id, version), sealed);
        plaintext.set(this.#stream.xor(logisticKey, masked, from), from);
      }
      const file = unpad(plaintext);
      if (file === undefined) throw failed();
      return file.slice();
    } finally {
      wipe(plaintext, logisticKey);
    }
  }

  /**
   * Opens the thumbnail of a sealed image.
   * @param head - Its first {@link THUMBNAIL_HEAD_BYTES} bytes, or more.
   * @returns A JPEG; undefined where the image was sealed without one.
   * @throws As {@link open}.
   */
  async openThumbnail(imageKey: Uint8Array, id: Uint8Array, head: Uint8Array): Promise<Uint8Array | undefined> {
    assertBytes(imageKey, 'imageKey', KEY_BYTES);
    assertBytes(id, 'id', ID_BYTES);
    assertBytes(head, 'head');
    const { version, rest } = readHeader(head, false);
    if (version === IMAGE_VERSIONS.plain) return undefined;
    const key = await importKey(imageKey, 'image/thumbnail', 'decrypt');
    const plaintext = await openSealed(key, thumbnailParameters(id), rest.slice(0, SEALED_THUMBNAIL_BYTES));
    const length = new DataView(plaintext.buffer).getUint32(0, true);
    if (length === 0 || length > MAX_THUMBNAIL_BYTES) throw failed();
    return plaintext.slice(4, 4 + length);
  }
}

async function sealThumbnail(imageKey: Uint8Array, id: Uint8Array, thumbnail: Uint8Array): Promise<Uint8Array> {
  const plaintext = new Uint8Array(SEALED_THUMBNAIL_BYTES - TAG_BYTES);
  new DataView(plaintext.buffer).setUint32(0, thumbnail.length, true);
  plaintext.set(thumbnail, 4);
  const key = await importKey(imageKey, 'image/thumbnail', 'encrypt');
  const sealed = new Uint8Array(await crypto.subtle.encrypt(thumbnailParameters(id), key, plaintext));
  wipe(plaintext);
  return sealed;
}

function readHeader(blob: Uint8Array, paper: boolean): { version: number; rest: Uint8Array<ArrayBuffer> } {
  const reader = new ByteReader(blob, 'decrypt-failed');
  const magic = reader.u32();
  if (magic !== (paper ? PAPER_MAGIC : MAGIC))
    throw reader.error(
      magic === PAPER_MAGIC
        ? 'the image has no authentication: it was sealed for evaluation'
        : 'expected a sealed image',
    );
  const version = reader.u8();
  if (version > (paper ? IMAGE_VERSIONS.plain : IMAGE_VERSIONS.thumbnail))
    throw new RetrievalError('unsupported-version', `expected a known image version, got ${version}`);
  if (reader.raw(3).some((byte) => byte !== 0)) throw reader.error('expected reserved bytes 0');
  const rest = reader.raw(reader.left);
  // A plain view where the platform asks for bytes that are not shared.
  return {
    version,
    rest:
      rest.buffer instanceof ArrayBuffer ? new Uint8Array(rest.buffer, rest.byteOffset, rest.byteLength) : concat(rest),
  };
}

async function importKey(
  imageKey: Uint8Array,
  label: 'image/aead' | 'image/thumbnail',
  use: 'encrypt' | 'decrypt',
): Promise<CryptoKey> {
  const key = new Uint8Array(expandKey(imageKey, label));
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, [use]);
  wipe(key);
  return imported;
}

function parameters(from: number, last: boolean, id: Uint8Array, version: number): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv: new ByteWriter()
      .u64(from / CHUNK_BYTES)
      .u32(last ? 1 : 0)
      .finish(),
    additionalData: concat(id, Uint8Array.of(version)),
    tagLength: 8 * TAG_BYTES,
  };
}

function thumbnailParameters(id: Uint8Array): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv: new Uint8Array(NONCE_BYTES),
    additionalData: concat(id, Uint8Array.of(IMAGE_VERSIONS.thumbnail)),
    tagLength: 8 * TAG_BYTES,
  };
}

async function openSealed(
  key: CryptoKey,
  how: AesGcmParams,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (sealed.length <= TAG_BYTES) throw failed();
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how, key, sealed));
  } catch {
    throw failed();
  }
}

function failed(): RetrievalError {
  return new RetrievalError('decrypt-failed', 'the sealed image is not authentic under this key and id');
}
