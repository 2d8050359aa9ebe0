/** `blindsight eval`. @module */
import { readFile } from 'node:fs/promises';
import { Collector } from '../../adapters/collector.ts';
import { loadDecoders } from '../../adapters/library.ts';
import { loadKernels, loadModel, loadVocabulary } from '../../adapters/package-files.ts';
import { RetrievalError } from '../../base/errors.ts';
import { DEFAULT_INDEX } from '../../client/index-parameters.ts';
import { FEATURES } from '../../codes/block.ts';
import { decodeVocabulary } from '../../codes/vocabulary-format.ts';
import { evaluate as measure, type Evaluation, type Photo } from '../../eval/evaluate.ts';
import { labelByFolder, readLabels } from '../../eval/labels.ts';
import { BagOfWords } from '../../features/bag-of-words.ts';
import { SIFT_DIMS } from '../../features/local-features.ts';
import { answer, describeError, remark, type Common } from '../output.ts';
import { choosePrefilter, type PrefilterOptions } from '../prefilter-options.ts';
import { startProgress, type Progress } from '../progress.ts';
import { walk } from '../walk.ts';
import { readVocabularyFile } from './init.ts';

interface Options extends Common, PrefilterOptions {
  readonly labels?: string;
  readonly vocabulary?: string;
  readonly cache?: string;
  readonly plainOnly?: boolean;
  readonly noise?: number;
  readonly split?: number;
}

export async function evaluate(folder: string, options: Options): Promise<void> {
  const quiet = options.json === true;
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
  const collector = new Collector(kernels, vocabulary.local, model, await loadDecoders(), options.cache);
  const bag = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);

  const photos: Photo[] = [];
  const failed: { path: string; code: string; message: string }[] = [];
  const extracting: number[] = [];
  const collecting = startProgress('features', labelled.length, 'photos', quiet);
  for (const { path, label } of labelled) {
    try {
      const bytes = await readFile(path);
      const start = performance.now();
      const { ehd, deep, local } = await collector.collect(bytes);
      const bow = bag.describe({ count: local.length / SIFT_DIMS, descriptors: local });
      extracting.push(performance.now() - start);
      photos.push({ label, descriptors: { ehd, bow, deep } });
    } catch (error) {
      failed.push({ path, ...describeError(error) });
    }
    collecting.step();
  }
  collecting.stop();
  await model.close();
  if (photos.length < 2)
    throw new RetrievalError(
      'not-found',
      `expected photos that can be read, got ${photos.length} of ${labelled.length}`,
    );

  const { noise, split } = { ...DEFAULT_INDEX, ...options };
  let progress: Progress | undefined;
  const started = performance.now();
  const evaluation = await measure(photos, {
    kernels,
    vocabulary,
    index: { ranking: 'server', prefilter: choosePrefilter(DEFAULT_INDEX.prefilter, options), noise, split },
    plainOnly: options.plainOnly === true,
    onStep(pass, passes) {
      progress ??= startProgress('queries', passes * photos.length, 'queries', quiet);
      progress.step(pass);
    },
  });
  progress?.stop();
  extracting.sort((a, b) => a - b);
  const times = {
    ...evaluation.times,
    features: Number((extracting[Math.floor(extracting.length / 2)] ?? 0).toFixed(3)),
    totalSeconds: Number(((performance.now() - started) / 1000).toFixed(1)),
  };
  for (const { path, message, code } of failed) remark(options, `not used: ${path}: ${message} (${code})`);
  answer(options, { ...evaluation, times, failed }, describe({ ...evaluation, times }));
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
