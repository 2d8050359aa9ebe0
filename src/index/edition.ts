/**
 * Bytes of an edition, version 0: the active generation of a store at one moment, to be read where there is no database. Little-endian.
 *
 * | type     | field      |                                                                    |
 * | -------- | ---------- | ------------------------------------------------------------------ |
 * | u8[4]    | magic      | `BSED`                                                             |
 * | u16      | version    | 0                                                                  |
 * | u16      | ranking    | 0 server, 1 split, 2 client                                        |
 * | u32      | headCheck  | CRC-32 of the head, this field 0                                   |
 * | u32      | bodyCheck  | CRC-32 of everything after the head but the segment                |
 * | u8[32]   | parameters | name of the generation                                             |
 * | u64      | sequence   | of the last mutation                                               |
 * | u64      | begun      | of the generation's beginning                                      |
 * | u32      | vectorDims |                                                                    |
 * | u32      | count      | images                                                             |
 * | u32[5]   | lengths    | bytes of all tokens, wrapped keys, sealed records; segment; root   |
 * | u32      | format     | of the vectors: 0 f32, 1 int8                                      |
 * | u8[256]  | root       | sealed library root, then zeros                                    |
 * | f64[..]  | blobBytes  | one an image                                                       |
 * | u64[..]  | tokens     |                                                                    |
 * | u32[3 (count + 1)] | offsets | where an image's tokens (in tokens), wrapped key and sealed record begin |
 * | u8[..]   | ids        | 16 bytes an image, ascending                                       |
 * | u8[..]   | wrapped    |                                                                    |
 * | u8[..]   | sealed     |                                                                    |
 * | u8[..]   | zeros      | up to a multiple of 8                                              |
 * | u8[..]   | segment    | `segment.ts`; none where the client ranks                          |
 *
 * Ciphertext only, as in the store; the encrypted images themselves lie beside it.
 * @module
 */
import { assertBytes } from '../base/assert.ts';
import { ByteReader, ByteWriter, bytesOf, compareBytes } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { RetrievalError } from '../base/errors.ts';
import { VECTOR_FORMATS, type VectorFormat } from '../base/stored-vector.ts';
import { encodeSegment } from './segment.ts';
import { snapshot } from './refresh.ts';
import type { Ranking, Store } from './store.ts';
import { ID_BYTES, PARAMETERS_BYTES } from './values.ts';

const MAGIC = 0x44455342; // "BSED" read as a little-endian u32
const VERSION = 0;
const ROOT_BYTES = 256;
const HEAD_BYTES = 352;
const CHECK_AT = 8;
const PAGE = 512;
const RANKINGS: readonly Ranking[] = ['server', 'split', 'client'];

/** An edition as it lies in its bytes: views. */
export interface Edition {
  readonly parameters: Uint8Array;
  readonly ranking: Ranking;
  readonly sequence: number;
  readonly begun: number;
  readonly vectorDims: number;
  readonly vectors: VectorFormat;
  readonly count: number;
  readonly root: Uint8Array;
  /** u8[16 * count], ascending. */
  readonly ids: Uint8Array;
  /** f64[count] */
  readonly blobBytes: Float64Array;
  readonly tokens: BigUint64Array;
  /** Of each, u32[count + 1]: where an image's part begins. */
  readonly offsets: { readonly tokens: Uint32Array; readonly wrapped: Uint32Array; readonly sealed: Uint32Array };
  readonly wrapped: Uint8Array;
  readonly sealed: Uint8Array;
  /** Bytes of a segment; empty where the client ranks. */
  readonly segment: Uint8Array;
}

/**
 * Writes the active generation of a store. Images without a record in it are left out, and damaged ones.
 * @throws `parameter-mismatch` when there is no active generation. {@link RetrievalError}
 */
