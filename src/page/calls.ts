/**
 * What the page asks of its worker, and what it is told: plain data, no key among it.
 *
 * The worker holds the client role. The page sees pictures, names and figures, as a person in front of it does.
 * @module
 */

/** The three features that make a score, in the order of a code. */
export const FEATURE_NAMES = ['ehd', 'bow', 'deep'] as const;

/** One number a feature. */
export type FeatureNumbers = Readonly<Record<(typeof FEATURE_NAMES)[number], number>>;

/** What a failure is told as. */
export interface Failure {
  /** Code of a `RetrievalError`, or `failed`. */
  readonly code: string;
  readonly message: string;
}

/** How a library is opened. */
export interface UnlockOptions {
  /** Bearer token for the server. */
  readonly token: string;
  readonly passphrase: string;
  /** The client's half of a library, when the server has none of it. */
  readonly files?: { readonly key: Blob; readonly vocabulary: Blob; readonly index: Blob };
}

/** What is known of a library once it is open. */
export interface LibraryFacts {
  readonly images: number;
  readonly ranking: string;
  /** Bits of a code. */
  readonly bits: number;
}

/** One stored picture. */
export interface Picture {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly path: string;
  /** Upright, in pixels; 0 where unknown. */
  readonly width: number;
  readonly height: number;
  readonly fileBytes: number;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly addedAt: number;
  /** Whether it can be found by picture. */
  readonly indexed: boolean;
}

/** All pictures, the newest first. */
export interface Listing {
  readonly pictures: readonly Picture[];
  /** Ids of records that cannot be opened. */
  readonly damaged: readonly string[];
}

/** What the server was sent, and had to answer from. */
export interface SentQuery {
  /** First ones, in hexadecimal. */
  readonly tokens: readonly string[];
  readonly tokenCount: number;
  /** Encrypted vector; empty where the ranking sends none. */
  readonly vector: Float32Array;
}

/** One answer. */
export interface FoundPicture {
  readonly picture: Picture;
  /** In [-1, 1]. */
  readonly score: number;
  /** What each feature adds to it. */
  readonly features: FeatureNumbers;
  /** Above 0: looks like a copy of the query. */
  readonly copy: number;
}

/** A whole answer. */
export interface SearchAnswer {
  readonly found: readonly FoundPicture[];
  /** Sum 1. */
  readonly weights: FeatureNumbers;
  readonly candidates: number;
  readonly records: number;
  readonly damaged: number;
  /** Images that the server does not hand out. */
  readonly missing: number;
  /** False when nothing is nearer than unrelated pictures are. */
  readonly near: boolean;
  readonly milliseconds: number;
  readonly sent: SentQuery;
}

/** What a server stores of one picture. */
export interface ServerView {
  /** The first bytes of the encrypted file. */
  readonly noise: Uint8Array;
  /** Bytes of the encrypted file. */
  readonly blobBytes: number;
  /** Bytes of the sealed record. */
  readonly recordBytes: number;
  readonly tokens: readonly string[];
  readonly tokenCount: number;
  /** A vector made as the stored one was, with noise of its own; empty where none is stored. */
  readonly vector: Float32Array;
}

/** A file to be added. */
export interface NewFile {
  readonly file: File;
  /** Path below the folder that was dropped, or the name. */
  readonly path: string;
}

/** How far an import has come. */
export interface AddProgress {
  /** `waiting`: the server cannot be reached; goes on by itself. */
  readonly state: 'running' | 'paused' | 'waiting' | 'done' | 'stopped' | 'failed';
  readonly total: number;
  /** Encoded, encrypted, perhaps not stored yet. */
  readonly encoded: number;
  readonly added: number;
  readonly known: number;
  readonly failures: readonly (Failure & { readonly path: string })[];
  /** Pictures a second, lately. */
  readonly rate: number;
  /** Of state `failed`. */
  readonly failure?: Failure;
}

/** Pictures that are nearly the same. */
export interface PictureGroup {
  readonly keep: string;
  readonly others: readonly { readonly id: string; readonly distance: number }[];
}

/** Each call: what it is given, and what it answers. */
export interface Calls {
  unlock: (options: UnlockOptions) => LibraryFacts;
  /** Wipes the keys. */
  lock: () => void;
  list: () => Listing;
  /** The small pictures that were sealed when these were added, in their order; undefined where there is none. */
  thumbnails: (ids: readonly string[]) => readonly (Blob | Failure | undefined)[];
  /** A small picture made of the whole file; undefined where the browser cannot show it. */
  smallPicture: (id: string) => Blob | undefined;
  /** The first bytes of the encrypted files, as pictures of noise, in their order. */
  noise: (ids: readonly string[]) => readonly (Blob | Failure)[];
  /** The original file. */
  open: (id: string) => Blob;
  search: (query: { readonly file: Blob } | { readonly id: string }, count: number) => SearchAnswer;
  serverView: (id: string) => ServerView;
  /** Starts an import, or puts more into the one that is going on. */
  add: (files: readonly NewFile[]) => void;
  pauseAdding: () => void;
  resumeAdding: () => void;
  stopAdding: () => void;
  duplicates: () => readonly PictureGroup[];
  remove: (ids: readonly string[]) => number;
  /** Begins a zip file of these pictures. */
  startZip: (ids: readonly string[]) => void;
  /** The next bytes of it; undefined at its end. */
  nextOfZip: () => {
    readonly bytes: Uint8Array | undefined;
    readonly done: number;
    readonly failures: readonly Failure[];
  };
}

/** What the worker tells without being asked. */
export type KeeperEvent =
  | { readonly event: 'ready' }
  | { readonly event: 'adding'; readonly progress: AddProgress }
  /** What it is doing; empty: nothing that takes long. */
  | {
      readonly event: 'busy';
      readonly what: '' | 'key' | 'network' | 'records';
      readonly done?: number;
      readonly total?: number;
    };

/** To the worker. */
export interface CallMessage {
  readonly number: number;
  readonly name: keyof Calls;
  readonly values: readonly unknown[];
}

/** From the worker. */
export type AnswerMessage =
  { readonly number: number; readonly value: unknown } | { readonly number: number; readonly failure: Failure };
