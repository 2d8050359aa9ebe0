/**
 * What comes with the package: the kernels, the models of the manifest, the vocabularies.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RetrievalError } from '../base/errors.ts';
import { decodeVocabulary } from '../codes/vocabulary-format.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import type { DeepModel, InputFit } from '../features/deep.ts';
import { compileKernels } from '../wasm/kernels.ts';
import { modelFolder, readUserManifest } from './model-folder.ts';
import { loadOnnxModel, loadOnnxRuntime } from './onnx-model.ts';

/** What is known of a model before its file is here. */
interface ModelFacts {
  readonly id: string;
  /** Pixels of the square input, along one side. */
  readonly inputSide: number;
  /** `area`: the model takes any shape; `square`: that square only. */
  readonly inputFit: InputFit;
  /** Order of the colour planes. Default: `rgb`. */
  readonly channels?: 'rgb' | 'bgr';
  readonly dims: number;
  readonly licence: string;
  readonly origin: string;
}

/** One model of a manifest. */
export interface ModelEntry extends ModelFacts {
  /** Beside the manifest. */
  readonly file: string;
  /** Of the file, lowercase hexadecimal. */
  readonly sha256: string;
  readonly input: string;
  readonly output: string;
  /** Of the file as it was fetched or imported, where an output was added to it since. */
  readonly source?: { readonly url?: string; readonly bytes: number; readonly sha256: string };
}

/** A model that `blindsight models pull` fetches. */
export interface ModelDownload extends ModelFacts {
  readonly url: string;
  /** Length of the file there. */
  readonly bytes: number;
  /** Of the file there, lowercase hexadecimal. */
  readonly sha256: string;
}

/** One vocabulary of `models/manifest.json`. */
export interface VocabularyEntry {
  readonly id: string;
  readonly file: string;
  /** Id of its model. */
  readonly model: string;
  readonly origin: string;
}

/** A manifest, such as `models/manifest.json`. The first model and the first vocabulary are the default. */
export interface Manifest {
  readonly models: readonly ModelEntry[];
  readonly downloads?: readonly ModelDownload[];
  readonly vocabularies: readonly VocabularyEntry[];
}

// From build/src/adapters, the package's root is three folders up.
const ROOT = new URL('../../../', import.meta.url);
const MODELS = new URL('models/', ROOT);

/** Compiles the package's kernels. */
export async function loadKernels(): Promise<WebAssembly.Module> {
  return compileKernels(await readFile(new URL('build/kernels.wasm', ROOT)));
}

/** Compiles the package's kernels for threads that share memory: what `ScanThreads` takes. */
export async function loadSharedKernels(): Promise<WebAssembly.Module> {
  return compileKernels(await readFile(new URL('build/kernels.threads.wasm', ROOT)));
}

/** Reads the package's manifest. */
export async function loadManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(new URL('manifest.json', MODELS), 'utf8')) as Manifest;
}

/** A model whose file is here, and where. */
export interface InstalledModel {
  readonly entry: ModelEntry;
  readonly path: string;
  readonly place: 'package' | 'user';
}

/** The models of the package, then the user's. */
export async function installedModels(): Promise<InstalledModel[]> {
  const [bundled, own] = await Promise.all([loadManifest(), readUserManifest()]);
  const folder = modelFolder();
  return [
    ...bundled.models.map((entry) => ({ entry, path: packagePath(entry.file), place: 'package' as const })),
    ...own.models.map((entry) => ({ entry, path: join(folder, entry.file), place: 'user' as const })),
  ];
}

/**
 * Finds a model by its id.
 * @param id - Default: the one that `blindsight models use` named, else the package's first.
 * @throws `model-unavailable`. {@link RetrievalError}
 */
export async function findModel(id?: string): Promise<InstalledModel> {
  const [models, { use }] = await Promise.all([installedModels(), readUserManifest()]);
  const wanted = id ?? use ?? models[0]?.entry.id;
  const found = models.find(({ entry }) => entry.id === wanted);
  if (found === undefined)
    throw new RetrievalError(
      'model-unavailable',
      `no model ${wanted ?? ''} is here; there are: ${models.map(({ entry }) => entry.id).join(', ')}. blindsight models list shows those that can be fetched`,
    );
  return found;
}

/**
 * Reads a vocabulary that comes with the package, or one of the user's.
 * @param id - Default: the one of the model in use, if it has one; else the package's first.
 * @throws `not-found` when no manifest has one of this id. {@link RetrievalError}
 */
export async function loadVocabulary(id?: string): Promise<{ vocabulary: Vocabulary; bytes: Uint8Array }> {
  const [bundled, own] = await Promise.all([loadManifest(), readUserManifest()]);
  const folder = modelFolder();
  const known = [
    ...own.vocabularies.map((entry) => ({ entry, path: join(folder, entry.file) })),
    ...bundled.vocabularies.map((entry) => ({ entry, path: packagePath(entry.file) })),
  ];
  const found =
    id === undefined
      ? (known.find(({ entry }) => entry.model === own.use) ?? known[own.vocabularies.length])
      : known.find(({ entry }) => entry.id === id);
  if (found === undefined)
    throw new RetrievalError(
      'not-found',
      `no vocabulary ${id ?? ''}; there are: ${known.map(({ entry }) => entry.id).join(', ')}`,
    );
  const bytes = await readFile(found.path).catch((error: unknown) => {
    throw new RetrievalError('not-found', `the file of vocabulary ${found.entry.id} is missing`, { cause: error });
  });
  return { vocabulary: decodeVocabulary(bytes), bytes };
}

/**
 * Loads a model of the package, or one of the user's, by its checksum, and a runtime for it.
 * @param threads - Default: the runtime's choice.
 * @throws `model-unavailable` when there is none, or its file is missing, or no runtime is installed; `parameter-mismatch`
 *   when its file is altered. {@link RetrievalError}
 */
export async function loadModel(sha256: string, threads?: number): Promise<DeepModel> {
  // The user's folder is not looked at for a model of the package.
  const bundled = (await loadManifest()).models.find((candidate) => candidate.sha256 === sha256);
  const found =
    bundled === undefined
      ? (await installedModels()).find(({ entry }) => entry.sha256 === sha256)
      : { entry: bundled, path: packagePath(bundled.file) };
  if (found === undefined)
    throw new RetrievalError(
      'model-unavailable',
      'the model of this vocabulary is not here: blindsight models pull fetches one, blindsight reindex moves a library to another one',
    );
  const { entry, path } = found;
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new RetrievalError('model-unavailable', `the file of model ${entry.id} is missing`, { cause: error });
  });
  return openModel(entry, bytes, threads);
}

/**
 * Opens a model from its bytes, which must be those of its entry.
 * @param threads - Default: the runtime's choice.
 */
export async function openModel(entry: ModelEntry, bytes: Uint8Array, threads?: number): Promise<DeepModel> {
  return loadOnnxModel({
    bytes,
    id: entry.id,
    sha256: entry.sha256,
    inputName: entry.input,
    outputName: entry.output,
    inputSide: entry.inputSide,
    inputFit: entry.inputFit,
    ...(entry.channels === undefined ? {} : { channels: entry.channels }),
    ...(threads === undefined ? {} : { threads }),
    runtime: await loadOnnxRuntime(),
  });
}

function packagePath(file: string): string {
  return fileURLToPath(new URL(file, MODELS));
}
