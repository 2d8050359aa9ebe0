/**
 * The network of a vocabulary, brought from the server, on ONNX Runtime for browsers: SIMD always, threads where the page is isolated.
 * @module
 */
import { loadOnnxModel, type OnnxRuntime } from '../adapters/onnx-model.ts';
import { RetrievalError } from '../base/errors.ts';
import type { DeepModel, InputFit } from '../features/deep.ts';

/** Fetches a file of the page: path below `/page/`. */
export type Fetcher = (path: string) => Promise<Uint8Array>;

/** As the server lists its models. */
interface ModelFacts {
  readonly id: string;
  readonly sha256: string;
  readonly input: string;
  readonly output: string;
  readonly inputSide: number;
  readonly inputFit: InputFit;
  readonly channels?: 'rgb' | 'bgr';
}

/** More threads than that wait for one another. */
const MAX_THREADS = 4;

/**
 * Loads a model by its checksum.
 * @throws `model-unavailable`, `parameter-mismatch`. {@link RetrievalError}
 */
export async function loadBrowserModel(fetchFile: Fetcher, sha256: string): Promise<DeepModel> {
  const models = JSON.parse(new TextDecoder().decode(await fetchFile('models.json'))) as ModelFacts[];
  const entry = models.find((model) => model.sha256 === sha256);
  if (entry === undefined)
    throw new RetrievalError('model-unavailable', 'the server does not have the model of this vocabulary');
  const [bytes, runtime] = await Promise.all([fetchFile(`models/${sha256}`), loadRuntime()]);
  return loadOnnxModel({
    ...{ bytes, runtime, sha256, id: entry.id, inputSide: entry.inputSide, inputFit: entry.inputFit },
    ...{ inputName: entry.input, outputName: entry.output },
    ...(entry.channels === undefined ? {} : { channels: entry.channels }),
  });
}

async function loadRuntime(): Promise<OnnxRuntime> {
  const folder = new URL('./runtime/', import.meta.url);
  // Served as it is installed: its parts find each other.
  const address = new URL('ort.wasm.min.mjs', folder).href;
  const module = (await import(address)) as typeof import('onnxruntime-web/wasm');
  module.env.wasm.wasmPaths = folder.href;
  module.env.wasm.numThreads = globalThis.crossOriginIsolated
    ? Math.min(MAX_THREADS, navigator.hardwareConcurrency)
    : 1;
  module.env.logLevel = 'error';
  return module as unknown as OnnxRuntime;
}
