/**
 * Fetching, importing and choosing models.
 *
 * A model has to give its descriptor as an output. The networks of model zoos give class scores instead; their pooled
 * feature is then made an output, and the manifest keeps both checksums: of the file that came, and of the file that is kept.
 * @module
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { readFile, rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import { decodeVocabulary } from '../codes/vocabulary-format.ts';
import { download } from './download.ts';
import { LibraryFiles, writeWhole } from './library-files.ts';
import { readUserManifest, whileLocked } from './model-folder.ts';
import type { ModelFileFacts } from './model-file.ts';
import {
  findModel,
  installedModels,
  loadManifest,
  openModel,
  type ModelDownload,
  type ModelEntry,
} from './package-files.ts';

/** One line of `blindsight models list`. */
export interface ListedModel {
  readonly id: string;
  /** `missing`: in the manifest, but its file is gone; `remote`: can be pulled. */
  readonly state: 'bundled' | 'here' | 'missing' | 'remote';
  readonly used: boolean;
  /** Length of the file; of the download for `remote`; 0 for `missing`. */
  readonly bytes: number;
  readonly dims: number;
  readonly sha256: string;
  readonly licence: string;
  readonly origin: string;
}

/** Every model that is here or can be fetched. */
export async function listModels(): Promise<ListedModel[]> {
  const used = (await findModel().catch(() => undefined))?.entry.id;
  const installed = await installedModels();
  const out: ListedModel[] = [];
  for (const { entry, path, place } of installed) {
    const bytes = (await stat(path).catch(() => undefined))?.size;
    const state = bytes === undefined ? 'missing' : place === 'package' ? 'bundled' : 'here';
    out.push(listed(entry, state, bytes ?? 0, used));
  }
  for (const entry of await downloads())
    if (!installed.some((model) => model.entry.id === entry.id)) out.push(listed(entry, 'remote', entry.bytes, used));
  return out;
}

function listed(
  { id, dims, sha256: hash, licence, origin }: ModelEntry | ModelDownload,
  state: ListedModel['state'],
  bytes: number,
  used: string | undefined,
): ListedModel {
  return { id, state, used: id === used, bytes, dims, sha256: hash, licence, origin };
}

async function downloads(): Promise<ModelDownload[]> {
  const [bundled, own] = await Promise.all([loadManifest(), readUserManifest()]);
  return [...(bundled.downloads ?? []), ...(own.downloads ?? [])];
}

export interface PullOptions {
  /** Another place that has the same file. */
  readonly from?: string;
  readonly signal?: AbortSignal;
  /** Called with the bytes that are here, and those of the whole file. */
  readonly onProgress?: (received: number, bytes: number) => void;
}

/**
 * Fetches a model of a manifest's `downloads`. Goes on where an earlier call was stopped.
 * @returns The model; `known` when it was here already.
 * @throws `not-found` for an unknown id, and all that {@link download} and {@link openModel} throw. {@link RetrievalError}
 * @throws When `from` is no http or https address. {@link TypeError}
 */
export async function pullModel(id: string, options: PullOptions = {}): Promise<{ entry: ModelEntry; known: boolean }> {
  const [remote, local] = await Promise.all([downloads(), installedModels()]);
  const facts = remote.find((entry) => entry.id === id);
  const installed = local.find(({ entry }) => entry.id === id);
  if (installed?.place === 'package') return { entry: installed.entry, known: true };
  if (facts === undefined)
    throw new RetrievalError('not-found', `no model ${id} to fetch; there are: ${remote.map((m) => m.id).join(', ')}`);
  const url = addressOf(options.from ?? facts.url);
  if (installed?.entry.source?.sha256 === facts.sha256) {
    const bytes = await readFile(installed.path).catch(() => undefined);
    if (bytes !== undefined && hashOf(bytes) === installed.entry.sha256) return { entry: installed.entry, known: true };
  }
  return whileLocked(async (folder, write) => {
    const partial = join(folder, `${checkName(id)}.download`);
    const bytes = await download(url, partial, {
      bytes: facts.bytes,
      sha256: facts.sha256,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: (received) => options.onProgress?.(received, facts.bytes),
    });
    const entry = await install(folder, write, bytes, { ...facts, url: url.href });
    await rm(partial, { force: true });
    return { entry, known: false };
  });
}

function addressOf(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new TypeError(`"from" expected an http or https address, got ${text}`);
  return new URL(text);
}

export interface ImportOptions {
  /** Default: the file's name. */
  readonly id?: string;
  /** The tensor that is the descriptor. Default: found in the graph. */
  readonly output?: string;
  /** Side of the input, for a network that takes any; default 224. */
  readonly inputSide?: number;
  /** Order of the colour planes. Default: `rgb`. */
  readonly channels?: 'rgb' | 'bgr';
}

