/**
 * What every message starts with. Little-endian.
 *
 * | offset | type  | field     |                                       |
 * | -----: | ----- | --------- | ------------------------------------- |
 * |      0 | u8[4] | magic     | `BSMG`                                |
 * |      4 | u16   | version   | 0                                     |
 * |      6 | u16   | kind      | see `requests.ts` and `responses.ts`  |
 * |      8 | u32   | bodyBytes | to the end of the message             |
 * |     12 | u32   | check     | CRC-32 of the 12 bytes before         |
 *
 * The body has no checksum: what a client must be able to trust is authenticated inside it.
 * @module
 */
import { assertBytes } from '../base/assert.ts';
import { ByteReader, ByteWriter, concat } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { RetrievalError } from '../base/errors.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';

const MAGIC = 0x474d5342; // "BSMG" read as a little-endian u32
const VERSION = 0;
const HEADER_BYTES = 16;

/**
 * Puts the header before a body.
 * @throws If the message is longer than {@link MAX_MESSAGE_BYTES}. {@link RangeError}
 */
export function encodeEnvelope(kind: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  if (HEADER_BYTES + body.length > MAX_MESSAGE_BYTES)
    throw new RangeError(`"message" expected at most ${MAX_MESSAGE_BYTES} bytes, got ${HEADER_BYTES + body.length}`);
  const head = new ByteWriter().u32(MAGIC).u16(VERSION).u16(kind).u32(body.length).finish();
  return concat(head, new ByteWriter().u32(crc32(head)).finish(), body);
}

/**
 * Checks the header.
 * @returns The kind, and a reader that stands at the body.
 * @throws `corrupt-message` or `unsupported-version`. {@link RetrievalError}
 */
export function decodeEnvelope(bytes: Uint8Array): { kind: number; body: ByteReader } {
  assertBytes(bytes, 'bytes');
  const body = new ByteReader(bytes, 'corrupt-message');
  if (bytes.length > MAX_MESSAGE_BYTES)
    throw body.error(`expected at most ${MAX_MESSAGE_BYTES} bytes, got ${bytes.length}`);
  if (body.u32() !== MAGIC) throw body.error('expected magic BSMG');
  const version = body.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected message version ${VERSION}, got ${version}`);
  const kind = body.u16();
  const bodyBytes = body.u32();
  if (body.u32() !== crc32(bytes.subarray(0, HEADER_BYTES - 4))) throw body.error('the header is damaged');
  if (body.left !== bodyBytes) throw body.error(`expected a body of ${bodyBytes} bytes, got ${body.left}`);
  return { kind, body };
}
