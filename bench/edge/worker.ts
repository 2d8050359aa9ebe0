/** `examples/worker` in workerd, with a bucket: bundled as a platform would take it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { WebSocket } from 'ws';

// From build/bench/edge, the package's root is three folders up.
const ROOT = join(import.meta.dirname, '..', '..', '..');
const KERNELS = 'blindsight/kernels.wasm';

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
  const bucket = (await miniflare.getR2Bucket('LIBRARY')) as unknown as {
    put(name: string, bytes: Uint8Array): Promise<unknown>;
  };
  for (const [name, bytes] of Object.entries(objects)) await bucket.put(name, new Uint8Array(bytes)); // a copy: it takes no part of a larger buffer
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
