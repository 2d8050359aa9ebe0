/**
 * What a server answers, and its bytes; written as the requests are (`requests.ts`).
 * @module
 */
import { assertInteger } from '../base/assert.ts';
import { bytesOf, ByteWriter, type ByteReader } from '../base/bytes.ts';
import { RetrievalError, type RetrievalErrorCode } from '../base/errors.ts';
import type { VectorFormat } from '../base/stored-vector.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope.ts';
import {
  readCount,
  readFlag,
  readId,
  readIds,
  readOptional,
  readPadding,
  readParameters,
  writeBlock,
  writeId,
  writeIds,
  writeOptional,
  writePadding,
  writeParameters,
} from './fields.ts';
import {
  ID_BYTES,
  MAX_GENERATIONS,
  MAX_HEADS,
  MAX_HEAD_BYTES,
  MAX_ITEMS,
  MAX_K,
  MAX_MESSAGE_BYTES,
  MAX_PAGE,
  MAX_ROOT_BYTES,
  MAX_SEALED_BYTES,
  MAX_TEXT_BYTES,
  MAX_WRAPPED_BYTES,
} from './limits.ts';
import {
  RANKINGS,
  readRanking,
  readVectorDims,
  readVectorFormat,
  writeVectorFormat,
  type GenerationState,
  type Ranking,
} from './requests.ts';

/** One index generation, in numbers. */
export interface GenerationSummary {
  readonly parameters: Uint8Array;
  readonly state: GenerationState;
  readonly ranking: Ranking;
  readonly records: number;
  readonly vectorDims: number;
  readonly vectors: VectorFormat;
}

export interface InfoResponse {
  readonly kind: 'info';
  /** Number of the last change. */
  readonly sequence: number;
  readonly images: number;
  readonly blobBytes: number;
  readonly generations: readonly GenerationSummary[];
  /** Library root, sealed; empty where there is none. */
  readonly root: Uint8Array;
}

/** `begin`, `activate` and `discard` have been done. */
export interface DoneResponse {
  readonly kind: 'done';
}

export interface HasResponse {
  readonly kind: 'has';
  /** u8 an id: {@link HAS_BLOB} + {@link HAS_RECORD}. */
  readonly flags: Uint8Array;
}

export interface PutResponse {
  readonly kind: 'put';
  /** Number of the last change: the images are durable. */
  readonly sequence: number;
}

export interface RemoveResponse {
  readonly kind: 'remove';
  /** How many of the ids were there. */
  readonly removed: number;
  readonly sequence: number;
}

export interface SearchResponse {
  readonly kind: 'search';
  /** Best first; fewer than k when there are no more candidates. */
  readonly ids: readonly Uint8Array[];
  /** Larger is nearer. */
  readonly scores: Float32Array;
  /** Images that were ranked. */
  readonly candidates: number;
  /** Images of the generation. */
  readonly records: number;
}

/** A sealed record and whose it is. */
export interface SealedEntry {
  readonly id: Uint8Array;
  /** Empty: the server has found it damaged. */
  readonly sealed: Uint8Array;
}

export interface CandidatesResponse {
  readonly kind: 'candidates';
  /** Sequence number of the generation's beginning: the same parameters begun again are another generation. */
  readonly begun: number;
  /** Number of the last change when the page was read. */
  readonly sequence: number;
  /** In order of id. */
  readonly entries: readonly SealedEntry[];
  /** Records on all pages together. */
  readonly candidates: number;
  /** Images of the generation. */
  readonly records: number;
  /** Go on after this id; undefined when everything has been seen. */
  readonly next?: Uint8Array | undefined;
}

/** An image that was added or changed, with its record, or that has none any more. */
export interface SyncEntry {
  readonly id: Uint8Array;
  /** Empty: the server has found it damaged. */
  readonly sealed?: Uint8Array | undefined;
}

export interface SyncResponse {
  readonly kind: 'sync';
  readonly begun: number;
  /** Changes up to this number are on this page or before it. */
  readonly until: number;
  /** There are more after `until`. */
  readonly more: boolean;
  /** Images of the generation. */
  readonly records: number;
  /** Library root, sealed; empty where there is none. */
  readonly root: Uint8Array;
  /** In order. Undefined: the log does not reach back so far, or has never been so far; read everything anew. */
  readonly changes?: readonly SyncEntry[] | undefined;
}

