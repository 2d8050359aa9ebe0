/**
 * A worker thread that describes images, one at a time: its own decoders, kernels and session of the deep model.
 *
 * The entry of the threads that `extractor-pool.ts` starts. What comes in are files and public parameters, what goes out are descriptors and thumbnails;
 * no key, code, id or name does either.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import {
  VocabularyExtractor,
  type Described,
  type DescribeOptions,
  type ExtractorParameters,
} from '../client/extractor.ts';
import type { DeepModel } from '../features/deep.ts';
import { ImageReader } from '../image/decode.ts';
import { loadDecoders } from './decoders.ts';
import { loadJpegEncoder } from './jpeg-encoder.ts';
import { loadModel } from './package-files.ts';
import { packError, type PackedError } from './thread-error.ts';

/** What a thread is started with. */
export interface ThreadParameters {
  readonly kernels: WebAssembly.Module;
  readonly parameters: ExtractorParameters;
}

/** What a thread is sent: a file to be described, or null to end it. */
export type ThreadRequest = { readonly bytes: Uint8Array; readonly options: DescribeOptions } | null;

/** What a thread says: once that it can begin or never will, then one answer a file, in order. */
export type ThreadAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unusable'; readonly error: PackedError }
  | { readonly kind: 'described'; readonly described: Described }
  | { readonly kind: 'failed'; readonly error: PackedError };

const port = parentPort!;
const answer = (message: ThreadAnswer): void => port.postMessage(message);

async function start(): Promise<{ extractor: VocabularyExtractor; model: DeepModel } | undefined> {
  try {
    const { kernels, parameters } = workerData as ThreadParameters;
    // Threads of the runtime would only take turns with the other workers'.
    const [model, decoders, encode] = await Promise.all([
      loadModel(parameters.model.sha256, 1),
      loadDecoders(),
      loadJpegEncoder(),
    ]);
    const reader = new ImageReader(kernels, decoders);
    const extractor = new VocabularyExtractor(kernels, parameters, model, reader, encode);
    answer({ kind: 'ready' });
    return { extractor, model };
  } catch (error) {
    answer({ kind: 'unusable', error: packError(error) });
    return undefined;
  }
}

const started = start();
// One after another: no more than one image is decoded here at a time.
let turn: Promise<unknown> = started;
// Listened to at once: Deno drops what comes before.
port.on('message', (request: ThreadRequest) => {
  turn = turn.then(() => (request === null ? end() : describe(request)));
});

async function describe({ bytes, options }: NonNullable<ThreadRequest>): Promise<void> {
  const made = await started;
  if (made === undefined) return;
  try {
    answer({ kind: 'described', described: await made.extractor.describe(bytes, options) });
  } catch (error) {
    answer({ kind: 'failed', error: packError(error) });
  }
}

async function end(): Promise<void> {
  await (await started)?.model.close();
  process.exit();
}
