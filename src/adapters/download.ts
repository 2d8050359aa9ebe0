/**
 * Downloads that go on where they were stopped: what has arrived stays on disk, and the rest is asked for by `Range`.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { open, readFile, rm } from 'node:fs/promises';
import { toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';

export interface DownloadOptions {
  /** Length of the whole file. */
  readonly bytes: number;
  /** Of the whole file, lowercase hexadecimal. */
  readonly sha256: string;
  /** Stops; what has arrived is kept. */
  readonly signal?: AbortSignal;
  /** Called with the bytes on disk: first with those that were there, then as they grow. */
  readonly onProgress?: (received: number) => void;
  /** A server that is silent this long is given up. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;

/**
 * Fetches a file into `path`, where an unfinished earlier download may lie. The file stays there: it is the caller's to delete.
 * @returns The bytes, checked.
 * @throws `not-found`, `download-failed`, `wrong-checksum` (the file is then deleted), `storage-full`, `cancelled`. {@link RetrievalError}
 */
export async function download(url: URL, path: string, options: DownloadOptions): Promise<Uint8Array> {
  const { bytes, sha256: expected } = options;
  try {
    await fetchInto(url, path, options);
    const content = await readFile(path);
    const hash = toHex(sha256(content));
    if (hash !== expected)
      throw new RetrievalError(
        'wrong-checksum',
        `expected a file with SHA-256 ${expected}, got ${hash} from ${url.host}`,
      );
    return content;
  } catch (error) {
    if (error instanceof RetrievalError && error.code === 'wrong-checksum') await rm(path, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new RetrievalError('storage-full', `no space is left for the ${bytes} bytes of ${path}`, { cause: error });
    throw error;
  }
}

async function fetchInto(url: URL, path: string, options: DownloadOptions): Promise<void> {
  const { bytes, signal, onProgress, idleMs = IDLE_MS } = options;
  const file = await open(path, 'a');
  try {
    let have = (await file.stat()).size;
    if (have > bytes) {
      await file.truncate();
      have = 0;
    }
    onProgress?.(have);
    if (have === bytes) return;

    const idle = new AbortController();
    const timer = setTimeout(() => idle.abort(), idleMs);
    const stop = signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal]);
    /** What a failed request or a cut connection means. */
    const failure = (what: string, cause: unknown): RetrievalError => {
      if (signal?.aborted === true) return new RetrievalError('cancelled', `stopped at ${have} of ${bytes} bytes`);
      const reason = idle.signal.aborted ? `silent for ${idleMs / 1000} s` : reasonOf(cause);
      return new RetrievalError(
        'download-failed',
        `${what} (${reason}); ${have} of ${bytes} bytes are here, the same command goes on from there`,
        { cause },
      );
    };

    try {
      const headers: Record<string, string> = { 'accept-encoding': 'identity' };
      if (have > 0) headers['range'] = `bytes=${have}-`;
      const response = await fetch(url, { headers, signal: stop }).catch((error: unknown) => {
        throw failure(`${url.host} cannot be reached`, error);
      });
      const start = checkAnswer(response, url, have, bytes);
      if (start < have) {
        await file.truncate();
        have = 0;
        onProgress?.(have);
      }
      const body = response.body?.getReader();
      for (;;) {
        const part = await body?.read().catch((error: unknown) => {
          throw failure(`the connection to ${url.host} was cut`, error);
        });
        if (part?.value === undefined) break;
        timer.refresh();
        if (have + part.value.length > bytes) throw wrongLength(url, bytes, 'more');
        await file.appendFile(part.value);
        have += part.value.length;
        onProgress?.(have);
      }
      if (have < bytes) throw failure(`${url.host} ended too early`, undefined);
    } finally {
      clearTimeout(timer);
      // Whatever of the answer is not read yet.
      idle.abort();
    }
  } finally {
    await file.close();
  }
}

/** @returns Where in the file the answer starts: at `have`, or at 0 from a server that does not know ranges. */
function checkAnswer({ status, headers }: Response, url: URL, have: number, bytes: number): number {
  if (status === 404 || status === 410)
    throw new RetrievalError('not-found', `${url.host} has no such file (${status})`);
  if (status === 416) throw wrongLength(url, bytes, 'fewer');
  if (status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (Number(start) !== have)
      throw new RetrievalError('download-failed', `${url.host} answered with another part of the file`);
    if (total !== '*' && Number(total) !== bytes) throw wrongLength(url, bytes, total ?? '');
    return have;
  }
  if (status !== 200) throw new RetrievalError('download-failed', `${url.host} answered with status ${status}`);
  const length = headers.get('content-encoding') === null ? headers.get('content-length') : null;
  if (length !== null && Number(length) !== bytes) throw wrongLength(url, bytes, length);
  return 0;
}

function wrongLength(url: URL, bytes: number, got: string): RetrievalError {
  return new RetrievalError('wrong-checksum', `expected a file of ${bytes} bytes, ${url.host} has ${got}`);
}

function reasonOf(error: unknown): string {
  const { cause, message } = (error ?? {}) as { cause?: { code?: string; message?: string }; message?: string };
  return cause?.code ?? cause?.message ?? message ?? 'the answer was short';
}
