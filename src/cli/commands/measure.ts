/** `blindsight models measure`. @module */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DeepCollector } from '../../adapters/deep-collector.ts';
import { loadDecoders } from '../../adapters/decoders.ts';
import { readModelFile } from '../../adapters/model-file.ts';
import { readOnnxGraph } from '../../adapters/onnx-graph.ts';
import { findModel, loadKernels, loadManifest, openModel, type ModelEntry } from '../../adapters/package-files.ts';
import { RetrievalError } from '../../base/errors.ts';
import { isUndecodable } from '../../client/failures.ts';
import type { Figures } from '../../eval/figures.ts';
import { labelByFolder, readLabels, type Labelled } from '../../eval/labels.ts';
import { measureFeatures } from '../../eval/measure-features.ts';
import type { DeepModel, InputFit } from '../../features/deep.ts';
import { stopSignal } from '../open.ts';
import { answer, describeError, remark, size, type Common } from '../output.ts';
import { startProgress } from '../progress.ts';
import { readError, walk } from '../walk.ts';

/** A labelled folder: `--photos`, and the `--labels` behind it. */
export interface LabelledFolder {
  readonly folder: string;
  readonly labels?: string;
}

interface Options extends Common {
  readonly photos: readonly LabelledFolder[];
  readonly meanPhotos: string;
  readonly cache?: string;
  readonly threads: readonly number[];
  readonly timed: number;
}

/** A model as it is measured. */
interface Measured {
  readonly name: string;
  readonly entry: ModelEntry;
  readonly bytes: Uint8Array;
}

interface SetFigures extends Figures {
  readonly folder: string;
  readonly photos: number;
  readonly classes: number;
  /** Photos that gave the mean. */
  readonly mean: number;
}

interface Time {
  readonly threads: number;
  /** Median, from the working image to the descriptor. */
  readonly ms: number;
  /** Median of the ratios to the first model, photo by photo: what a busy machine changes least. */
  readonly ratio: number;
}

interface Row {
  readonly model: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly dims: number;
  readonly inputSide: number;
  readonly inputFit: InputFit;
  readonly sets: readonly SetFigures[];
  readonly times: readonly Time[];
}

interface Photo {
  readonly hash: string;
  readonly descriptors: readonly Float32Array[];
}

/** Measures models side by side: every model sees a photo before the next photo is read. */
export async function measure(specs: readonly string[], options: Options): Promise<void> {
  const signal = stopSignal();
  const quiet = options.json === true;
  const models: Measured[] = [];
  for (const spec of specs) models.push(await readModel(spec));
  const sets: { readonly folder: string; readonly photos: readonly Labelled[] }[] = [];
  for (const { folder, labels } of options.photos) {
    const photos =
      labels === undefined ? labelByFolder((await walk([folder])).found) : await readLabels(folder, labels);
    if (photos.length < 2)
      throw new RetrievalError('not-found', `expected photos in sub-folders of ${folder}, or --labels`);
    sets.push({ folder, photos });
  }
  const others = (await walk([options.meanPhotos])).found.map(({ path }) => path);
  const kernels = await loadKernels();
  const decoders = await loadDecoders();

  // One thread a model, and the models at the same time.
  const opened = await openAll(models, 1);
  const collector = new DeepCollector(kernels, opened, decoders, options.cache);
  const paths = [...new Set([...others, ...sets.flatMap(({ photos }) => photos.map(({ path }) => path))])];
  const known = new Map<string, Photo>();
  const failed: { path: string; code: string; message: string }[] = [];
  const progress = startProgress('descriptors', paths.length, 'photos', quiet);
  try {
    for (const path of paths) {
      if (signal.aborted)
        throw new RetrievalError(
          'cancelled',
          `stopped; ${options.cache === undefined ? 'nothing is kept' : `descriptors are kept in ${options.cache}`}`,
        );
      const bytes = await readFile(path).catch((error: unknown) => {
        throw readError(path, error);
      });
      try {
        const descriptors = await collector.collect(bytes);
        known.set(path, { hash: createHash('sha256').update(bytes).digest('hex'), descriptors });
      } catch (error) {
        if (!isUndecodable(error)) throw error;
        failed.push({ path, ...describeError(error) });
      }
      progress.step();
    }
  } finally {
    progress.stop();
    for (const model of opened) await model.close();
  }

  const figures = models.map(() => [] as SetFigures[]);
  const measuring = startProgress('queries', models.length * sets.length, 'sets', quiet);
  for (const { folder, photos } of sets) {
    const used = photos.filter(({ path }) => known.has(path));
    const labels = used.map(({ label }) => label);
    // A photo that is measured has no part in the mean, under whatever name it lies there.
    const measured = new Set(used.map(({ path }) => known.get(path)!.hash));
    const rest = others.flatMap((path) => known.get(path) ?? []).filter(({ hash }) => !measured.has(hash));
    if (rest.length === 0)
      throw new RetrievalError('not-found', `expected photos in ${options.meanPhotos} that are not measured`);
    for (const [i, rows] of figures.entries()) {
      const descriptors = used.map(({ path }) => known.get(path)!.descriptors[i]!);
      const mean = rest.map((photo) => photo.descriptors[i]!);
      const each = measureFeatures({ descriptors, labels }, mean);
      rows.push({ folder, photos: used.length, classes: new Set(labels).size, mean: rest.length, ...each });
      measuring.step();
    }
  }
  measuring.stop();

  const times = await timeAll(
    kernels,
    models,
    sets[0]!.photos.filter(({ path }) => known.has(path)),
    options,
  );
  const rows = models.map(({ name, entry, bytes }, i): Row => ({
    model: name,
    sha256: entry.sha256,
    bytes: bytes.length,
    dims: opened[i]!.dims,
    inputSide: entry.inputSide,
    inputFit: entry.inputFit,
    sets: figures[i]!,
    times: times[i]!,
  }));
  for (const { path, message, code } of failed) remark(options, `not used: ${path}: ${message} (${code})`);
  answer(options, { models: rows, failed }, describe(rows));
}

