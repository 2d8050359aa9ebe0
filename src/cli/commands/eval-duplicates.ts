/**
 * `blindsight eval-duplicates`: what `dedupe` finds at each distance, measured on altered copies of a folder's photos; class = sub-folder.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { Collector } from '../../adapters/collector.ts';
import { loadDecoders } from '../../adapters/decoders.ts';
import { loadKernels, loadModel, loadVocabulary } from '../../adapters/package-files.ts';
import { RetrievalError } from '../../base/errors.ts';
import { Encoder } from '../../codes/encoder.ts';
import { decodeVocabulary } from '../../codes/vocabulary-format.ts';
import { countPairs, detectionTable, largestPrecise, type Copies } from '../../eval/copy-detection.ts';
import { markdownTable } from '../../eval/markdown.ts';
import { BagOfWords } from '../../features/bag-of-words.ts';
import { SIFT_DIMS } from '../../features/local-features.ts';
import { DUPLICATE_DISTANCE } from '../../client/near-duplicates.ts';
import { stopSignal } from '../open.ts';
import { answer, describeError, remark, type Common } from '../output.ts';
import { startProgress } from '../progress.ts';
import { alter, type Change } from '../variants.ts';
import { labelByFolder } from '../../eval/labels.ts';
import { walk } from '../walk.ts';
import { readVocabularyFile } from './init.ts';

interface Options extends Common {
  readonly vocabulary?: string;
  readonly cache?: string;
  readonly every: number;
  readonly precision: number;
}

/** What people do to a photo that stays the same photo. */
const COPIES: Readonly<Record<string, Change>> = {
  'JPEG 85': {},
  'JPEG 50': { quality: 50 },
  'JPEG 15': { quality: 15 },
  'half size': { scale: 0.5 },
  'quarter size': { scale: 0.25 },
  'crop 95 %': { crop: 0.95 },
  'crop 90 %': { crop: 0.9 },
  'crop 80 %': { crop: 0.8 },
  grey: { grey: true },
};
/** Rows of the table: shares of the code's bits. */
const SHARES = [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.14, 0.16, 0.18, 0.2];

export async function evaluateDuplicates(folder: string, options: Options): Promise<void> {
  const signal = stopSignal();
  const quiet = options.json === true;
  const found = labelByFolder((await walk([folder])).found);
  const kernels = await loadKernels();
  const vocabulary =
    options.vocabulary === undefined
      ? (await loadVocabulary()).vocabulary
      : decodeVocabulary(await readVocabularyFile(options.vocabulary));
  const model = await loadModel(vocabulary.model.sha256);
  const collector = new Collector(kernels, vocabulary.local, model, await loadDecoders(), options.cache);
  const bag = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);
  const encoder = new Encoder(kernels, vocabulary);
  const encode = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const { ehd, deep, local } = await collector.collect(bytes);
    const bow = bag.describe({ count: local.length / SIFT_DIMS, descriptors: local });
    return encoder.encode({ ehd, bow, deep }).code;
  };

  const photos: Uint8Array[] = [];
  const labels: string[] = [];
  const copies = Object.keys(COPIES).map((alteration) => ({
    alteration,
    codes: [] as Uint8Array[],
    of: [] as number[],
  }));
  const failed: { path: string; code: string; message: string }[] = [];
  const progress = startProgress('features', found.length, 'photos', quiet);
  for (const [i, { path, label }] of found.entries()) {
    if (signal.aborted) throw new RetrievalError('cancelled', 'stopped; with --cache, the next run goes on from here');
    try {
      const bytes = await readFile(path);
      const code = await encode(bytes);
      if (i % options.every === 0)
        for (const { alteration, codes, of } of copies) {
          codes.push(await encode(await alter(bytes, COPIES[alteration]!)));
          of.push(photos.length);
        }
      photos.push(code);
      labels.push(label);
    } catch (error) {
      failed.push({ path, ...describeError(error) });
    }
    progress.step();
  }
  progress.stop();
  await model.close();
  const copied = copies[0]!.of.length;
  if (photos.length < 2 || copies.some(({ of }) => of.length !== copied))
    throw new RetrievalError(
      'not-found',
      `expected photos in sub-folders that can be read, got ${photos.length} of ${found.length}`,
    );

  const { codeBytes, bits } = vocabulary;
  const join = (codes: readonly Uint8Array[]): Uint8Array => {
    const out = new Uint8Array(codes.length * codeBytes);
    codes.forEach((code, i) => out.set(code, i * codeBytes));
    return out;
  };
  const made: Copies[] = copies.map(({ alteration, codes, of }) => ({ alteration, codes: join(codes), of }));
  const counts = countPairs(kernels, join(photos), codeBytes, labels, made);
  const rows = SHARES.map((share) => ({ share, ...detectionTable(counts, [Math.floor(share * bits)])[0]! }));
  const largest = largestPrecise(counts, options.precision) / bits;
  for (const { path, message, code } of failed) remark(options, `not used: ${path}: ${message} (${code})`);
  // Where nothing is found, there is no precision.
  const percent = (share: number): string => (Number.isNaN(share) ? '-' : (100 * share).toFixed(1));
  answer(
    options,
    { photos: photos.length, copied, bits, rows, precision: options.precision, largest, failed },
    `${photos.length} photos, altered copies of ${copied} of them; shares in %

${markdownTable(
  ['distance', ...Object.keys(COPIES), 'precision', 'wrong pairs', 'of one class'],
  rows.map(({ share, recall, precision, wrong, unclear }) => {
    const cells = [
      percent(share),
      ...Object.values(recall).map(percent),
      percent(precision),
      wrong.toFixed(1),
      unclear.toFixed(1),
    ];
    return share === DUPLICATE_DISTANCE ? cells.map((cell) => `**${cell}**`) : cells;
  }),
)}

Largest distance with a precision of ${percent(options.precision)} %: ${percent(largest)} % of the bits.`,
  );
}
