/**
 * What a message may hold at most. Both sides keep to it: a reader refuses what is beyond.
 * @module
 */

/** Bytes of an image id. */
export const ID_BYTES = 16;
/** Bytes of the fingerprint that names an index generation. */
export const PARAMETERS_BYTES = 32;
/** Bytes of a whole message. */
export const MAX_MESSAGE_BYTES: number = 512 * 1024 * 1024;
/** Images in one `put`, ids in one `has`, `remove` or `records`. */
export const MAX_ITEMS = 65536;
/** Tokens of one image or one query. */
export const MAX_TOKENS = 65536;
/** Numbers of one secure-kNN vector: 2 (n + U + 1), n at most 1024. */
export const MAX_VECTOR_DIMS = 16384;
/** Matches one search may ask for. */
export const MAX_K = 10000;
/** Bytes of a sealed record. */
export const MAX_SEALED_BYTES: number = 1024 * 1024;
/** Bytes of a wrapped image key. */
export const MAX_WRAPPED_BYTES = 128;
/** Bytes of a sealed library root. */
export const MAX_ROOT_BYTES = 256;
/** Ids in one page of `list` or `verify`. */
export const MAX_PAGE = 10000;
/** Bytes of records in one page of `candidates` or `sync`, about. */
export const MAX_PAGE_BYTES: number = 16 * 1024 * 1024;
/** Pages of records are padded to whole multiples of this, so that their length tells less of what is in them. */
export const PADDING_BYTES = 4096;
/** Ids in one `heads`. */
export const MAX_HEADS = 256;
/** Bytes of each of them: an answer is as long as a page of records, about. */
export const MAX_HEAD_BYTES: number = 64 * 1024;
/** Bytes of an error's message. */
export const MAX_TEXT_BYTES = 1024;
/** Index generations of a store: one that serves, one that is being built. */
export const MAX_GENERATIONS = 2;
