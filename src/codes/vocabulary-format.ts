/**
 * Bytes of a vocabulary, version 0. Little-endian.
 *
 * | offset   | type     | field       |                                                            |
 * | -------: | -------- | ----------- | ---------------------------------------------------------- |
 * |        0 | u8[4]    | magic       | `BSVO`                                                     |
 * |        4 | u16      | version     | 0                                                          |
 * |        6 | u16      | sections    | 8                                                          |
 * |        8 | 12 x 8   | table       | u8[4] name, u32 offset, u32 bytes of each section          |
 * |      104 | u8[...]  | sections    | back to back in the order of the table, zero-padded to 4   |
 * | end - 32 | u8[32]   | fingerprint | SHA-256 of everything before it                            |
 *
 * Sections, in order (`text` = u32 length, UTF-8; a block of bytes has no length of its own unless one is named):
 *
 * - `meta` text origin; text model id, u8[32] model SHA-256, u32 dims, u32 input side, u8 input fit (0 area, 1
 *   square); u32 working side; u8 local kind
 *   (0 keypoint, 1 dense), u16 option count, per option in ascending order of name: text name, u8 1 for a list else 0,
 *   u16 count, f64[count]; f64[3] static weights.
 * - `book` u32 words, f32[words * 128] codebook, f32[words] idf.
 * - `behd`, `bbow`, `bdee` one block each: u32 dims, u16 bits, u8 normalise, u8 0, f32[dims] mean, f32[bits * dims]
 *   matrix, f32[bits] offset, f32[bits] deviation.
 * - `refs` u32 count, u16 samples, u16 0, u16[samples] ranks, u8[count * codeBytes] codes, per feature u16[count *
 *   samples] curves.
 * - `cent` u32 count, f32[count * bits].
 * - `mean` u32 dims, f32[dims].
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { assertBytes } from '../base/assert.ts';
import { ByteReader, ByteWriter, bytesOf, equalBytes, fromHex, toHex, utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { FEATURES, type Block, type Feature } from './block.ts';
import type { LocalKind, References, Vocabulary, VocabularyContent, VocabularyModel } from './vocabulary.ts';

const MAGIC = utf8('BSVO');
const VERSION = 0;
const SECTIONS = ['meta', 'book', 'behd', 'bbow', 'bdee', 'refs', 'cent', 'mean'] as const;
const HEADER_BYTES = 8 + 12 * SECTIONS.length;
const FINGERPRINT_BYTES = 32;
const BLOCK_SECTION = { ehd: 'behd', bow: 'bbow', deep: 'bdee' } as const;
/** Numbers of one local feature. */
const LOCAL_DIMS = 128;
const MAX_TEXT_BYTES = 4096;
const MAX_BITS = 1024;
/** Far above any use; keeps products of two lengths exact. */
const MAX_DIMS = 1 << 20;
const MAX_OPTIONS = 64;
const MAX_REFERENCES = 65535;
const INPUT_FITS = ['area', 'square'] as const;

type Section = (typeof SECTIONS)[number];

/**
 * Inverse of {@link decodeVocabulary}.
 * @throws On contents that do not fit together. {@link RangeError}
 */
