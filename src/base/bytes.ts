/**
 * Bytes: joining, comparing, text, and a writer and a suspicious reader. Little-endian throughout.
 * @module
 */
import { RetrievalError, type RetrievalErrorCode } from './errors.ts';

/** Joins arrays into a new one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Rows of equal length as one matrix, row-major.
 * @returns f32[rows * dims], new.
 */
export function joinRows(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const dims = rows[0]?.length ?? 0;
  const out = new Float32Array(rows.length * dims);
  for (const [i, row] of rows.entries()) out.set(row, i * dims);
  return out;
}

/** Equality of two byte arrays. Not constant time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Order of two byte arrays, byte by byte: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/** Lowercase hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Inverse of {@link toHex}; undefined on anything but an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

const encoder = /* @__PURE__ */ new TextEncoder();

/** UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** The bytes of a typed array, as they lie in memory (little-endian on every platform this runs on). A view. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Appends little-endian fields to a growing buffer. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written. */
  get length(): number {
    return this.#length;
  }

  /** Makes room. Call it before naming `#bytes` or `#view`: both may be new after it. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  /** A safe integer, as u64. */
  u64(value: number): this {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  f32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setFloat32(at, value, true);
    return this;
  }

  f64(value: number): this {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
    return this;
  }

  /** Bytes without a length. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Bytes after their u32 length. */
  block(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  /** UTF-8 after its u32 length in bytes. */
  text(value: string): this {
    return this.block(utf8(value));
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }
}

/**
 * Reads little-endian fields, and refuses what is not there: every length is checked against the
 * bytes that are left before it is used. Failures are {@link RetrievalError}s with the code given.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #code: RetrievalErrorCode;
  #at = 0;

  constructor(bytes: Uint8Array, code: RetrievalErrorCode) {
    // A plain view: `slice` of a Node Buffer does not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#code = code;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** An error of this reader's kind, for checks of the caller's own. */
  error(message: string): RetrievalError {
    return new RetrievalError(this.#code, message);
  }

  #take(count: number): number {
    if (count > this.left) throw this.error(`expected ${count} more bytes, got ${this.left}`);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A u64 that fits a safe integer. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.error('expected an integer below 2^53');
    return Number(value);
  }

  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** `count` bytes. A view. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Bytes after their u32 length, at most `max`. A view. */
  block(max: number): Uint8Array {
    const length = this.u32();
    if (length > max) throw this.error(`expected at most ${max} bytes, got ${length}`);
    return this.raw(length);
  }

  /** UTF-8 after its u32 length in bytes, at most `max`. */
  text(max: number): string {
    const bytes = this.block(max);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.error('expected UTF-8');
    }
  }

  /** `count` numbers. A copy, aligned. */
  floats(count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.raw(4 * count).slice().buffer);
  }

  /** `count` tokens. A copy, aligned. */
  u64s(count: number): BigUint64Array<ArrayBuffer> {
    return new BigUint64Array(this.raw(8 * count).slice().buffer);
  }

  /** Refuses bytes after the last field. */
  end(): void {
    if (this.left !== 0) throw this.error(`expected the end, got ${this.left} more bytes`);
  }
}
