/** `blindsight eval`. @module */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Checkpoints } from '../../adapters/checkpoints.ts';
import { Collector } from '../../adapters/collector.ts';
import { loadDecoders } from '../../adapters/decoders.ts';
import { loadKernels, loadModel, loadVocabulary } from '../../adapters/package-files.ts';
import { RetrievalError } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import type { VectorFormat } from '../../base/stored-vector.ts';
import { DEFAULT_INDEX, defaultPrefilter, type IndexParameters } from '../../client/index-parameters.ts';
import { FEATURES } from '../../codes/block.ts';
import { decodeVocabulary } from '../../codes/vocabulary-format.ts';
import { evaluate as measure, type Evaluation, type Photo } from '../../eval/evaluate.ts';
import { labelByFolder, readLabels, type Labelled } from '../../eval/labels.ts';
import { loadPlotLibrary } from '../../eval/report/plot-library.ts';
import { study as makeStudy, type Study } from '../../eval/study.ts';
import { BagOfWords } from '../../features/bag-of-words.ts';
import { FeatureExtractor } from '../../features/feature-extractor.ts';
import { SIFT_DIMS } from '../../features/local-features.ts';
import { ImageReader } from '../../image/decode.ts';
import {
  describeRun,
  readPhoto,
  reportMarkdown,
  showPixels,
  studiedTokens,
  writeReport,
} from '../evaluation-report.ts';
import { stopSignal } from '../open.ts';
import { answer, describeError, remark, type Common } from '../output.ts';
import { choosePrefilter, type PrefilterOptions } from '../prefilter-options.ts';
import { startProgress, type Progress } from '../progress.ts';
import { walk } from '../walk.ts';
import { readVocabularyFile } from './init.ts';

/** Names what the figures are measured by: another number never goes on from results of this one. */
const VERSION = 2;

interface Options extends Common, PrefilterOptions {
  readonly report?: string;
  readonly markdown?: boolean;
  readonly largest: number;
  readonly labels?: string;
  readonly vocabulary?: string;
  readonly cache?: string;
  readonly plainOnly?: boolean;
  readonly noise?: number;
  readonly split?: number;
  readonly vectors?: VectorFormat;
}

