/** `examples/worker` in workerd, with a bucket: bundled as a platform would take it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { WebSocket } from 'ws';

// From build/bench/edge, the package's root is three folders up.
const ROOT = join(import.meta.dirname, '..', '..', '..');
const KERNELS = 'blindsight/kernels.wasm';
const PART_BYTES = 8 * 1024 * 1024;

/** The worker as one file; the kernels beside it. */
export async function bundleWorker(): Promise<{ script: string; kernels: Uint8Array<ArrayBuffer> }> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'examples', 'worker', 'worker.js')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    external: [KERNELS],
    logLevel: 'silent',
  });
  return {
    script: outputFiles[0]!.text,
    kernels: new Uint8Array(await readFile(join(ROOT, 'build', 'kernels.wasm'))),
  };
}

export interface RunningWorker {
  readonly url: URL;
  /** Bytes that the worker's isolate uses: its heap, with what is garbage by now, and buffers outside. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * @param objects - What lies in the bucket, by name.
 * @param credentials - Text of a credentials file.
 */
export async function startWorker(
  objects: Readonly<Record<string, Uint8Array>>,
  credentials: string,
): Promise<RunningWorker> {
  const { script, kernels } = await bundleWorker();
  const miniflare = new Miniflare({
    compatibilityDate: '2025-01-01',
    r2Buckets: ['LIBRARY'],
    inspectorPort: 0,
    bindings: { CREDENTIALS: credentials },
    handleRuntimeStdio: (out, err) => [out, err].forEach((stream) => stream.resume()),
    modules: [
      { type: 'ESModule', path: 'worker.js', contents: script },
      { type: 'CompiledWasm', path: KERNELS, contents: kernels },
    ],
  });
  const url = await miniflare.ready;
  // Its types want those of the platform.
  const bucket = (await miniflare.getR2Bucket('LIBRARY')) as unknown as Bucket;
  for (const [name, bytes] of Object.entries(objects)) await putObject(bucket, name, bytes);
  return {
    url,
    async memory() {
      const targets = (await (await fetch(new URL('/json', httpOf(await miniflare.getInspectorURL())))).json()) as {
        id: string;
        webSocketDebuggerUrl: string;
      }[];
      return heapOf(targets.find(({ id }) => id.startsWith('core:user:'))!.webSocketDebuggerUrl);
    },
    stop: () => miniflare.dispose(),
  };
}

/** What is used of an R2 bucket here. */
interface Bucket {
  put(name: string, bytes: Uint8Array): Promise<unknown>;
  createMultipartUpload(name: string): Promise<{
    uploadPart(number: number, bytes: Uint8Array): Promise<unknown>;
    complete(parts: unknown[]): Promise<unknown>;
  }>;
}

/** In parts where it is large: of more bytes at once, the way to the bucket breaks (EPIPE). */
async function putObject(bucket: Bucket, name: string, bytes: Uint8Array): Promise<void> {
  // Copies: it takes no part of a larger buffer.
  if (bytes.length <= PART_BYTES) return void (await bucket.put(name, new Uint8Array(bytes)));
  const upload = await bucket.createMultipartUpload(name);
  const parts: unknown[] = [];
  for (let at = 0; at < bytes.length; at += PART_BYTES)
    parts.push(await upload.uploadPart(parts.length + 1, new Uint8Array(bytes.subarray(at, at + PART_BYTES))));
  await upload.complete(parts);
}

function httpOf(url: URL): string {
  return url.href.replace(/^ws/, 'http');
}

/** By the DevTools protocol. */
async function heapOf(url: string): Promise<number> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let id = 0;
  const call = (method: string): Promise<{ usedSize: number; backingStorageSize?: number }> =>
    new Promise((resolve) => {
      const own = ++id;
      socket.on('message', (data) => {
        const { id: answered, result } = JSON.parse(String(data));
        if (answered === own) resolve(result);
      });
      socket.send(JSON.stringify({ id: own, method }));
    });
  const { usedSize, backingStorageSize = 0 } = await call('Runtime.getHeapUsage');
  socket.close();
  return usedSize + backingStorageSize;
}