/** `NAME|FILE.onnx[@SIDE[-area|-square]]`: a name is a manifest's; a file of fixed shape has its own side. */
async function readModel(spec: string): Promise<Measured> {
  const [, name = spec, sideText, fit] = /^(.+?)@(\d{2,4})(?:-(area|square))?$/.exec(spec) ?? [];
  const side = sideText === undefined ? undefined : Number(sideText);
  const wanted = fit as InputFit | undefined;
  const { entry, bytes } = /\.onnx$|[\\/]/.test(name) ? await readFileEntry(name) : await readInstalled(name);
  const [height] = fixedShape(entry, bytes);
  if (height !== undefined && ((side ?? height) !== height || wanted === 'area'))
    throw new RetrievalError('parameter-mismatch', `${name} takes ${height} x ${height} pixels and nothing else`);
  return {
    name: basename(spec),
    entry: { ...entry, inputSide: side ?? entry.inputSide, inputFit: wanted ?? entry.inputFit },
    bytes,
  };
}

async function readInstalled(id: string): Promise<{ entry: ModelEntry; bytes: Uint8Array }> {
  const { entry, path } = await findModel(id);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new RetrievalError('model-unavailable', `the file of model ${id} is missing`, { cause: error });
  });
  return { entry, bytes };
}

/** A file that takes any size is shown photos as the package's first model is. */
async function readFileEntry(path: string): Promise<{ entry: ModelEntry; bytes: Uint8Array }> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw readError(path, error);
  });
  const { inputSide } = (await loadManifest()).models[0]!;
  return readModelFile(bytes, {
    id: basename(path, '.onnx'),
    inputSide,
    inputFit: undefined,
    licence: 'not known',
    origin: basename(path),
  });
}

/** Height and width, where the file fixes them. */
function fixedShape({ input }: ModelEntry, bytes: Uint8Array): (number | undefined)[] {
  return (
    readOnnxGraph(bytes)
      .inputs.find(({ name }) => name === input)
      ?.shape.slice(2) ?? []
  );
}

async function openAll(models: readonly Measured[], threads: number): Promise<DeepModel[]> {
  const opened: DeepModel[] = [];
  for (const { entry, bytes } of models) opened.push(await openModel(entry, bytes, threads));
  return opened;
}

/** Per model, per number of threads. Models take turns at each photo, so that what disturbs one disturbs all. */
async function timeAll(
  kernels: WebAssembly.Module,
  models: readonly Measured[],
  photos: readonly Labelled[],
  { threads, timed, json }: Options,
): Promise<Time[][]> {
  const out = models.map(() => [] as Time[]);
  if (timed === 0) return out;
  const step = Math.max(1, Math.floor(photos.length / timed));
  const chosen = photos.filter((_, i) => i % step === 0).slice(0, timed);
  const decoders = await loadDecoders();
  const progress = startProgress('times', threads.length * chosen.length, 'photos', json === true);
  for (const count of threads) {
    const opened = await openAll(models, count);
    const collector = new DeepCollector(kernels, opened, decoders);
    const rounds: number[][] = [];
    for (const { path } of chosen) {
      const bytes = await readFile(path);
      // The first run of a shape plans its memory.
      await collector.time(bytes);
      rounds.push(await collector.time(bytes));
      progress.step();
    }
    for (const model of opened) await model.close();
    for (const [i, rows] of out.entries())
      rows.push({
        threads: count,
        ms: Number(median(rounds.map((round) => round[i]!)).toFixed(2)),
        ratio: Number(median(rounds.map((round) => round[i]! / round[0]!)).toFixed(3)),
      });
  }
  progress.stop();
  return out;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function describe(rows: readonly Row[]): string {
  const width = Math.max(5, ...rows.map(({ model }) => model.length));
  const [first] = rows;
  const sets = first?.sets.map(({ folder }) => basename(folder)) ?? [];
  const times = first?.times.map(({ threads }) => `ms, ${threads} thr.   `) ?? [];
  const heading = ['model'.padEnd(width), '    size', 'dims', 'input     ', ...sets.map((s) => s.padEnd(22)), ...times];
  const lines = rows.map(({ model, bytes, dims, inputSide, inputFit, sets: figures, times: each }) =>
    [
      model.padEnd(width),
      size(bytes).padStart(8),
      `${dims}`.padStart(4),
      `${inputSide} ${inputFit}`.padEnd(10),
      ...figures.map(({ p1, p20, map }) => [p1, p20, map].map((value) => value.toFixed(4)).join('  ')),
      ...each.map(({ ms, ratio }) => `${ms.toFixed(1).padStart(5)} (${ratio.toFixed(2)})`),
    ].join('  '),
  );
  const photos = first?.sets.map(
    ({ folder, photos: count, classes, mean }) =>
      `${basename(folder)}: ${count} photos of ${classes} classes, the mean from ${mean} others`,
  );
  return [
    heading.join('  '),
    ...lines,
    '',
    'Float cosine: P@1, P@20, mAP. Times: median from the working image to the descriptor (and of the ratio to the first model).',
    ...(photos ?? []),
  ].join('\n');
}
