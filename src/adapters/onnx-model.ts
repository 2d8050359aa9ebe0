/**
 * Deep models on ONNX Runtime, native (`onnxruntime-node`) or WebAssembly (`onnxruntime-web`): both have the same face.
 * @module
 */
import { toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { DeepModel, InputFit } from '../features/deep.ts';

/** What both packages export, as far as it is used. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: OnnxSessionOptions): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OnnxTensor;
}

interface OnnxSessionOptions {
  readonly intraOpNumThreads?: number;
  /** 3: errors. Old files bring a warning for each of their weights. */
  readonly logSeverityLevel: 3;
}

interface OnnxTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>>;
  release(): Promise<void>;
}

export interface OnnxModelOptions {
  /** A module such as `onnxruntime-node`; see {@link loadOnnxRuntime}. */
  readonly runtime: OnnxRuntime;
  /** The model: its bytes, or the path of its file. */
  readonly bytes?: Uint8Array;
  readonly file?: string;
  /** Name in the manifest. */
  readonly id: string;
  /** Expected hash of the bytes, in hexadecimal. Not checked when missing. */
  readonly sha256?: string;
  /** Side of the square input, in pixels. */
  readonly inputSide: number;
  /** Whether the model takes any shape (`area`) or that square only. */
  readonly inputFit: InputFit;
  /** Order of the colour planes that the model expects. Default: `rgb`. */
  readonly channels?: 'rgb' | 'bgr';
  /** Default: the only input. */
  readonly inputName?: string;
  /** Default: the first output. */
  readonly outputName?: string;
  /** Default: the runtime's choice. */
  readonly threads?: number;
}

/**
 * The first ONNX runtime that is installed: the native one, else the WebAssembly one.
 * @throws `model-unavailable` when there is none. {@link RetrievalError}
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  const failures: unknown[] = [];
  for (const load of [loadNative, loadWeb])
    try {
      return await load();
    } catch (error) {
      failures.push(error);
    }
  throw new RetrievalError('model-unavailable', 'expected onnxruntime-node or onnxruntime-web to be installed', {
    cause: new AggregateError(failures),
  });
}

async function loadNative(): Promise<OnnxRuntime> {
  const module = await import('onnxruntime-node');
  return (module.default ?? module) as unknown as OnnxRuntime;
}

async function loadWeb(): Promise<OnnxRuntime> {
  const module = await import('onnxruntime-web');
  // Its threads are workers, which keep a Node process alive and need isolation in browsers.
  module.env.wasm.numThreads = 1;
  module.env.logLevel = 'error';
  return module as unknown as OnnxRuntime;
}

/**
 * Loads a model and learns the length of its descriptors by one run on zeros.
 * @throws `model-unavailable` when the file cannot be read or is no model, `parameter-mismatch` when it is not the one
 *   whose hash was given, or has no such input or output. {@link RetrievalError}
 */
export async function loadOnnxModel(options: OnnxModelOptions): Promise<DeepModel> {
  const { runtime, id, inputSide, inputFit, channels, threads } = options;
  const bytes = await modelBytes(options);
  // Of the platform: a tenth of the time that JavaScript takes, on every start.
  const hash = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
  if (options.sha256 !== undefined && options.sha256.toLowerCase() !== hash)
    throw new RetrievalError('parameter-mismatch', `expected the model with SHA-256 ${options.sha256}, got ${hash}`);
  let session: OnnxSession;
  try {
    session = await runtime.InferenceSession.create(bytes, {
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
  } catch (error) {
    throw new RetrievalError('model-unavailable', `the ONNX runtime refused the model ${id}`, { cause: error });
  }
  const inputName = pick(session.inputNames, options.inputName, 'input');
  const outputName = pick(session.outputNames, options.outputName, 'output');
  const run = async (input: Float32Array, width: number, height: number): Promise<Float32Array> => {
    let output: OnnxTensor | undefined;
    try {
      const planes = channels === 'bgr' ? swapPlanes(input) : input;
      const tensor = new runtime.Tensor('float32', planes, [1, 3, height, width]);
      output = (await session.run({ [inputName]: tensor }))[outputName];
    } catch (error) {
      throw new RetrievalError('model-unavailable', `the model ${id} failed to run`, { cause: error });
    }
    if (!(output?.data instanceof Float32Array))
      throw new RetrievalError('parameter-mismatch', `expected f32 from the model ${id}`);
    return output.data.slice();
  };
  const dims = (await run(new Float32Array(3 * inputSide * inputSide), inputSide, inputSide)).length;
  return { id, sha256: hash, dims, inputSide, inputFit, run, close: () => session.release() };
}

/** Red, green, blue to blue, green, red. Each colour stays normalised by its own mean and deviation. */
function swapPlanes(input: Float32Array): Float32Array {
  const count = input.length / 3;
  const out = input.slice();
  out.copyWithin(0, 2 * count);
  out.set(input.subarray(0, count), 2 * count);
  return out;
}

async function modelBytes({ bytes, file, id }: OnnxModelOptions): Promise<Uint8Array> {
  if (bytes !== undefined) return bytes;
  if (file === undefined) throw new TypeError('"bytes" or "file" expected');
  try {
    const { readFile } = await import('node:fs/promises');
    return await readFile(file);
  } catch (error) {
    throw new RetrievalError('model-unavailable', `the file of the model ${id} cannot be read`, { cause: error });
  }
}

function pick(names: readonly string[], wanted: string | undefined, what: string): string {
  const name = wanted ?? names[0];
  if (name === undefined || !names.includes(name))
    throw new RetrievalError(
      'parameter-mismatch',
      `expected ${what} ${wanted ?? ''} in the model, got ${names.join(', ')}`,
    );
  return name;
}
