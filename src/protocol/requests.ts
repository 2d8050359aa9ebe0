/**
 * What a client may ask of a server, and its bytes. The header is `envelope.ts`; a body is its
 * fields in the order of the interface, lists after their u32 count, optional fields after a 0 or 1.
 *
 * Ids are 16 bytes. An index generation is named by its 32-byte `parameters`: the hash of everything
 * that makes two vectors comparable. The server compares it and cannot read it.
 * @module
 */
import { assertInteger } from '../base/assert.ts';
import { ByteWriter, type ByteReader } from '../base/bytes.ts';
import { VECTOR_FORMATS, type StoredVector, type VectorFormat } from '../base/stored-vector.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope.ts';
import {
  readCount,
  readFlag,
  readId,
  readIds,
  readLimited,
  readOptional,
  readParameters,
  readStoredVector,
  readTokens,
  readVector,
  writeBlock,
  writeId,
  writeIds,
  writeOptional,
  writeParameters,
  writeStoredVector,
  writeTokens,
  writeVector,
} from './fields.ts';
import {
  MAX_HEADS,
  MAX_HEAD_BYTES,
  MAX_ITEMS,
  MAX_K,
  MAX_MESSAGE_BYTES,
  MAX_PAGE,
  MAX_ROOT_BYTES,
  MAX_SEALED_BYTES,
  MAX_VECTOR_DIMS,
  MAX_WRAPPED_BYTES,
} from './limits.ts';

/** Who ranks, and so what the server stores beside sealed records: tokens and vectors; tokens; nothing. */
export const RANKINGS = ['server', 'split', 'client'] as const;

/** One of {@link RANKINGS}. */
export type Ranking = (typeof RANKINGS)[number];

/** `active` serves searches; `pending` is being built beside it. */
export type GenerationState = 'active' | 'pending';

/** What is stored: counts and generations. */
export interface InfoRequest {
  readonly kind: 'info';
}

/** Starts a generation; asking again with the same parameters changes nothing. */
export interface BeginRequest {
  readonly kind: 'begin';
  readonly parameters: Uint8Array;
  readonly ranking: Ranking;
  /** Numbers of a secure-kNN vector; 0 unless the server ranks. */
  readonly vectorDims: number;
  /** How vectors are stored: `f32` where absent. */
  readonly vectors?: VectorFormat | undefined;
  /** `active` only while there is no active generation. */
  readonly state: GenerationState;
}

/** The library root, which the server keeps and cannot read: taken over in one step with the rest of the message, or refused with `conflict`. */
export interface RootChange {
  /** What the server has now; empty where it has none. */
  readonly expected: Uint8Array;
  readonly next: Uint8Array;
}

/** The pending generation takes over; the active one's records are dropped. */
export interface ActivateRequest {
  readonly kind: 'activate';
  readonly parameters: Uint8Array;
  readonly root?: RootChange | undefined;
}

/** Drops the pending generation. */
export interface DiscardRequest {
  readonly kind: 'discard';
  readonly parameters: Uint8Array;
}

/** Which of these images are there already. */
export interface HasRequest {
  readonly kind: 'has';
  readonly parameters: Uint8Array;
  readonly ids: readonly Uint8Array[];
}

/** One encrypted image. */
export interface PutItem {
  readonly id: Uint8Array;
  /** None in ranking `client`. */
  readonly tokens: BigUint64Array;
  /**
   * `vectorDims` numbers in the generation's format; none for an image that cannot be searched, which then has no tokens either and is never a candidate.
   */
  readonly vector: StoredVector;
  /** Sealed record. */
  readonly sealed: Uint8Array;
  /** Wrapped image key of this generation. Empty without `blob`: the stored one stays, or that of the other generation is taken over. */
  readonly wrapped: Uint8Array;
  /** Encrypted file. Absent when only the record is written; the image must be stored already. */
  readonly blob?: Uint8Array | undefined;
}

/** Stores images: all of them, durably, or none. Putting an image again replaces it. */
export interface PutRequest {
  readonly kind: 'put';
  readonly parameters: Uint8Array;
  readonly items: readonly PutItem[];
  /** Absent while the generation is pending. */
  readonly root?: RootChange | undefined;
}

/** Deletes images, with every record of theirs. */
export interface RemoveRequest {
  readonly kind: 'remove';
  readonly ids: readonly Uint8Array[];
  readonly root?: RootChange | undefined;
}

