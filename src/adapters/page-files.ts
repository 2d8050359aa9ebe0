/**
 * The browser page, and what it needs, as files that a handler serves.
 *
 * | path                       | for      | what                                                                    |
 * | -------------------------- | -------- | ----------------------------------------------------------------------- |
 * | `/`, `/page/*`             | anyone   | the page, its worker, the kernels, ONNX Runtime for browsers            |
 * | `/page/models.json`, `/page/models/SHA256` | bearers | the models that are installed here                        |
 * | `/page/library/*`          | bearers  | wrapped key, vocabulary and index parameters, if a library is served with its client's half |
 * @module
 */
import { accessSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { utf8 } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { FileSource, ServedFile } from '../server/files.ts';
import { installedModels } from './package-files.ts';

// From build/src/adapters, the package's build folder is two folders up.
const BUILD = fileURLToPath(new URL('../../', import.meta.url));
const PAGE = join(BUILD, 'page');

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
};
const BYTES = 'application/octet-stream';
/** ONNX Runtime's 14 MB become 2.8 in a second, where 9 takes six for 2.7. */
const BROTLI_QUALITY = 5;
const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

/** What is fetched of ONNX Runtime: its module, and the WebAssembly with SIMD that it loads, with and without threads. */
const RUNTIME_FILES = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

/** What is handed to bearers of a library's client half: what a second machine would need a copy of. */
const LIBRARY_FILES = ['key', 'vocabulary', 'index.json'];

/** What a page is made of. */
export interface PageOptions {
  /** The client's half of a library; absent where only a store is served, and each user brings key and vocabulary. */
  readonly client?: string;
}

/**
 * Finds all files of the page.
 * @throws `not-found` when the page was not built, `model-unavailable` when `onnxruntime-web` is not installed. {@link RetrievalError}
 */
export async function pageFiles({ client }: PageOptions): Promise<FileSource> {
  const files = new Map<string, ServedFile>();
  const names = await readdir(PAGE).catch((error: unknown) => {
    throw new RetrievalError('not-found', 'the browser page is not built: npm run build:page', { cause: error });
  });
  for (const name of names) files.set(`/page/${name}`, kept(join(PAGE, name)));
  files.set('/', files.get('/page/index.html')!);
  files.set('/page/kernels.wasm', kept(join(BUILD, 'kernels.wasm')));
  const runtime = runtimeFolder();
  for (const name of RUNTIME_FILES) files.set(`/page/runtime/${name}`, kept(join(runtime, name)));
  const models = await installedModels();
  // Where a model lies on this machine is nobody's business.
  const list = utf8(JSON.stringify(models.map(({ entry: { file: _file, source: _source, ...entry } }) => entry)));
  files.set('/page/models.json', { type: TYPES['json']!, restricted: true, read: () => Promise.resolve(list) });
  for (const { entry, path } of models) files.set(`/page/models/${entry.sha256}`, { ...kept(path), restricted: true });
  // Not kept: a change of passphrase or index shows at once.
  if (client !== undefined)
    for (const name of LIBRARY_FILES)
      files.set(`/page/library/${name}`, { type: BYTES, restricted: true, read: () => readFile(join(client, name)) });
  return (path) => files.get(path);
}

/** A file that is read once, and compressed once, when it is first asked for so. */
function kept(path: string): ServedFile {
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? BYTES;
  const read = once(() => readFile(path));
  // A model is noise to a compressor.
  if (type === BYTES) return { type, restricted: false, read };
  const made = {
    br: once(async () => brotli(await read(), { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })),
    gzip: once(async () => gzipped(await read())),
  };
  return { type, restricted: false, read, compress: (encoding) => made[encoding]() };
}

/** The same answer every time; a failure is tried anew. */
function once(make: () => Promise<Uint8Array>): () => Promise<Uint8Array> {
  let made: Promise<Uint8Array> | undefined;
  return () => {
    made ??= make();
    made.catch(() => (made = undefined));
    return made;
  };
}

function runtimeFolder(): string {
  try {
    const folder = fileURLToPath(new URL('.', import.meta.resolve('onnxruntime-web/wasm')));
    for (const name of RUNTIME_FILES) accessSync(join(folder, name));
    return folder;
  } catch (error) {
    throw new RetrievalError('model-unavailable', 'the browser page needs the package onnxruntime-web: install it', {
      cause: error,
    });
  }
}
