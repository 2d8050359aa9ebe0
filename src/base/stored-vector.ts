/**
 * Vectors as a server stores them: f32, or int8 with a scale of its own for each vector, in a quarter of the bytes.
 * @module
 */
import { bytesOf, type ByteReader } from './bytes.ts';

// Position = number in bytes.
export const VECTOR_FORMATS = ['f32', 'int8'] as const;

/** One of {@link VECTOR_FORMATS}. */
export type VectorFormat = (typeof VECTOR_FORMATS)[number];

/** f32[dims], or i8[dims + 4]: the last four are the scale, an f32, by which each i8 before them is multiplied. Empty: no vector. */
export type StoredVector = Float32Array | Int8Array;

/** Bytes of the scale after the numbers of an int8 vector. */
export const SCALE_BYTES = 4;

/** Marks int8 in the u32 that says how many numbers a vector has. */
const INT8_FLAG = 2 ** 31;

/**
 * Bytes of a vector as it lies in a table that ranks, and in a segment. f32: the numbers, then zeros up to a multiple of 16. int8: the numbers,
 * zeros up to a multiple of 8, the f32 scale, four zeros.
 */
export function rowBytesOf(format: VectorFormat, dims: number): number {
  return format === 'int8' ? 8 * Math.ceil(dims / 8) + 8 : 16 * Math.ceil(dims / 4);
}

/** Writes a vector as a row of {@link rowBytesOf} bytes, which are zeros before. */
export function packRow(vector: StoredVector, row: Uint8Array): void {
  const bytes = bytesOf(vector);
  if (vector instanceof Float32Array) return row.set(bytes);
  row.set(bytes.subarray(0, -SCALE_BYTES));
  row.set(bytes.subarray(-SCALE_BYTES), row.length - 8);
}

/** Inverse of {@link packRow}. A copy. */
export function unpackRow(row: Uint8Array, format: VectorFormat, dims: number): StoredVector {
  if (format === 'f32') return new Float32Array(row.slice(0, 4 * dims).buffer);
  const vector = new Int8Array(dims + SCALE_BYTES);
  bytesOf(vector).set(row.subarray(0, dims));
  bytesOf(vector).set(row.subarray(row.length - 8, row.length - 8 + SCALE_BYTES), dims);
  return vector;
}

export function formatOf(vector: StoredVector): VectorFormat {
  return vector instanceof Int8Array ? 'int8' : 'f32';
}

/** Numbers of a vector; 0 for none. */
export function dimsOf(vector: StoredVector): number {
  return vector instanceof Int8Array ? Math.max(0, vector.length - SCALE_BYTES) : vector.length;
}

/** Puts the scale after the numbers of an int8 vector. */
export function setScale(vector: Int8Array, scale: number): void {
  new DataView(vector.buffer, vector.byteOffset).setFloat32(dimsOf(vector), scale, true);
}

export function scaleOf(vector: Int8Array): number {
  return new DataView(vector.buffer, vector.byteOffset).getFloat32(dimsOf(vector), true);
}

/** The numbers of a vector. */
export function numbersOf(vector: StoredVector): Float32Array {
  if (vector instanceof Float32Array) return vector;
  const scale = vector.length === 0 ? 0 : scaleOf(vector);
  return Float32Array.from(vector.subarray(0, dimsOf(vector)), (number) => scale * number);
}

/** The u32 before the bytes of a vector: how many numbers, and bit 31 where they are int8. */
export function vectorHead(vector: StoredVector): number {
  const dims = dimsOf(vector);
  return dims > 0 && vector instanceof Int8Array ? INT8_FLAG + dims : dims;
}

/**
 * Reads the bytes of a vector.
 * @param head - As {@link vectorHead} made it.
 * @returns A copy.
 */
export function readVectorBody(body: ByteReader, head: number, mostDims: number): StoredVector {
  const format = head >= INT8_FLAG ? 'int8' : 'f32';
  const dims = head % INT8_FLAG;
  if (dims > mostDims) throw body.error(`expected a vector of at most ${mostDims} numbers, got ${dims}`);
  if (format === 'f32') return body.floats(dims);
  if (dims === 0) throw body.error('expected numbers of an int8 vector, got none');
  return new Int8Array(bytesOf(body.raw(dims + SCALE_BYTES)).slice().buffer);
}