/** One trapdoor. */
export interface SearchRequest {
  readonly kind: 'search';
  readonly parameters: Uint8Array;
  readonly tokens: BigUint64Array;
  readonly vector: Float32Array;
  readonly k: number;
  /** Ranks every image, whatever its tokens. */
  readonly scan: boolean;
}

/** A page of the sealed records that share a token with a query, or of all, in order of id. */
export interface CandidatesRequest {
  readonly kind: 'candidates';
  readonly parameters: Uint8Array;
  /** Absent: all records. */
  readonly tokens?: BigUint64Array | undefined;
  readonly after?: Uint8Array | undefined;
  readonly limit: number;
}

/** What has changed in a generation since a sequence number. */
export interface SyncRequest {
  readonly kind: 'sync';
  readonly parameters: Uint8Array;
  readonly since: number;
  readonly limit: number;
}

/** Sealed records by id. */
export interface RecordsRequest {
  readonly kind: 'records';
  readonly parameters: Uint8Array;
  readonly ids: readonly Uint8Array[];
}

/** Wrapped image keys by id. */
export interface KeysRequest {
  readonly kind: 'keys';
  readonly ids: readonly Uint8Array[];
}

/** A page of the ids, in order. */
export interface ListRequest {
  readonly kind: 'list';
  readonly after?: Uint8Array | undefined;
  readonly limit: number;
}

