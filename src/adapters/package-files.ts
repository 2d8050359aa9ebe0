/**
 * What comes with the package: the kernels, the models of the manifest, the vocabularies.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { RetrievalError } from '../base/errors.ts';
import { decodeVocabulary } from '../codes/vocabulary-format.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import type { DeepModel, InputFit } from '../features/deep.ts';
import { compileKernels } from '../wasm/kernels.ts';
import { loadOnnxModel, loadOnnxRuntime } from './onnx-model.ts';

/** One model of `models/manifest.json`. */
export interface ModelEntry {
  readonly id: string;
  /** Beside the manifest. */
  readonly file: string;
  /** Of the file, lowercase hexadecimal. */
  readonly sha256: string;
  readonly input: string;
  readonly output: string;
  /** Pixels of the square input, along one side. */
  readonly inputSide: number;
  /** `area`: the model takes any shape; `square`: that square only. */
  readonly inputFit: InputFit;
  readonly dims: number;
  readonly licence: string;
  readonly origin: string;
}

/** One vocabulary of `models/manifest.json`. */
export interface VocabularyEntry {
  readonly id: string;
  readonly file: string;
  /** Id of its model. */
  readonly model: string;
  readonly origin: string;
}

/** `models/manifest.json`. The first vocabulary is the default. */
export interface Manifest {
  readonly models: readonly ModelEntry[];
  readonly vocabularies: readonly VocabularyEntry[];
}

// From build/src/adapters, the package's root is three folders up.
const ROOT = new URL('../../../', import.meta.url);
const MODELS = new URL('models/', ROOT);

/** Compiles the package's kernels. */
export async function loadKernels(): Promise<WebAssembly.Module> {
  return compileKernels(await readFile(new URL('build/kernels.wasm', ROOT)));
}

/** Reads the package's manifest. */
export async function loadManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(new URL('manifest.json', MODELS), 'utf8')) as Manifest;
}

/**
 * Reads a vocabulary that comes with the package.
 * @param id - Default: the manifest's first.
 * @throws `not-found` when the manifest has none of this id. {@link RetrievalError}
 */
export async function loadVocabulary(id?: string): Promise<{ vocabulary: Vocabulary; bytes: Uint8Array }> {
  const { vocabularies } = await loadManifest();
  const entry = id === undefined ? vocabularies[0] : vocabularies.find((candidate) => candidate.id === id);
  if (entry === undefined)
    throw new RetrievalError(
      'not-found',
      `no vocabulary ${id ?? ''}; there are: ${vocabularies.map((v) => v.id).join(', ')}`,
    );
  const bytes = await readFile(new URL(entry.file, MODELS));
  return { vocabulary: decodeVocabulary(bytes), bytes };
}

/**
 * Loads a model of the package by its checksum, and a runtime for it.
 * @throws `model-unavailable` when the package has no such model, its file is altered, or no runtime is installed. {@link RetrievalError}
 */
export async function loadModel(sha256: string): Promise<DeepModel> {
  const { models } = await loadManifest();
  const entry = models.find((candidate) => candidate.sha256 === sha256);
  if (entry === undefined)
    throw new RetrievalError(
      'model-unavailable',
      'this release does not have the model of this vocabulary: blindsight reindex moves the library to another one',
    );
  const bytes = await readFile(new URL(entry.file, MODELS)).catch((error: unknown) => {
    throw new RetrievalError('model-unavailable', `the file of model ${entry.id} is missing`, { cause: error });
  });
  return loadOnnxModel({
    bytes,
    id: entry.id,
    sha256,
    inputName: entry.input,
    outputName: entry.output,
    inputSide: entry.inputSide,
    inputFit: entry.inputFit,
    runtime: await loadOnnxRuntime(),
  });
}
