/**
 * Files that a handler serves beside the messages: the browser page, and what a client needs of a library.
 * @module
 */

import type { Encoding } from './accept-encoding.ts';

/** One file. */
export interface ServedFile {
  /** Media type. */
  readonly type: string;
  /** For bearers of a credential alone. */
  readonly restricted: boolean;
  /** All of it. The same array for the same bytes, where they are kept in memory: then they are hashed once. */
  read(): Promise<Uint8Array>;
  /** The same, compressed; kept in memory as well. Absent where that is not worth it. */
  readonly compress?: (encoding: Encoding) => Promise<Uint8Array>;
}

/** The file at a path that begins with `/`; undefined where there is none. */
export type FileSource = (path: string) => ServedFile | undefined;

/**
 * What the browser lets the page do: run the server's own scripts and kernels, talk to the server, show pictures that were opened here.
 * No inline script or style, no other host, no frame around it. The opener and embedder policies allow shared memory, and so threads.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
};