export async function evaluate(folder: string, options: Options): Promise<void> {
  const quiet = options.json === true;
  const studied = options.report !== undefined || options.markdown === true;
  if (studied && options.plainOnly === true)
    throw new RangeError('"--plain-only" expected without --report and --markdown, got both');
  if (options.report !== undefined) await loadPlotLibrary();
  const signal = stopSignal();
  const checkStopped = (): void => {
    if (signal.aborted)
      throw new RetrievalError(
        'cancelled',
        options.cache === undefined
          ? 'stopped; with --cache, the next run goes on from where it was'
          : 'stopped; the same command goes on from here',
      );
  };
  const labelled =
    options.labels === undefined
      ? labelByFolder((await walk([folder])).found)
      : await readLabels(folder, options.labels);
  if (labelled.length < 2)
    throw new RetrievalError(
      'not-found',
      `expected photos in sub-folders of ${folder}, or --labels; got ${labelled.length}`,
    );
  const kernels = await loadKernels();
  const vocabulary =
    options.vocabulary === undefined
      ? (await loadVocabulary()).vocabulary
      : decodeVocabulary(await readVocabularyFile(options.vocabulary));
  const model = await loadModel(vocabulary.model.sha256);
  const decoders = await loadDecoders();
  const collector = new Collector(kernels, vocabulary.local, model, decoders, options.cache);
  const bag = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);

  const photos: Photo[] = [];
  const used: Labelled[] = [];
  const failed: { path: string; code: string; message: string }[] = [];
  const extracting: number[] = [];
  const collecting = startProgress('features', labelled.length, 'photos', quiet);
  for (const { path, label } of labelled) {
    checkStopped();
    try {
      const bytes = await readFile(path);
      const start = performance.now();
      const { ehd, deep, local } = await collector.collect(bytes);
      const bow = bag.describe({ count: local.length / SIFT_DIMS, descriptors: local });
      extracting.push(performance.now() - start);
      photos.push({ label, descriptors: { ehd, bow, deep } });
      used.push({ path, label });
    } catch (error) {
      failed.push({ path, ...describeError(error) });
    }
    collecting.step();
  }
  collecting.stop();
  if (photos.length < 2)
    throw new RetrievalError(
      'not-found',
      `expected photos that can be read, got ${photos.length} of ${labelled.length}`,
    );

  const { noise, split, vectors } = { ...DEFAULT_INDEX, ...options };
  const prefilter = choosePrefilter(defaultPrefilter(vocabulary), options);
  const index: IndexParameters = { ranking: 'server', prefilter, noise, split, vectors };
  const checkpoints = new Checkpoints(studied ? options.cache : undefined, [
    ...[VERSION, toHex(vocabulary.fingerprint), index, options.largest, used],
  ]);
  const started = performance.now();
  let progress: Progress | undefined;
  let shown = '';
  /** A new bar for each part. */
  const step = (part: string, steps: number, note?: string): void => {
    if (part !== shown) {
      progress?.stop();
      progress = startProgress(part, steps, 'steps', quiet);
      shown = part;
    }
    progress?.step(note);
    checkStopped();
  };
  let evaluation: Evaluation;
  let study: Study | undefined;
  try {
    evaluation = await checkpoints.stage('tables', () =>
      measure(photos, {
        ...{ kernels, vocabulary, index },
        plainOnly: options.plainOnly === true,
        onStep: (pass, passes) => step('queries', passes * photos.length, pass),
      }),
    );
    if (studied)
      study = await makeStudy(photos, {
        ...{ kernels, vocabulary, index, largest: options.largest },
        ...studiedTokens(vocabulary, index),
        reader: new ImageReader(kernels, decoders),
        extractor: new FeatureExtractor(kernels, vocabulary.local, model),
        read: (photo) => readPhoto(used[photo]!),
        show: showPixels,
        stage: (name, work) => checkpoints.stage(name, work),
        onStep: step,
      });
  } finally {
    progress?.stop();
    await model.close();
  }
  extracting.sort((a, b) => a - b);
  const times = {
    ...evaluation.times,
    features: Number((extracting[Math.floor(extracting.length / 2)] ?? 0).toFixed(3)),
    totalSeconds: Number(((performance.now() - started) / 1000).toFixed(1)),
  };
  for (const { path, message, code } of failed) remark(options, `not used: ${path}: ${message} (${code})`);
  let report: { html: string; json: string } | undefined;
  let text = describe({ ...evaluation, times });
  if (study !== undefined) {
    const measured = { evaluation: { ...evaluation, times }, study };
    const lines = describeRun(measured, vocabulary, index);
    if (options.report !== undefined)
      report = await writeReport(options.report, `Blindsight: evaluation on ${basename(folder)}`, lines, measured);
    if (options.markdown === true) text = reportMarkdown(lines, measured);
    else text += `\n\nReport: ${report?.html}\nNumbers: ${report?.json}`;
  }
  await checkpoints.finish();
  answer(options, { ...evaluation, times, failed, ...(report === undefined ? {} : { report }) }, text);
}

function describe({ photos, classes, rows, weights, prefilter, agreement20, times }: Evaluation): string {
  const share = (value: number): string => value.toFixed(4);
  const lines = [
    `${photos} photos of ${classes} classes; mean adaptive weights ${FEATURES.map((f) => `${f} ${weights[f].toFixed(2)}`).join(', ')}`,
    '',
    'feature   side       P@1     P@10    P@20    mAP',
    ...rows.map(
      ({ feature, side, p1, p10, p20, map }) =>
        `${feature.padEnd(9)} ${side.padEnd(9)}  ${[p1, p10, p20, map].map(share).join('  ')}`,
    ),
  ];
  if (prefilter !== undefined)
    lines.push(
      '',
      `prefilter: recall@20 ${share(prefilter.recall20)} of the full scan, ${(100 * prefilter.touched).toFixed(1)} % of the library ranked, ${prefilter.tokens} tokens a query`,
    );
  if (agreement20 !== undefined)
    lines.push(
      `without noise and prefilter, the first 20 equal the plaintext's for ${(100 * agreement20).toFixed(1)} % of queries`,
    );
  lines.push(
    '',
    `median ms: ${Object.entries(times)
      .map(([name, ms]) => `${name} ${ms}`)
      .join(', ')}`,
  );
  return lines.join('\n');
}
