/**
 * Where a server keeps what clients send: an ordered log of mutations, and encrypted files.
 *
 * A store sees ids, tokens and ciphertext only. Every mutation has a sequence number; a commit is
 * atomic, and durable when its promise resolves. Whatever else a server holds is a view of this log.
 * @module
 */
import type { StoredVector, VectorFormat } from '../base/stored-vector.ts';
import type { SegmentSink, SegmentSource } from './segment.ts';

/** `active` serves searches; `pending` is being built beside it. */
export type GenerationState = 'active' | 'pending';

/** Who ranks, and so what a record holds beside its sealed part: tokens and a vector; tokens; nothing. */
export type Ranking = 'server' | 'split' | 'client';

/** Records that can be compared with each other. */
export interface GenerationInfo {
  /** 32 bytes that name it. */
  readonly parameters: Uint8Array;
  readonly state: GenerationState;
  readonly ranking: Ranking;
  /** Numbers of a vector; 0 unless the server ranks. */
  readonly vectorDims: number;
  /** How vectors are stored; `f32` where none are. */
  readonly vectors: VectorFormat;
  /** Sequence number of its beginning: the same parameters begun again are another generation. */
  readonly begun: number;
  readonly records: number;
}

/** What one generation keeps of one image. */
export interface StoredRecord {
  readonly tokens: BigUint64Array;
  /** `vectorDims` numbers in the generation's format, or none: the image cannot be searched. */
  readonly vector: StoredVector;
  readonly sealed: Uint8Array;
}

/** Stores an image and its record, or replaces them. */
export interface PutMutation extends StoredRecord {
  readonly kind: 'put';
  /** Generation of the record. */
  readonly parameters: Uint8Array;
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** Wrapped image key of this generation. Empty without `blob`: the stored one stays, or that of the other generation is taken over. */
  readonly wrapped: Uint8Array;
  /** Encrypted file; without it, the image must be stored already, and undamaged. Another file ends the record of the other generation. */
  readonly blob?: Uint8Array | undefined;
}

/** Deletes an image with every record of it. An id that is not there changes nothing. */
export interface RemoveMutation {
  readonly kind: 'remove';
  readonly id: Uint8Array;
}

/** Starts a generation. The same parameters again change nothing. */
export interface BeginMutation {
  readonly kind: 'begin';
  readonly parameters: Uint8Array;
  readonly ranking: Ranking;
  readonly vectorDims: number;
  /** `f32` where absent. */
  readonly vectors?: VectorFormat | undefined;
  readonly state: GenerationState;
}

/** Makes the pending generation the active one, and drops the records of the old one. */
export interface ActivateMutation {
  readonly kind: 'activate';
  readonly parameters: Uint8Array;
}

/** Drops the pending generation. */
export interface DiscardMutation {
  readonly kind: 'discard';
  readonly parameters: Uint8Array;
}

/** The root, which only clients can read, takes the place of `expected`, and goes with the mutations beside it: all of them, or none. */
export interface RootMutation {
  readonly kind: 'root';
  /** Empty where there is none. */
  readonly expected: Uint8Array;
  /** Where this is the root already, the message came twice, and nothing changes. */
  readonly next: Uint8Array;
}

export type Mutation = PutMutation | RemoveMutation | BeginMutation | ActivateMutation | DiscardMutation | RootMutation;

/** One image in a listing. */
export interface ImageEntry {
  readonly id: Uint8Array;
  readonly blobBytes: number;
  readonly active: boolean;
  readonly pending: boolean;
}

/** The last thing that happened to an id. */
export interface Change {
  readonly sequence: number;
  readonly id: Uint8Array;
  readonly kind: 'put' | 'remove';
}

export interface RecordEntry {
  readonly id: Uint8Array;
  /** Undefined when it is damaged: `verify` names it, and the others go on. */
  readonly record: StoredRecord | undefined;
}

export interface StoreStats {
  /** Number of the last mutation. */
  readonly sequence: number;
  readonly images: number;
  readonly blobBytes: number;
  /** The active one first. */
  readonly generations: readonly GenerationInfo[];
  /** Empty where there is none. */
  readonly root: Uint8Array;
}