export async function makeEdition(store: Store): Promise<Uint8Array<ArrayBuffer>> {
  const { sequence, root, generations } = await store.stats();
  const info = generations.find(({ state }) => state === 'active');
  if (info === undefined) throw new RetrievalError('parameter-mismatch', 'the store has no index');
  const [ids, tokens, wrapped, sealed] = [new ByteWriter(), new ByteWriter(), new ByteWriter(), new ByteWriter()];
  const blobBytes: number[] = [];
  const offsets: [number[], number[], number[]] = [[0], [0], [0]];
  for (let after: Uint8Array | undefined; ;) {
    const page = await store.records(info.parameters, after, PAGE);
    const pageIds = page.map(({ id }) => id);
    const [images, keys] = [await store.images(pageIds), await store.wrappedKeys(pageIds)];
    page.forEach(({ id, record }, i) => {
      const [image, key] = [images[i], keys[i]];
      if (record === undefined || image === undefined || key === undefined) return;
      ids.raw(id);
      blobBytes.push(image.blobBytes);
      offsets[0].push(tokens.raw(bytesOf(record.tokens)).length / 8);
      offsets[1].push(wrapped.raw(key).length);
      offsets[2].push(sealed.raw(record.sealed).length);
    });
    if (page.length < PAGE) break;
    after = page.at(-1)!.id;
  }
  const segment = info.ranking === 'client' ? new Uint8Array(0) : encodeSegment(await snapshot(store, info));
  const body = new ByteWriter().raw(bytesOf(Float64Array.from(blobBytes))).raw(tokens.finish());
  for (const list of offsets) body.raw(bytesOf(Uint32Array.from(list)));
  body.raw(ids.finish()).raw(wrapped.finish()).raw(sealed.finish());
  while ((HEAD_BYTES + body.length) % 8 !== 0) body.u8(0);
  const bytes = body.finish();
  const head = new ByteWriter()
    .u32(MAGIC)
    .u16(VERSION)
    .u16(RANKINGS.indexOf(info.ranking))
    .u32(0)
    .u32(crc32(bytes))
    .raw(info.parameters)
    .u64(sequence)
    .u64(info.begun)
    .u32(info.vectorDims)
    .u32(blobBytes.length);
  for (const length of [tokens.length, wrapped.length, sealed.length, segment.length, root.length]) head.u32(length);
  head
    .u32(VECTOR_FORMATS.indexOf(info.vectors))
    .raw(root)
    .raw(new Uint8Array(ROOT_BYTES - root.length));
  const out = new Uint8Array(HEAD_BYTES + bytes.length + segment.length);
  out.set(head.finish());
  out.set(bytes, HEAD_BYTES);
  out.set(segment, HEAD_BYTES + bytes.length);
  new DataView(out.buffer).setUint32(CHECK_AT, crc32(out.subarray(0, HEAD_BYTES)), true);
  return out;
}

/**
 * Reads an edition. Trusts nothing.
 * @returns Views into `bytes` (into one copy, where `bytes` is not aligned to 8).
 * @throws `corrupt-index` or `unsupported-version`. {@link RetrievalError}
 */
export function decodeEdition(bytes: Uint8Array): Edition {
  assertBytes(bytes, 'bytes');
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const head = new ByteReader(aligned, 'corrupt-index');
  if (head.u32() !== MAGIC) throw head.error('expected magic BSED');
  const version = head.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected edition version ${VERSION}, got ${version}`);
  const [ranking, headCheck, bodyCheck] = [RANKINGS[head.u16()], head.u32(), head.u32()];
  const parameters = head.raw(PARAMETERS_BYTES);
  const [sequence, begun, vectorDims, count] = [head.u64(), head.u64(), head.u32(), head.u32()];
  const [tokenBytes, wrappedBytes, sealedBytes, segmentBytes] = [head.u32(), head.u32(), head.u32(), head.u32()];
  const [rootBytes, vectors] = [head.u32(), VECTOR_FORMATS[head.u32()]];
  const root = head.raw(ROOT_BYTES).subarray(0, rootBytes);
  const checked = aligned.slice(0, HEAD_BYTES);
  checked.fill(0, CHECK_AT, CHECK_AT + 4);
  if (crc32(checked) !== headCheck || ranking === undefined || rootBytes > ROOT_BYTES || vectors === undefined)
    throw head.error('the head is damaged');
  const arrays = 8 * count + tokenBytes + 12 * (count + 1) + ID_BYTES * count + wrappedBytes + sealedBytes;
  const bodyBytes = 8 * Math.ceil(arrays / 8);
  if (tokenBytes % 8 !== 0 || head.left !== bodyBytes + segmentBytes)
    throw head.error(`expected ${bodyBytes + segmentBytes} bytes after the head, got ${head.left}`);
  if (crc32(aligned.subarray(HEAD_BYTES, HEAD_BYTES + bodyBytes)) !== bodyCheck)
    throw head.error('the checksum does not match');
  const at = (length: number): [ArrayBuffer, number] => {
    const { buffer, byteOffset } = head.raw(length);
    return [buffer as ArrayBuffer, byteOffset];
  };
  const blobBytes = new Float64Array(...at(8 * count), count);
  const tokens = new BigUint64Array(...at(tokenBytes), tokenBytes / 8);
  const list = (end: number): Uint32Array => {
    const found = new Uint32Array(...at(4 * (count + 1)), count + 1);
    for (let i = 0; i < count; i++) if (found[i]! > found[i + 1]!) throw head.error('expected ascending offsets');
    if (found[0] !== 0 || found[count] !== end) throw head.error(`expected offsets 0..${end}`);
    return found;
  };
  const offsets = { tokens: list(tokens.length), wrapped: list(wrappedBytes), sealed: list(sealedBytes) };
  const ids = head.raw(ID_BYTES * count);
  for (let i = 1; i < count; i++)
    if (
      compareBytes(ids.subarray(ID_BYTES * (i - 1), ID_BYTES * i), ids.subarray(ID_BYTES * i, ID_BYTES * (i + 1))) >= 0
    )
      throw head.error('expected ascending ids');
  const [wrapped, sealed] = [head.raw(wrappedBytes), head.raw(sealedBytes)];
  head.raw(bodyBytes - arrays);
  const segment = head.raw(segmentBytes);
  return {
    ...{ parameters, ranking, sequence, begun, vectorDims, vectors, count, root },
    ...{ ids, blobBytes, tokens, offsets, wrapped, sealed, segment },
  };
}