export function encodeVocabulary(content: VocabularyContent): Uint8Array<ArrayBuffer> {
  const bits = FEATURES.reduce((sum, feature) => sum + content.blocks[feature].bits, 0);
  const sections: Record<Section, Uint8Array> = {
    meta: encodeMeta(content),
    book: new ByteWriter().u32(content.idf.length).raw(bytesOf(content.codebook)).raw(bytesOf(content.idf)).finish(),
    behd: encodeBlock(content.blocks.ehd),
    bbow: encodeBlock(content.blocks.bow),
    bdee: encodeBlock(content.blocks.deep),
    refs: encodeReferences(content.references),
    cent: new ByteWriter()
      .u32(bits === 0 ? 0 : content.centroids.length / bits)
      .raw(bytesOf(content.centroids))
      .finish(),
    mean: new ByteWriter().u32(content.deepMean.length).raw(bytesOf(content.deepMean)).finish(),
  };
  const writer = new ByteWriter().raw(MAGIC).u16(VERSION).u16(SECTIONS.length);
  let offset = HEADER_BYTES;
  for (const name of SECTIONS) {
    writer.raw(utf8(name)).u32(offset).u32(sections[name].length);
    offset = padded(offset + sections[name].length);
  }
  for (const name of SECTIONS) {
    const bytes = sections[name];
    writer.raw(bytes).raw(new Uint8Array(padded(bytes.length) - bytes.length));
  }
  const body = writer.finish();
  const bytes = new ByteWriter().raw(body).raw(sha256(body)).finish();
  try {
    // One list of what must hold: the reader's.
    decodeVocabulary(bytes);
  } catch (error) {
    if (!(error instanceof RetrievalError)) throw error;
    throw new RangeError(`"content" expected a vocabulary, got one that cannot be read back: ${error.message}`);
  }
  return bytes;
}

/** Gives contents their fingerprint. Every array is a copy. */
export function createVocabulary(content: VocabularyContent): Vocabulary {
  return decodeVocabulary(encodeVocabulary(content));
}

/**
 * Reads a vocabulary. Trusts nothing: every length is checked against the bytes that are there before it is
 * used, and there is one way only to write the same contents.
 * @param bytes - The whole file.
 * @returns Copies, no views.
 * @throws On anything but bytes. {@link TypeError}
 * @throws `corrupt-vocabulary` or `unsupported-version`. {@link RetrievalError}
 */