export interface BlobRange {
  /** Bytes of the whole blob. */
  readonly total: number;
  /** Image key, as the active generation has it. */
  readonly wrapped: Uint8Array;
  /** The range, cut at the end of the blob. */
  readonly bytes: Uint8Array;
}

/** What is left of an image, without regard to checksums. */
export interface Leftovers {
  readonly sealed?: Uint8Array | undefined;
  readonly wrapped?: Uint8Array | undefined;
  /** As many pieces of the file as there are. */
  readonly blob: Uint8Array;
}

/** What a check of one page of the store has found. */
export interface VerifyPage {
  readonly images: number;
  readonly records: number;
  /** A checksum does not match, or a piece is missing. */
  readonly damaged: readonly Uint8Array[];
  /** Images without a record in the active generation. */
  readonly orphanBlobs: readonly Uint8Array[];
  /** Records and pieces of files without an image. */
  readonly orphanRecords: readonly Uint8Array[];
  /** Go on after this id; undefined at the end. */
  readonly next?: Uint8Array | undefined;
}

/**
 * Storage of one library. Methods reject with `RetrievalError`s: `corrupt-record` for a damaged value,
 * `corrupt-index` for a damaged file, `unknown-id`, `parameter-mismatch`, `conflict`, `storage-full`, `storage-failed`.
 */
export interface Store {
  readonly readOnly: boolean;

  /**
   * Applies mutations in order: all, or none when one of them is refused.
   * @returns The sequence number of the last mutation of the store. It is durable.
   */
  commit(mutations: readonly Mutation[]): Promise<number>;

  stats(): Promise<StoreStats>;

  /**
   * What is stored of each id, in the order given; undefined where there is nothing, not even a piece of an image whose row is lost. What
   * cannot be read has no bytes and no record.
   */
  images(ids: readonly Uint8Array[]): Promise<(ImageEntry | undefined)[]>;

  /** Wrapped image keys, as the active generation has them, in the order given; undefined where there is no image. */
  wrappedKeys(ids: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;

  /** Images in order of id, from after `after`, at most `limit`. */
  list(after: Uint8Array | undefined, limit: number): Promise<ImageEntry[]>;

  /** @throws `parameter-mismatch` when there is no such generation. */
  record(parameters: Uint8Array, id: Uint8Array): Promise<StoredRecord | undefined>;

  /** Records of a generation in order of id, from after `after`, at most `limit`. */
  records(parameters: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<RecordEntry[]>;

  /** The index of a generation as it was kept last, where that is of this store's own past. For the caller to close. */
  segment?(parameters: Uint8Array): Promise<SegmentSource | undefined>;

  /**
   * Keeps the index of the active generation, in place of what was kept before; of another generation, does nothing. Only saves time: records tell the same.
   * @param bytes - Of the segment.
   * @param write - Writes it, and returns its head.
   */
  keepSegment?(parameters: Uint8Array, bytes: number, write: (sink: SegmentSink) => Promise<Uint8Array>): Promise<void>;

  /** A range of an encrypted file; undefined when the id is not there. */
  blob(id: Uint8Array, offset: number, length: number): Promise<BlobRange | undefined>;

  /**
   * What changed after `since`, in order, at most `limit`. Superseded changes are left out: an id comes up
   * at most once as put, after its removals, unless it was damaged. Undefined when the log no longer reaches back so far, or is
   * damaged itself: read everything instead.
   */
  changes(since: number, limit: number): Promise<Change[] | undefined>;

  /** Checks images and records in order of id, from after `after`, at most `limit` ids. */
  verify(after: Uint8Array | undefined, limit: number): Promise<VerifyPage>;

  /**
   * What is left of an image, damaged or not.
   * @throws `parameter-mismatch` when there is no such generation.
   */
  salvage(parameters: Uint8Array, id: Uint8Array): Promise<Leftovers>;

  /**
   * Mends what follows from the rest: counts, log, marks of records that are missing; damaged records of the pending generation go,
   * to be made again, and so do pieces without an image.
   * @returns Ids of such pieces. It is durable.
   */
  repair(): Promise<number>;

  /** Lets go of files and locks. Calling it again does nothing. */
  close(): Promise<void>;
}