/** A range of an encrypted file. */
export interface BlobRequest {
  readonly kind: 'blob';
  readonly id: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** The first bytes of encrypted files. */
export interface HeadsRequest {
  readonly kind: 'heads';
  /** At most {@link MAX_HEADS}. */
  readonly ids: readonly Uint8Array[];
  /** Bytes of each, 1..={@link MAX_HEAD_BYTES}. */
  readonly length: number;
}

/** Checks a page of images: checksums, and that record and file belong together. */
export interface VerifyRequest {
  readonly kind: 'verify';
  readonly after?: Uint8Array | undefined;
  readonly limit: number;
}

/** What is left of an image, whatever its checksums say. */
export interface SalvageRequest {
  readonly kind: 'salvage';
  readonly parameters: Uint8Array;
  readonly id: Uint8Array;
}

/** Mends what needs no key: counts, log, marks of records that are missing, pieces without an image. */
export interface RepairRequest {
  readonly kind: 'repair';
}

export type Request =
  | InfoRequest
  | BeginRequest
  | ActivateRequest
  | DiscardRequest
  | HasRequest
  | PutRequest
  | RemoveRequest
  | SearchRequest
  | RecordsRequest
  | ListRequest
  | BlobRequest
  | VerifyRequest
  | CandidatesRequest
  | SyncRequest
  | KeysRequest
  | SalvageRequest
  | RepairRequest
  | HeadsRequest;

// Position = number in the header.
const KINDS = [
  'info',
  'begin',
  'activate',
  'discard',
  'has',
  'put',
  'remove',
  'search',
  'records',
  'list',
  'blob',
  'verify',
  'candidates',
  'sync',
  'keys',
  'salvage',
  'repair',
  'heads',
] as const;

const STATES = ['active', 'pending'] as const;

/**
 * Inverse of {@link decodeRequest}.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On lengths and numbers beyond the limits. {@link RangeError}
 */
export function encodeRequest(request: Request): Uint8Array<ArrayBuffer> {
  const kind = KINDS.indexOf(request.kind);
  if (kind < 0) throw new TypeError(`"kind" expected a request, got ${String(request.kind)}`);
  const body = new ByteWriter();
  writeRequest(body, request);
  return encodeEnvelope(kind, body.finish());
}

function writeRequest(body: ByteWriter, request: Request): void {
  switch (request.kind) {
    case 'info':
      return;
    case 'begin':
      writeParameters(body, request.parameters);
      if (!RANKINGS.includes(request.ranking))
        throw new RangeError(`"ranking" expected ${RANKINGS.join(', ')}, got ${String(request.ranking)}`);
      if (request.ranking === 'server') assertInteger(request.vectorDims, 'vectorDims', 1, MAX_VECTOR_DIMS);
      else assertInteger(request.vectorDims, 'vectorDims', 0, 0);
      if (!STATES.includes(request.state))
        throw new RangeError(`"state" expected active or pending, got ${request.state}`);
      body.u8(RANKINGS.indexOf(request.ranking)).u32(request.vectorDims);
      writeVectorFormat(body, request.vectors ?? 'f32', request.ranking);
      body.u8(STATES.indexOf(request.state));
      return;
    case 'activate':
      writeParameters(body, request.parameters);
      writeRoot(body, request.root);
      return;
    case 'discard':
      writeParameters(body, request.parameters);
      return;
    case 'has':
    case 'records':
      writeParameters(body, request.parameters);
      writeIds(body, request.ids);
      return;
    case 'put':
      writeParameters(body, request.parameters);
      assertInteger(request.items.length, 'items.length', 0, MAX_ITEMS);
      body.u32(request.items.length);
      for (const item of request.items) {
        writeId(body, item.id);
        writeTokens(body, item.tokens);
        writeStoredVector(body, item.vector);
        writeBlock(body, item.sealed, 'sealed', MAX_SEALED_BYTES);
        writeBlock(body, item.wrapped, 'wrapped', MAX_WRAPPED_BYTES);
        writeOptional(body, item.blob, (blob) => writeBlock(body, blob, 'blob', MAX_MESSAGE_BYTES));
      }
      writeRoot(body, request.root);
      return;
    case 'remove':
      writeIds(body, request.ids);
      writeRoot(body, request.root);
      return;
    case 'keys':
      writeIds(body, request.ids);
      return;
    case 'search':
      writeParameters(body, request.parameters);
      writeTokens(body, request.tokens);
      writeVector(body, request.vector);
      assertInteger(request.k, 'k', 1, MAX_K);
      body.u32(request.k).u8(request.scan ? 1 : 0);
      return;
    case 'list':
    case 'verify':
      writeOptional(body, request.after, (id) => writeId(body, id));
      assertInteger(request.limit, 'limit', 1, MAX_PAGE);
      body.u32(request.limit);
      return;
    case 'blob':
      writeId(body, request.id);
      assertInteger(request.offset, 'offset', 0, Number.MAX_SAFE_INTEGER);
      assertInteger(request.length, 'length', 0, MAX_MESSAGE_BYTES);
      body.u64(request.offset).u32(request.length);
      return;
    case 'heads':
      writeIds(body, request.ids, MAX_HEADS);
      assertInteger(request.length, 'length', 1, MAX_HEAD_BYTES);
      body.u32(request.length);
      return;
    case 'salvage':
      writeParameters(body, request.parameters);
      writeId(body, request.id);
      return;
    case 'repair':
      return;
    case 'candidates':
      writeParameters(body, request.parameters);
      writeOptional(body, request.tokens, (tokens) => writeTokens(body, tokens));
      writeOptional(body, request.after, (id) => writeId(body, id));
      assertInteger(request.limit, 'limit', 1, MAX_PAGE);
      body.u32(request.limit);
      return;
    case 'sync':
      writeParameters(body, request.parameters);
      assertInteger(request.since, 'since', 0, Number.MAX_SAFE_INTEGER);
      assertInteger(request.limit, 'limit', 1, MAX_PAGE);
      body.u64(request.since).u32(request.limit);
  }
}

/**
 * Reads a request. Trusts nothing.
 * @returns Copies, but for `sealed`, `wrapped` and `blob`, which are views into `bytes`.
 * @throws `corrupt-message` or `unsupported-version`. {@link RetrievalError}
 */
export function decodeRequest(bytes: Uint8Array): Request {
  const { kind, body } = decodeHead(bytes);
  const request = readRequest(kind, body);
  body.end();
  return request;
}

/**
 * What a request asks for, from its header alone.
 * @throws `corrupt-message` or `unsupported-version`. {@link RetrievalError}
 */
export function requestKind(bytes: Uint8Array): Request['kind'] {
  return decodeHead(bytes).kind;
}

function decodeHead(bytes: Uint8Array): { kind: (typeof KINDS)[number]; body: ByteReader } {
  const { kind: number, body } = decodeEnvelope(bytes);
  const kind = KINDS[number];
  if (kind === undefined) throw body.error(`expected a request, got kind ${number}`);
  return { kind, body };
}

// Fields are read in the order in which they are written here: an object literal is evaluated in order.
function readRequest(kind: (typeof KINDS)[number], body: ByteReader): Request {
  switch (kind) {
    case 'info':
      return { kind };
    case 'begin': {
      const parameters = readParameters(body);
      const ranking = readRanking(body);
      const vectorDims = readVectorDims(body, ranking);
      const vectors = readVectorFormat(body, ranking);
      return { kind, parameters, ranking, vectorDims, vectors, state: readFlag(body) ? 'pending' : 'active' };
    }
    case 'activate':
      return { kind, parameters: readParameters(body), root: readRoot(body) };
    case 'discard':
      return { kind, parameters: readParameters(body) };
    case 'has':
    case 'records':
      return { kind, parameters: readParameters(body), ids: readIds(body) };
    case 'put': {
      const parameters = readParameters(body);
      const count = readCount(body, MAX_ITEMS, 33);
      return { kind, parameters, items: Array.from({ length: count }, () => readItem(body)), root: readRoot(body) };
    }
    case 'remove':
      return { kind, ids: readIds(body), root: readRoot(body) };
    case 'keys':
      return { kind, ids: readIds(body) };
    case 'search':
      return {
        kind,
        parameters: readParameters(body),
        tokens: readTokens(body),
        vector: readVector(body),
        k: readLimited(body, MAX_K, 1),
        scan: readFlag(body),
      };
    case 'list':
    case 'verify':
      return { kind, after: readOptional(body, () => readId(body)), limit: readLimited(body, MAX_PAGE, 1) };
    case 'blob':
      return { kind, id: readId(body), offset: body.u64(), length: readLimited(body, MAX_MESSAGE_BYTES) };
    case 'candidates':
      return {
        kind,
        parameters: readParameters(body),
        tokens: readOptional(body, () => readTokens(body)),
        after: readOptional(body, () => readId(body)),
        limit: readLimited(body, MAX_PAGE, 1),
      };
    case 'heads':
      return { kind, ids: readIds(body, MAX_HEADS), length: readLimited(body, MAX_HEAD_BYTES, 1) };
    case 'salvage':
      return { kind, parameters: readParameters(body), id: readId(body) };
    case 'repair':
      return { kind };
    case 'sync':
      return { kind, parameters: readParameters(body), since: body.u64(), limit: readLimited(body, MAX_PAGE, 1) };
  }
}

export function readRanking(body: ByteReader): Ranking {
  const number = body.u8();
  const ranking = RANKINGS[number];
  if (ranking === undefined) throw body.error(`expected a ranking, got ${number}`);
  return ranking;
}

/** Numbers of a vector: at least 1 where the server ranks, none elsewhere. */
export function readVectorDims(body: ByteReader, ranking: Ranking): number {
  return ranking === 'server' ? readLimited(body, MAX_VECTOR_DIMS, 1) : readLimited(body, 0);
}

/** Where there are no vectors, their format is `f32`. */
function formatsOf(ranking: Ranking): readonly VectorFormat[] {
  return ranking === 'server' ? VECTOR_FORMATS : ['f32'];
}

/** @throws On an unknown format. {@link RangeError} */
export function writeVectorFormat(body: ByteWriter, vectors: VectorFormat, ranking: Ranking): void {
  if (!formatsOf(ranking).includes(vectors))
    throw new RangeError(`"vectors" expected ${formatsOf(ranking).join(', ')}, got ${String(vectors)}`);
  body.u8(VECTOR_FORMATS.indexOf(vectors));
}

export function readVectorFormat(body: ByteReader, ranking: Ranking): VectorFormat {
  const number = body.u8();
  const vectors = formatsOf(ranking)[number];
  if (vectors === undefined) throw body.error(`expected a format of vectors, got ${number}`);
  return vectors;
}

function writeRoot(body: ByteWriter, root: RootChange | undefined): void {
  writeOptional(body, root, ({ expected, next }) => {
    writeBlock(body, expected, 'root.expected', MAX_ROOT_BYTES);
    writeBlock(body, next, 'root.next', MAX_ROOT_BYTES);
  });
}

function readRoot(body: ByteReader): RootChange | undefined {
  return readOptional(body, () => ({
    expected: body.block(MAX_ROOT_BYTES).slice(),
    next: body.block(MAX_ROOT_BYTES).slice(),
  }));
}

function readItem(body: ByteReader): PutItem {
  return {
    id: readId(body),
    tokens: readTokens(body),
    vector: readStoredVector(body),
    sealed: body.block(MAX_SEALED_BYTES),
    wrapped: body.block(MAX_WRAPPED_BYTES),
    blob: readOptional(body, () => body.block(MAX_MESSAGE_BYTES)),
  };
}