export function decodeVocabulary(bytes: Uint8Array): Vocabulary {
  assertBytes(bytes, 'bytes');
  const reader = new ByteReader(bytes, 'corrupt-vocabulary');
  if (!equalBytes(reader.raw(4), MAGIC)) throw reader.error('expected magic BSVO');
  const version = reader.u16();
  if (version !== VERSION)
    throw new RetrievalError('unsupported-version', `expected vocabulary version ${VERSION}, got ${version}`);
  if (bytes.length < HEADER_BYTES + FINGERPRINT_BYTES) throw reader.error('expected a header and a fingerprint');
  const end = bytes.length - FINGERPRINT_BYTES;
  const fingerprint = bytes.slice(end);
  if (!equalBytes(sha256(bytes.subarray(0, end)), fingerprint)) throw reader.error('expected another checksum');
  if (reader.u16() !== SECTIONS.length) throw reader.error(`expected ${SECTIONS.length} sections`);

  const sections = {} as Record<Section, ByteReader>;
  let offset = HEADER_BYTES;
  for (const name of SECTIONS) {
    if (!equalBytes(reader.raw(4), utf8(name))) throw reader.error(`expected section ${name}`);
    if (reader.u32() !== offset) throw reader.error(`expected section ${name} at ${offset}`);
    const length = reader.u32();
    const next = padded(offset + length);
    if (next > end) throw reader.error(`expected section ${name} inside the file`);
    sections[name] = new ByteReader(bytes.subarray(offset, offset + length), 'corrupt-vocabulary');
    if (bytes.subarray(offset + length, next).some((byte) => byte !== 0)) throw reader.error('expected zero padding');
    offset = next;
  }
  if (offset !== end) throw reader.error('expected the fingerprint after the last section');

  const meta = decodeMeta(sections.meta);
  const { codebook, idf } = decodeBook(sections.book);
  const blocks = {} as Record<Feature, Block>;
  for (const feature of FEATURES) blocks[feature] = decodeBlock(sections[BLOCK_SECTION[feature]], feature);
  const bits = FEATURES.reduce((sum, feature) => sum + blocks[feature].bits, 0);
  if (bits === 0 || bits % 64 !== 0 || bits > MAX_BITS)
    throw reader.error(`expected bits a multiple of 64 up to ${MAX_BITS}, got ${bits}`);
  if (blocks.bow.bits > 0 && blocks.bow.dims !== idf.length) throw reader.error('expected a block for every word');
  if (blocks.deep.bits > 0 && blocks.deep.dims !== meta.model.dims)
    throw reader.error('expected a block of the dims of the model');
  for (const feature of FEATURES)
    if (blocks[feature].bits === 0 && meta.staticWeights[feature] !== 0)
      throw reader.error('expected weight 0 for a feature without bits');
  const codeBytes = bits / 8;
  const references = decodeReferences(sections.refs, codeBytes, blocks);

  const { cent, mean } = sections;
  const centroids = finite(cent, count(cent, MAX_DIMS) * bits);
  cent.end();
  const dims = mean.u32();
  if (dims !== 0 && dims !== meta.model.dims) throw mean.error('expected a mean of the dims of the model');
  const deepMean = finite(mean, dims);
  mean.end();
  return { ...meta, codebook, idf, blocks, references, centroids, deepMean, fingerprint, bits, codeBytes };
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** A u32 of at most `max`. */
function count(reader: ByteReader, max: number): number {
  const value = reader.u32();
  if (value > max) throw reader.error(`expected at most ${max}, got ${value}`);
  return value;
}

/** `length` numbers, none of them NaN or infinite. */
function finite(reader: ByteReader, length: number): Float32Array<ArrayBuffer> {
  const values = reader.floats(length);
  if (!values.every(Number.isFinite)) throw reader.error('expected finite numbers');
  return values;
}

function u16s(reader: ByteReader, length: number): Uint16Array<ArrayBuffer> {
  return new Uint16Array(reader.raw(2 * length).slice().buffer);
}

function encodeMeta({ origin, model, local, workingSide, staticWeights }: VocabularyContent): Uint8Array {
  const hash = fromHex(model.sha256);
  if (hash?.length !== 32) throw new RangeError('"model.sha256" expected 64 hexadecimal digits');
  const writer = new ByteWriter()
    .text(origin)
    .text(model.id)
    .raw(hash)
    .u32(model.dims)
    .u32(model.inputSide)
    .u8(INPUT_FITS.indexOf(model.inputFit));
  writer.u32(workingSide).u8(local.kind === 'dense' ? 1 : 0);
  const names = Object.keys(local.options).sort();
  writer.u16(names.length);
  for (const name of names) {
    const option = local.options[name]!;
    const values = typeof option === 'number' ? [option] : option;
    writer
      .text(name)
      .u8(typeof option === 'number' ? 0 : 1)
      .u16(values.length);
    for (const value of values) writer.f64(value);
  }
  for (const feature of FEATURES) writer.f64(staticWeights[feature]);
  return writer.finish();
}

function decodeMeta(
  reader: ByteReader,
): Pick<VocabularyContent, 'origin' | 'model' | 'local' | 'workingSide' | 'staticWeights'> {
  const origin = reader.text(MAX_TEXT_BYTES);
  const model: VocabularyModel = {
    id: reader.text(MAX_TEXT_BYTES),
    sha256: toHex(reader.raw(32)),
    dims: count(reader, MAX_DIMS),
    inputSide: count(reader, MAX_DIMS),
    inputFit: inputFit(reader),
  };
  const workingSide = count(reader, MAX_DIMS);
  const kind = reader.u8();
  if (kind > 1) throw reader.error(`expected local kind 0 or 1, got ${kind}`);
  const options: Record<string, number | readonly number[]> = {};
  const optionCount = reader.u16();
  if (optionCount > MAX_OPTIONS) throw reader.error(`expected at most ${MAX_OPTIONS} options, got ${optionCount}`);
  let last: string | undefined;
  for (let i = 0; i < optionCount; i++) {
    const name = reader.text(MAX_TEXT_BYTES);
    if (last !== undefined && !(last < name)) throw reader.error('expected options in order of name');
    last = name;
    const list = reader.u8();
    const length = reader.u16();
    if (list > 1 || (list === 0 && length !== 1)) throw reader.error('expected one number or a list');
    const values = Array.from({ length }, () => reader.f64());
    if (!values.every(Number.isFinite)) throw reader.error('expected finite options');
    // Not an assignment: a name such as __proto__ must stay a plain key.
    Object.defineProperty(options, name, {
      value: list === 1 ? values : values[0],
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  const weights = FEATURES.map(() => reader.f64());
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (!weights.every((weight) => weight >= 0 && weight <= 1) || Math.abs(sum - 1) > 1e-9)
    throw reader.error('expected static weights of sum 1');
  reader.end();
  const local: LocalKind = { kind: kind === 1 ? 'dense' : 'keypoint', options };
  const [ehd, bow, deep] = weights as [number, number, number];
  return { origin, model, local, workingSide, staticWeights: { ehd, bow, deep } };
}

function decodeBook(reader: ByteReader): { codebook: Float32Array; idf: Float32Array } {
  const words = count(reader, MAX_DIMS);
  const codebook = finite(reader, words * LOCAL_DIMS);
  const idf = finite(reader, words);
  reader.end();
  return { codebook, idf };
}

function inputFit(reader: ByteReader): VocabularyModel['inputFit'] {
  const fit = INPUT_FITS[reader.u8()];
  if (fit === undefined) throw reader.error('expected input fit area or square');
  return fit;
}

function encodeBlock({ dims, bits, normalise, mean, matrix, offset, deviation }: Block): Uint8Array {
  const writer = new ByteWriter()
    .u32(dims)
    .u16(bits)
    .u8(normalise ? 1 : 0)
    .u8(0);
  for (const part of [mean, matrix, offset, deviation]) writer.raw(bytesOf(part));
  return writer.finish();
}

function decodeBlock(reader: ByteReader, feature: Feature): Block {
  const dims = count(reader, MAX_DIMS);
  const bits = reader.u16();
  if (bits % 8 !== 0 || bits > MAX_BITS)
    throw reader.error(`expected bits a multiple of 8 up to ${MAX_BITS}, got ${bits}`);
  const normalise = reader.u8();
  if (normalise > 1 || reader.u8() !== 0) throw reader.error('expected a flag and a zero');
  const mean = finite(reader, dims);
  const matrix = finite(reader, bits * dims);
  const offset = finite(reader, bits);
  const deviation = finite(reader, bits);
  if (deviation.some((value) => value < 0)) throw reader.error('expected deviations of at least 0');
  reader.end();
  return { feature, dims, bits, normalise: normalise === 1, mean, matrix, offset, deviation };
}

function encodeReferences({ count, codes, ranks, curves }: References): Uint8Array {
  const writer = new ByteWriter().u32(count).u16(ranks.length).u16(0).raw(bytesOf(ranks)).raw(codes);
  for (const feature of FEATURES) writer.raw(bytesOf(curves[feature]));
  return writer.finish();
}

function decodeReferences(reader: ByteReader, codeBytes: number, blocks: Readonly<Record<Feature, Block>>): References {
  const references = count(reader, MAX_REFERENCES);
  const samples = reader.u16();
  if (reader.u16() !== 0) throw reader.error('expected reserved field 0');
  const ranks = u16s(reader, samples);
  for (let i = 0; i < samples; i++) {
    if (i === 0 ? ranks[i] !== 0 : ranks[i]! <= ranks[i - 1]!) throw reader.error('expected ascending ranks from 0');
    if (ranks[i]! > references - 2) throw reader.error(`expected ranks of at most ${references - 2}`);
  }
  if (references === 0 ? samples > 0 : references < 4 || samples < 2 || ranks[samples - 1] !== references - 2)
    throw reader.error('expected ranks from the first to the last of at least 4 references');
  const codes = reader.raw(references * codeBytes).slice();
  const curves = {} as Record<Feature, Uint16Array>;
  for (const feature of FEATURES) {
    const curve = u16s(reader, references * samples);
    for (let i = 0; i < curve.length; i++) {
      if (curve[i]! > blocks[feature].bits) throw reader.error(`expected at most ${blocks[feature].bits} bits`);
      if (i % samples > 0 && curve[i]! < curve[i - 1]!) throw reader.error('expected ascending curves');
    }
    curves[feature] = curve;
  }
  reader.end();
  return { count: references, codes, ranks, curves };
}