export interface RecordAnswer {
  /** Empty: the server has found it damaged. */
  readonly sealed: Uint8Array;
  readonly tokenCount: number;
  readonly vectorDims: number;
}

export interface RecordsResponse {
  readonly kind: 'records';
  /** In the order of the request; undefined where there is none. */
  readonly records: readonly (RecordAnswer | undefined)[];
}

export interface KeysResponse {
  readonly kind: 'keys';
  /** As the active generation has them, in the order of the request; undefined where there is no image. */
  readonly wrapped: readonly (Uint8Array | undefined)[];
}

export interface ListEntry {
  readonly id: Uint8Array;
  readonly blobBytes: number;
  /** Has a record in the active generation. */
  readonly active: boolean;
  /** Has a record in the pending generation. */
  readonly pending: boolean;
}

export interface ListResponse {
  readonly kind: 'list';
  /** Fewer than the limit: there are no more. */
  readonly entries: readonly ListEntry[];
}

export interface BlobResponse {
  readonly kind: 'blob';
  /** Bytes of the whole blob. */
  readonly total: number;
  readonly wrapped: Uint8Array;
  /** The range, cut at the end of the blob. */
  readonly bytes: Uint8Array;
}

/** The beginning of an encrypted file. Both are empty where the server has found it damaged. */
export interface HeadAnswer {
  readonly wrapped: Uint8Array;
  /** As many as were asked for, or the whole file where that is shorter. */
  readonly bytes: Uint8Array;
}

export interface HeadsResponse {
  readonly kind: 'heads';
  /** In the order of the request; undefined where there is no image. */
  readonly heads: readonly (HeadAnswer | undefined)[];
}

export interface VerifyResponse {
  readonly kind: 'verify';
  /** Images seen on this page. */
  readonly images: number;
  /** Records seen on this page, of every generation. */
  readonly records: number;
  /** Images with a file, key or record whose checksum does not match, or with a missing piece. */
  readonly damaged: readonly Uint8Array[];
  /** Images without a record in the active generation. */
  readonly orphanBlobs: readonly Uint8Array[];
  /** Records and pieces of files without an image. */
  readonly orphanRecords: readonly Uint8Array[];
  /** Go on after this id; undefined when everything has been seen. */
  readonly next?: Uint8Array | undefined;
}

/** None of it is to be trusted before its seal has opened. */
export interface SalvageResponse {
  readonly kind: 'salvage';
  /** Sealed record. */
  readonly sealed?: Uint8Array | undefined;
  /** Wrapped image key. */
  readonly wrapped?: Uint8Array | undefined;
  /** Encrypted file, as long as its pieces are. */
  readonly blob: Uint8Array;
}

export interface RepairResponse {
  readonly kind: 'repair';
  /** Ids of which there was no image, but pieces of one, which are gone now. */
  readonly removed: number;
}

export interface ErrorResponse {
  readonly kind: 'error';
  readonly code: RetrievalErrorCode;
  readonly message: string;
}

export type Response =
  | InfoResponse
  | DoneResponse
  | HasResponse
  | PutResponse
  | RemoveResponse
  | SearchResponse
  | RecordsResponse
  | ListResponse
  | BlobResponse
  | VerifyResponse
  | ErrorResponse
  | CandidatesResponse
  | SyncResponse
  | KeysResponse
  | SalvageResponse
  | RepairResponse
  | HeadsResponse;

/** Bit of {@link HasResponse}: the image is stored. */
export const HAS_BLOB = 1;
/** Bit of {@link HasResponse}: it has a record in the generation asked for. */
export const HAS_RECORD = 2;

// Position + FIRST_KIND = number in the header; requests have the numbers below.
const KINDS = [
  'info',
  'done',
  'has',
  'put',
  'remove',
  'search',
  'records',
  'list',
  'blob',
  'verify',
  'error',
  'candidates',
  'sync',
  'keys',
  'salvage',
  'repair',
  'heads',
] as const;
const FIRST_KIND = 128;

/** What a server answers when it fails: code and message of a `RetrievalError`, and nothing of what nobody foresaw. */
export function encodeFailure(error: unknown): Uint8Array<ArrayBuffer> {
  return encodeResponse(
    error instanceof RetrievalError
      ? { kind: 'error', code: error.code, message: error.message }
      : { kind: 'error', code: 'server-failed', message: 'the server failed' },
  );
}

