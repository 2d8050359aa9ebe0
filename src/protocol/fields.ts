/**
 * Fields that several messages share: ids, lists of them, tokens, vectors, optional values.
 * Writers check the caller, readers check the world.
 * @module
 */
import { assertBytes, assertFloats, assertInteger } from '../base/assert.ts';
import { bytesOf, type ByteReader, type ByteWriter } from '../base/bytes.ts';
import { dimsOf, readVectorBody, scaleOf, vectorHead, type StoredVector } from '../base/stored-vector.ts';
import { ID_BYTES, MAX_ITEMS, MAX_TOKENS, MAX_VECTOR_DIMS, PADDING_BYTES, PARAMETERS_BYTES } from './limits.ts';

/** A count, refused above `max` and where not even `itemBytes` bytes an item are left. */
export function readCount(body: ByteReader, max: number, itemBytes: number): number {
  const count = body.u32();
  if (count > max) throw body.error(`expected at most ${max} items, got ${count}`);
  if (count * itemBytes > body.left)
    throw body.error(`expected ${count} items of ${itemBytes} bytes, got ${body.left} bytes`);
  return count;
}

/** An integer up to `max`. */
export function readLimited(body: ByteReader, max: number, min = 0): number {
  const value = body.u32();
  if (value < min || value > max) throw body.error(`expected an integer ${min}..${max}, got ${value}`);
  return value;
}

/** A byte that is 0 or 1. */
export function readFlag(body: ByteReader): boolean {
  const value = body.u8();
  if (value > 1) throw body.error(`expected 0 or 1, got ${value}`);
  return value === 1;
}

export function writeId(body: ByteWriter, id: Uint8Array): void {
  assertBytes(id, 'id', ID_BYTES);
  body.raw(id);
}

export function readId(body: ByteReader): Uint8Array {
  return body.raw(ID_BYTES).slice();
}

export function writeIds(body: ByteWriter, ids: readonly Uint8Array[], max: number = MAX_ITEMS): void {
  assertInteger(ids.length, 'ids.length', 0, max);
  body.u32(ids.length);
  for (const id of ids) writeId(body, id);
}

export function readIds(body: ByteReader, max: number = MAX_ITEMS): Uint8Array[] {
  return Array.from({ length: readCount(body, max, ID_BYTES) }, () => readId(body));
}

export function writeParameters(body: ByteWriter, parameters: Uint8Array): void {
  assertBytes(parameters, 'parameters', PARAMETERS_BYTES);
  body.raw(parameters);
}

export function readParameters(body: ByteReader): Uint8Array {
  return body.raw(PARAMETERS_BYTES).slice();
}

export function writeTokens(body: ByteWriter, tokens: BigUint64Array): void {
  if (!(tokens instanceof BigUint64Array))
    throw new TypeError(`"tokens" expected BigUint64Array, got ${typeof tokens}`);
  assertInteger(tokens.length, 'tokens.length', 0, MAX_TOKENS);
  body.u32(tokens.length).raw(bytesOf(tokens));
}

export function readTokens(body: ByteReader): BigUint64Array<ArrayBuffer> {
  return body.u64s(readCount(body, MAX_TOKENS, 8));
}

export function writeVector(body: ByteWriter, vector: Float32Array): void {
  assertFloats(vector, 'vector');
  assertInteger(vector.length, 'vector.length', 0, MAX_VECTOR_DIMS);
  body.u32(vector.length).raw(bytesOf(vector));
}

/** A vector of finite numbers. */
export function readVector(body: ByteReader): Float32Array<ArrayBuffer> {
  const vector = body.floats(readCount(body, MAX_VECTOR_DIMS, 4));
  if (!vector.every(Number.isFinite)) throw body.error('expected finite numbers');
  return vector;
}

/** u32 numbers, then f32[numbers]; int8: bit 31 of the u32 set, i8[numbers], f32 scale. */
export function writeStoredVector(body: ByteWriter, vector: StoredVector): void {
  if (!(vector instanceof Int8Array)) return writeVector(body, vector);
  assertInteger(dimsOf(vector), 'vector.length', 1, MAX_VECTOR_DIMS);
  body.u32(vectorHead(vector)).raw(bytesOf(vector));
}

/** A vector of finite numbers, in any format. */
export function readStoredVector(body: ByteReader): StoredVector {
  const vector = readVectorBody(body, body.u32(), MAX_VECTOR_DIMS);
  if (!(vector instanceof Int8Array ? [scaleOf(vector)] : vector).every(Number.isFinite))
    throw body.error('expected finite numbers');
  return vector;
}

export function writeBlock(body: ByteWriter, bytes: Uint8Array, name: string, max: number): void {
  assertBytes(bytes, name);
  assertInteger(bytes.length, `${name}.length`, 0, max);
  body.block(bytes);
}

/** The last field of a page: zeros after their u32 length, up to a whole multiple of {@link PADDING_BYTES}. */
export function writePadding(body: ByteWriter): void {
  const length = body.length + 4;
  body.block(new Uint8Array(Math.ceil(length / PADDING_BYTES) * PADDING_BYTES - length));
}

export function readPadding(body: ByteReader): void {
  if (body.block(PADDING_BYTES - 1).some((byte) => byte !== 0)) throw body.error('expected zeros as padding');
}

/** 0, or 1 and the value. */
export function writeOptional<T>(body: ByteWriter, value: T | undefined, write: (value: T) => void): void {
  body.u8(value === undefined ? 0 : 1);
  if (value !== undefined) write(value);
}

export function readOptional<T>(body: ByteReader, read: () => T): T | undefined {
  return readFlag(body) ? read() : undefined;
}
