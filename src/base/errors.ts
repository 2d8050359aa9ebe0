/**
 * What can go wrong, as values a program can branch on.
 *
 * Two families, never mixed:
 *
 * - The caller's mistake (wrong type, wrong length, out of range) is a built-in
 *   `TypeError` or `RangeError` from `assert.ts`. Fix the call; do not catch it.
 * - The world's fault (damaged file, wrong key, newer format, full disk) is a
 *   {@link RetrievalError} with a stable `code`. Catch it and act on the code.
 *
 * @module
 */

/** Stable identifiers. Adding one is a minor release; changing one is a major release. */
export type RetrievalErrorCode =
  /** The file has no bytes. */
  | 'empty-file'
  /** The bytes are not an image of any known format. */
  | 'not-an-image'
  /** An image of a known format that no installed decoder reads (HEIC, AVIF, ...). */
  | 'unsupported-format'
  /** An image of a readable format, but damaged or cut short. */
  | 'corrupt-image'
  /** The header declares more pixels than the limit. */
  | 'image-too-large'
  /** The file has more bytes than the limit. */
  | 'file-too-large'
  /** The operating system refused to read the file. */
  | 'unreadable-file'
  /** The path does not exist. */
  | 'not-found'
  /** Authentication failed: wrong key, or altered ciphertext. Which of the two is not told. */
  | 'decrypt-failed'
  /** The passphrase or recovery words do not open the key file. */
  | 'wrong-passphrase'
  /** The grant or identity file does not parse. */
  | 'corrupt-grant'
  /** The key file does not parse. */
  | 'corrupt-key-file'
  /** The bytes do not parse as a vocabulary, or its checksum does not match. */
  | 'corrupt-vocabulary'
  /** The bytes do not parse as an index or segment, or a checksum does not match. */
  | 'corrupt-index'
  /** The bytes do not parse as a message of the protocol. */
  | 'corrupt-message'
  /** A stored record or blob is damaged. */
  | 'corrupt-record'
  /** Written by a format version this release cannot read. */
  | 'unsupported-version'
  /** Built with another vocabulary, model, projection or code length. */
  | 'parameter-mismatch'
  /** The library has been given another key since this one was handed out. */
  | 'key-rotated'
  /** The new index does not hold every image yet, so it cannot take over. */
  | 'index-incomplete'
  /** Another client has changed the library meanwhile: read, and try again. */
  | 'conflict'
  /** The server has an older state of the library than has been seen, or another history. */
  | 'rolled-back'
  /** The server does not show an image that the library has. */
  | 'omitted'
  /** No such image in the library. */
  | 'unknown-id'
  /** There is no library at this path. */
  | 'library-not-found'
  /** There is already a library at this path. */
  | 'library-exists'
  /** Another process is writing to the library. */
  | 'library-locked'
  /** The library holds no image yet. */
  | 'empty-library'
  /** No space is left on the device. */
  | 'storage-full'
  /** The store could not read or write. */
  | 'storage-failed'
  /** The server failed inside, and does not say how. */
  | 'server-failed'
  /** No connection to the server, or it was lost each time. */
  | 'server-unreachable'
  /** The server has too much to do, or is going down: later. */
  | 'server-busy'
  /** A message did not arrive, or an answer did not come, in time. */
  | 'timed-out'
  /** No credential, or one that the server does not know (any more). */
  | 'unauthorized'
  /** The credential, or the grant by which a library was joined, does not allow this. */
  | 'forbidden'
  /** More requests than the credential may make: later. */
  | 'rate-limited'
  /** The message has more bytes than the server takes. */
  | 'message-too-large'
  /** The credentials file does not parse. */
  | 'corrupt-credentials'
  /** The ONNX model of this vocabulary is not installed, or no runtime is. */
  | 'model-unavailable'
  /** A worker thread ended while it described the image. */
  | 'worker-failed'
  /** A file did not arrive whole over the network. What did is kept: the same call goes on from there. */
  | 'download-failed'
  /** A file that was fetched is not the one that was expected. */
  | 'wrong-checksum'
  /** The caller's `AbortSignal` fired. */
  | 'cancelled';

/** A failure of data or environment, not of the calling code. */
export class RetrievalError extends Error {
  override readonly name = 'RetrievalError';
  readonly code: RetrievalErrorCode;

  /**
   * @param code - What happened.
   * @param message - For people. Says what was expected and what was found. Never contains keys,
   *   plaintext, descriptors or codes.
   * @param options - `cause`, when another error led here.
   */
  constructor(code: RetrievalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