/**
 * Inverse of {@link decodeResponse}.
 * @throws On wrong argument types. {@link TypeError}
 * @throws On lengths and numbers beyond the limits. {@link RangeError}
 */
export function encodeResponse(response: Response): Uint8Array<ArrayBuffer> {
  const kind = KINDS.indexOf(response.kind);
  if (kind < 0) throw new TypeError(`"kind" expected a response, got ${String(response.kind)}`);
  const body = new ByteWriter();
  writeResponse(body, response);
  return encodeEnvelope(FIRST_KIND + kind, body.finish());
}

function writeResponse(body: ByteWriter, response: Response): void {
  switch (response.kind) {
    case 'info':
      assertInteger(response.generations.length, 'generations.length', 0, MAX_GENERATIONS);
      body.u64(response.sequence).u64(response.images).u64(response.blobBytes);
      body.u32(response.generations.length);
      for (const { parameters, state, ranking, records, vectorDims, vectors } of response.generations) {
        writeParameters(body, parameters);
        body
          .u8(state === 'pending' ? 1 : 0)
          .u8(RANKINGS.indexOf(ranking))
          .u64(records)
          .u32(vectorDims);
        writeVectorFormat(body, vectors, ranking);
      }
      writeBlock(body, response.root, 'root', MAX_ROOT_BYTES);
      return;
    case 'done':
      return;
    case 'has':
      writeBlock(body, response.flags, 'flags', MAX_ITEMS);
      return;
    case 'put':
      body.u64(response.sequence);
      return;
    case 'remove':
      body.u32(response.removed).u64(response.sequence);
      return;
    case 'search':
      writeIds(body, response.ids, MAX_K);
      if (response.scores.length !== response.ids.length)
        throw new RangeError(`"scores" expected ${response.ids.length} numbers, got ${response.scores.length}`);
      body.raw(bytesOf(response.scores)).u64(response.candidates).u64(response.records);
      return;
    case 'records':
      assertInteger(response.records.length, 'records.length', 0, MAX_ITEMS);
      body.u32(response.records.length);
      for (const record of response.records)
        writeOptional(body, record, ({ sealed, tokenCount, vectorDims }) => {
          writeBlock(body, sealed, 'sealed', MAX_SEALED_BYTES);
          body.u32(tokenCount).u32(vectorDims);
        });
      return;
    case 'list':
      assertInteger(response.entries.length, 'entries.length', 0, MAX_PAGE);
      body.u32(response.entries.length);
      for (const { id, blobBytes, active, pending } of response.entries) {
        writeId(body, id);
        body.u64(blobBytes).u8((active ? 1 : 0) + (pending ? 2 : 0));
      }
      return;
    case 'blob':
      body.u64(response.total);
      writeBlock(body, response.wrapped, 'wrapped', MAX_WRAPPED_BYTES);
      writeBlock(body, response.bytes, 'bytes', MAX_MESSAGE_BYTES);
      return;
    case 'verify':
      body.u32(response.images).u32(response.records);
      writeIds(body, response.damaged, MAX_PAGE);
      writeIds(body, response.orphanBlobs, MAX_PAGE);
      writeIds(body, response.orphanRecords, MAX_PAGE);
      writeOptional(body, response.next, (id) => writeId(body, id));
      return;
    case 'error':
      body.text(response.code).text(response.message.slice(0, MAX_TEXT_BYTES / 4));
      return;
    case 'candidates':
      assertInteger(response.entries.length, 'entries.length', 0, MAX_PAGE);
      body.u64(response.begun).u64(response.sequence).u32(response.entries.length);
      for (const { id, sealed } of response.entries) {
        writeId(body, id);
        writeBlock(body, sealed, 'sealed', MAX_SEALED_BYTES);
      }
      body.u64(response.candidates).u64(response.records);
      writeOptional(body, response.next, (id) => writeId(body, id));
      writePadding(body);
      return;
    case 'sync':
      body
        .u64(response.begun)
        .u64(response.until)
        .u8(response.more ? 1 : 0)
        .u64(response.records);
      writeBlock(body, response.root, 'root', MAX_ROOT_BYTES);
      writeOptional(body, response.changes, (changes) => {
        assertInteger(changes.length, 'changes.length', 0, MAX_PAGE);
        body.u32(changes.length);
        for (const { id, sealed } of changes) {
          writeId(body, id);
          writeOptional(body, sealed, (bytes) => writeBlock(body, bytes, 'sealed', MAX_SEALED_BYTES));
        }
      });
      writePadding(body);
      return;
    case 'keys':
      assertInteger(response.wrapped.length, 'wrapped.length', 0, MAX_ITEMS);
      body.u32(response.wrapped.length);
      for (const wrapped of response.wrapped)
        writeOptional(body, wrapped, (bytes) => writeBlock(body, bytes, 'wrapped', MAX_WRAPPED_BYTES));
      return;
    case 'salvage':
      writeOptional(body, response.sealed, (bytes) => writeBlock(body, bytes, 'sealed', MAX_SEALED_BYTES));
      writeOptional(body, response.wrapped, (bytes) => writeBlock(body, bytes, 'wrapped', MAX_WRAPPED_BYTES));
      writeBlock(body, response.blob, 'blob', MAX_MESSAGE_BYTES);
      return;
    case 'repair':
      body.u32(response.removed);
      return;
    case 'heads':
      assertInteger(response.heads.length, 'heads.length', 0, MAX_HEADS);
      body.u32(response.heads.length);
      for (const head of response.heads)
        writeOptional(body, head, ({ wrapped, bytes }) => {
          writeBlock(body, wrapped, 'wrapped', MAX_WRAPPED_BYTES);
          writeBlock(body, bytes, 'bytes', MAX_HEAD_BYTES);
        });
  }
}