/**
 * Takes an ONNX file of the user's own. Its input is RGB, normalised by ImageNet's mean and deviation. A file that is
 * one of the known downloads becomes that model.
 * @throws `not-found`, `model-unavailable` when it is no such network, `parameter-mismatch` when its graph does not decide. {@link RetrievalError}
 */
export async function importModel(path: string, options: ImportOptions = {}): Promise<ModelEntry> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new RetrievalError('not-found', `cannot read ${path}`, { cause: error });
  });
  const hash = hashOf(bytes);
  const id = options.id ?? basename(path, extname(path));
  const official = (await downloads()).find((entry) => entry.sha256 === hash);
  const facts = official ?? {
    id,
    inputSide: options.inputSide ?? 224,
    inputFit: undefined,
    ...(options.channels === undefined ? {} : { channels: options.channels }),
    licence: 'not known',
    origin: `imported from ${basename(path)}`,
  };
  if ((await loadManifest()).models.some((entry) => entry.id === facts.id))
    throw new RetrievalError('parameter-mismatch', `${facts.id} is a model of this release: give another name`);
  return whileLocked((folder, write) => install(folder, write, bytes, facts, options.output));
}

/** Adds the output if need be, tries the model, and keeps it: the file first, then its line in the manifest. */
async function install(
  folder: string,
  write: Parameters<Parameters<typeof whileLocked>[0]>[1],
  bytes: Uint8Array,
  facts: ModelFileFacts,
  wanted?: string,
): Promise<ModelEntry> {
  const { id, dims } = facts;
  checkName(id);
  // It reads graphs by protobufjs, which nothing else needs.
  const { readModelFile } = await import('./model-file.ts');
  const { entry, bytes: kept } = readModelFile(bytes, facts, wanted);
  const model = await openModel(entry, kept);
  await model.close();
  if (dims !== undefined && model.dims !== dims)
    throw new RetrievalError('parameter-mismatch', `expected ${dims} numbers from the model, got ${model.dims}`);
  const made = { ...entry, dims: model.dims };
  await writeWhole(join(folder, entry.file), kept);
  await write((manifest) => ({ ...manifest, models: [...manifest.models.filter((other) => other.id !== id), made] }));
  return made;
}

/** What choosing a model means for a library. */
export interface LibraryModel {
  readonly library: string;
  /** Id of the model that its index was made with. */
  readonly model: string;
  readonly reindex: boolean;
}

/**
 * Makes a model the default of training, and, where it has a vocabulary, of new libraries and reindexing.
 * @param vocabulary - Path of a vocabulary that was trained with it, to be kept beside it.
 * @param libraries - Folders of libraries, to be told whether they have to be indexed anew. None is changed.
 * @throws `model-unavailable` when it is not here, `parameter-mismatch` when the vocabulary is another model's. {@link RetrievalError}
 */
export async function useModel(
  id: string,
  vocabulary?: string,
  libraries: readonly string[] = [],
): Promise<{ entry: ModelEntry; vocabulary: string | undefined; libraries: LibraryModel[] }> {
  const { entry } = await findModel(id);
  const states: LibraryModel[] = [];
  for (const library of libraries) {
    const files = new LibraryFiles(library);
    await files.check();
    const model = (await files.readIndex('current'))?.vocabulary.model;
    states.push({ library, model: model?.id ?? 'none', reindex: model?.sha256 !== entry.sha256 });
  }
  const bytes = vocabulary === undefined ? undefined : await readVocabulary(vocabulary, entry);
  await whileLocked(async (folder, write) => {
    const file = `${checkName(id)}.vocabulary`;
    if (bytes !== undefined) await writeWhole(join(folder, file), bytes);
    await write((manifest) => ({
      ...manifest,
      use: id,
      vocabularies:
        bytes === undefined
          ? manifest.vocabularies
          : [
              ...manifest.vocabularies.filter((other) => other.model !== id),
              { id, file, model: id, origin: `from ${basename(vocabulary ?? '')}` },
            ],
    }));
  });
  const [bundled, own] = await Promise.all([loadManifest(), readUserManifest()]);
  const found = [...own.vocabularies, ...bundled.vocabularies].find((candidate) => candidate.model === id);
  return { entry, vocabulary: found?.id, libraries: states };
}

async function readVocabulary(path: string, { id, sha256: hash }: ModelEntry): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new RetrievalError('not-found', `cannot read ${path}`, { cause: error });
  });
  const { model } = decodeVocabulary(bytes);
  if (model.sha256 !== hash)
    throw new RetrievalError('parameter-mismatch', `${path} was trained with ${model.id}, not with ${id}`);
  return bytes;
}

/**
 * @returns The id, which may be part of a file's name.
 * @throws When it may not. {@link RangeError}
 */
function checkName(id: string): string {
  if (!/^[a-z0-9][\w.-]{0,63}$/i.test(id))
    throw new RangeError(`"name" expected letters, digits, ".", "_" and "-", at most 64, got ${id}`);
  return id;
}

function hashOf(bytes: Uint8Array): string {
  return toHex(sha256(bytes));
}
