/**
 * Images, sealed. Version 0. Little-endian.
 *
 * | offset | type    | field    |                                                  |
 * | -----: | ------- | -------- | ------------------------------------------------ |
 * |      0 | u8[4]   | magic    | `BSIM`                                           |
 * |      4 | u8      | version  | 0                                                |
 * |      5 | u8[3]   | reserved | 0                                                |
 * |      8 | u8[...] | chunks   | each 1 MiB + 16 bytes, the last one 17 or more   |
 *
 * Plaintext = `u64(length) || file || zeros` (Padme). It is XORed with the logistic stream, from byte 0 on, under
 * HKDF-Expand(image key, 'blindsight/1/image/logistic'), cut into chunks of 1 MiB, and each is sealed by AES-256-GCM under
 * HKDF-Expand(image key, 'blindsight/1/image/aead'): nonce `u64(chunk) || u32(last ? 1 : 0)`, context `id || u8(version)`.
 * Confidentiality and integrity rest on AES-GCM alone. The nonce repeats with the key: **one image key seals one file, once.**
 *
 * With `paper` the chunks are left out: magic `BSPA`, then the XORed plaintext as it is. That is the method as published, kept to be
 * measured and attacked. It protects nothing: anyone can alter it, and some known images open it.
 * @module
 */
import { assertBytes } from '../base/assert.ts';
import { ByteReader, ByteWriter, concat } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { ID_BYTES, KEY_BYTES, expandKey } from './keys.ts';
import { LogisticStream } from './logistic-stream.ts';
import { pad, padmeLength, unpad } from './padme.ts';
import { randomBytes } from './random.ts';
import { wipe } from './wipe.ts';

const MAGIC = 0x4d495342; // "BSIM" read as a little-endian u32
const PAPER_MAGIC = 0x41505342; // "BSPA"
/** Of the sealed form. */
export const IMAGE_VERSION = 0;
const VERSION = IMAGE_VERSION;
const HEADER_BYTES = 8;
const CHUNK_BYTES = 2 ** 20;
const TAG_BYTES = 16;

/** How an image is sealed. */
export interface ImageCipherOptions {
  /** For evaluation only: the logistic stream alone, without authentication. Must be said again to open it. */
  readonly paper?: boolean;
}

/** A new image key: 32 random bytes, for one file. */
export function newImageKey(): Uint8Array<ArrayBuffer> {
  return randomBytes(KEY_BYTES);
}

/** Bytes of the sealed form of a file of `fileBytes` bytes. */
export function sealedImageBytes(fileBytes: number): number {
  const padded = padmeLength(8 + fileBytes);
  return HEADER_BYTES + padded + TAG_BYTES * Math.ceil(padded / CHUNK_BYTES);
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
    { paper = false }: ImageCipherOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    assertBytes(imageKey, 'imageKey', KEY_BYTES);
    assertBytes(id, 'id', ID_BYTES);
    assertBytes(file, 'file');
    const plaintext = pad(file);
    const logisticKey = expandKey(imageKey, 'image/logistic');
    const out = new Uint8Array(paper ? HEADER_BYTES + plaintext.length : sealedImageBytes(file.length));
    const view = new DataView(out.buffer);
    view.setUint32(0, paper ? PAPER_MAGIC : MAGIC, true);
    view.setUint8(4, VERSION);
    const aead = paper ? undefined : await importKey(imageKey, 'encrypt');
    for (let from = 0, at = HEADER_BYTES; from < plaintext.length; from += CHUNK_BYTES) {
      const to = Math.min(from + CHUNK_BYTES, plaintext.length);
      const masked = this.#stream.xor(logisticKey, plaintext.subarray(from, to), from);
      const sealed =
        aead === undefined
          ? masked
          : new Uint8Array(await crypto.subtle.encrypt(parameters(from, to === plaintext.length, id), aead, masked));
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
    const body = readHeader(blob, paper);
    const logisticKey = expandKey(imageKey, 'image/logistic');
    const aead = paper ? undefined : await importKey(imageKey, 'decrypt');
    const sealedChunk = CHUNK_BYTES + (paper ? 0 : TAG_BYTES);
    const chunks = Math.ceil(body.length / sealedChunk);
    const plaintext = new Uint8Array(Math.max(0, body.length - (paper ? 0 : TAG_BYTES * chunks)));
    try {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const sealed = body.slice(chunk * sealedChunk, (chunk + 1) * sealedChunk);
        const from = chunk * CHUNK_BYTES;
        const masked = aead === undefined ? sealed : await openChunk(aead, from, chunk === chunks - 1, id, sealed);
        plaintext.set(this.#stream.xor(logisticKey, masked, from), from);
      }
      const file = unpad(plaintext);
      if (file === undefined) throw failed();
      return file.slice();
    } finally {
      wipe(plaintext, logisticKey);
    }
  }
}

function readHeader(blob: Uint8Array, paper: boolean): Uint8Array<ArrayBuffer> {
  const reader = new ByteReader(blob, 'decrypt-failed');
  const magic = reader.u32();
  if (magic !== (paper ? PAPER_MAGIC : MAGIC))
    throw reader.error(
      magic === PAPER_MAGIC
        ? 'the image has no authentication: it was sealed for evaluation'
        : 'expected a sealed image',
    );
  const version = reader.u8();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected image version ${VERSION}, got ${version}`);
  if (reader.raw(3).some((byte) => byte !== 0)) throw reader.error('expected reserved bytes 0');
  const body = reader.raw(reader.left);
  // A plain view where the platform asks for bytes that are not shared.
  return body.buffer instanceof ArrayBuffer
    ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
    : concat(body);
}

async function importKey(imageKey: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  const key = new Uint8Array(expandKey(imageKey, 'image/aead'));
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, [use]);
  wipe(key);
  return imported;
}

function parameters(from: number, last: boolean, id: Uint8Array): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv: new ByteWriter()
      .u64(from / CHUNK_BYTES)
      .u32(last ? 1 : 0)
      .finish(),
    additionalData: concat(id, Uint8Array.of(VERSION)),
    tagLength: 8 * TAG_BYTES,
  };
}

async function openChunk(
  key: CryptoKey,
  from: number,
  last: boolean,
  id: Uint8Array,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  if (sealed.length <= TAG_BYTES) throw failed();
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(from, last, id), key, sealed));
  } catch {
    throw failed();
  }
}

function failed(): RetrievalError {
  return new RetrievalError('decrypt-failed', 'the sealed image is not authentic under this key and id');
}