/**
 * Reads a response. Trusts nothing.
 * @returns Copies, but for `sealed`, `wrapped`, `flags` and `bytes`, which are views into `bytes`.
 * @throws `corrupt-message` or `unsupported-version`. {@link RetrievalError}
 */
export function decodeResponse(bytes: Uint8Array): Response {
  const { kind, body } = decodeHead(bytes);
  const response = readResponse(kind, body);
  body.end();
  return response;
}

/**
 * What a response is, from its header alone.
 * @throws `corrupt-message` or `unsupported-version`. {@link RetrievalError}
 */
export function responseKind(bytes: Uint8Array): Response['kind'] {
  return decodeHead(bytes).kind;
}

function decodeHead(bytes: Uint8Array): { kind: (typeof KINDS)[number]; body: ByteReader } {
  const { kind: number, body } = decodeEnvelope(bytes);
  const kind = KINDS[number - FIRST_KIND];
  if (kind === undefined) throw body.error(`expected a response, got kind ${number}`);
  return { kind, body };
}

// Fields are read in the order in which they are written here: an object literal is evaluated in order.
function readResponse(kind: (typeof KINDS)[number], body: ByteReader): Response {
  switch (kind) {
    case 'info': {
      return {
        kind,
        sequence: body.u64(),
        images: body.u64(),
        blobBytes: body.u64(),
        generations: Array.from({ length: readCount(body, MAX_GENERATIONS, 47) }, () => {
          const parameters = readParameters(body);
          const state = readFlag(body) ? 'pending' : 'active';
          const ranking = readRanking(body);
          const [records, vectorDims] = [body.u64(), readVectorDims(body, ranking)];
          return { parameters, state, ranking, records, vectorDims, vectors: readVectorFormat(body, ranking) };
        }),
        root: body.block(MAX_ROOT_BYTES).slice(),
      };
    }
    case 'done':
      return { kind };
    case 'has': {
      const flags = body.block(MAX_ITEMS);
      if (flags.some((byte) => byte > HAS_BLOB + HAS_RECORD)) throw body.error('expected flags up to 3');
      return { kind, flags };
    }
    case 'put':
      return { kind, sequence: body.u64() };
    case 'remove':
      return { kind, removed: body.u32(), sequence: body.u64() };
    case 'search': {
      const ids = readIds(body, MAX_K);
      return { kind, ids, scores: body.floats(ids.length), candidates: body.u64(), records: body.u64() };
    }
    case 'records':
      return {
        kind,
        records: Array.from({ length: readCount(body, MAX_ITEMS, 1) }, () =>
          readOptional(body, () => ({
            sealed: body.block(MAX_SEALED_BYTES),
            tokenCount: body.u32(),
            vectorDims: body.u32(),
          })),
        ),
      };
    case 'list':
      return {
        kind,
        entries: Array.from({ length: readCount(body, MAX_PAGE, ID_BYTES + 9) }, () => {
          const id = readId(body);
          const blobBytes = body.u64();
          const flags = body.u8();
          if (flags > 3) throw body.error(`expected flags up to 3, got ${flags}`);
          return { id, blobBytes, active: (flags & 1) !== 0, pending: (flags & 2) !== 0 };
        }),
      };
    case 'blob':
      return {
        kind,
        total: body.u64(),
        wrapped: body.block(MAX_WRAPPED_BYTES),
        bytes: body.block(MAX_MESSAGE_BYTES),
      };
    case 'verify':
      return {
        kind,
        images: body.u32(),
        records: body.u32(),
        damaged: readIds(body, MAX_PAGE),
        orphanBlobs: readIds(body, MAX_PAGE),
        orphanRecords: readIds(body, MAX_PAGE),
        next: readOptional(body, () => readId(body)),
      };
    case 'error': {
      const code = body.text(64);
      if (!/^[a-z]+(-[a-z]+)*$/.test(code)) throw body.error('expected an error code');
      return { kind, code: code as RetrievalErrorCode, message: body.text(MAX_TEXT_BYTES) };
    }
    case 'candidates': {
      const response = {
        kind,
        begun: body.u64(),
        sequence: body.u64(),
        entries: Array.from({ length: readCount(body, MAX_PAGE, ID_BYTES + 4) }, () => ({
          id: readId(body),
          sealed: body.block(MAX_SEALED_BYTES),
        })),
        candidates: body.u64(),
        records: body.u64(),
        next: readOptional(body, () => readId(body)),
      };
      readPadding(body);
      return response;
    }
    case 'sync': {
      const response = {
        kind,
        begun: body.u64(),
        until: body.u64(),
        more: readFlag(body),
        records: body.u64(),
        root: body.block(MAX_ROOT_BYTES).slice(),
        changes: readOptional(body, () =>
          Array.from({ length: readCount(body, MAX_PAGE, ID_BYTES + 1) }, () => ({
            id: readId(body),
            sealed: readOptional(body, () => body.block(MAX_SEALED_BYTES)),
          })),
        ),
      };
      readPadding(body);
      return response;
    }
    case 'keys':
      return {
        kind,
        wrapped: Array.from({ length: readCount(body, MAX_ITEMS, 1) }, () =>
          readOptional(body, () => body.block(MAX_WRAPPED_BYTES).slice()),
        ),
      };
    case 'salvage':
      return {
        kind,
        sealed: readOptional(body, () => body.block(MAX_SEALED_BYTES)),
        wrapped: readOptional(body, () => body.block(MAX_WRAPPED_BYTES)),
        blob: body.block(MAX_MESSAGE_BYTES),
      };
    case 'repair':
      return { kind, removed: body.u32() };
    case 'heads':
      return {
        kind,
        heads: Array.from({ length: readCount(body, MAX_HEADS, 1) }, () =>
          readOptional(body, () => ({ wrapped: body.block(MAX_WRAPPED_BYTES), bytes: body.block(MAX_HEAD_BYTES) })),
        ),
      };
  }
}

/**
 * Passes an answer on, unless it is an error.
 * @throws The server's error, with its code. {@link RetrievalError}
 */
export function throwIfError(response: Response): Exclude<Response, ErrorResponse> {
  if (response.kind === 'error') throw new RetrievalError(response.code, response.message);
  return response;
}

/**
 * Reads the answer to a request that is answered by `kind`.
 * @throws The server's error, or `corrupt-message` when it answers something else. {@link RetrievalError}
 */
export function decodeAnswer<Kind extends Response['kind']>(
  bytes: Uint8Array,
  kind: Kind,
): Extract<Response, { kind: Kind }> {
  const response = throwIfError(decodeResponse(bytes));
  if (response.kind !== kind) throw new RetrievalError('corrupt-message', `expected ${kind}, got ${response.kind}`);
  return response as Extract<Response, { kind: Kind }>;
}
