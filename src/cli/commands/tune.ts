/**
 * `blindsight tune`: the family and numbers of tokens that find enough and touch least, measured on the user's own photos. Nothing is
 * changed; `reindex` applies what is found.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { loadKernels, loadVocabulary } from '../../adapters/package-files.ts';
import { concat } from '../../base/bytes.ts';
import { RetrievalError } from '../../base/errors.ts';
import type { Query } from '../../client/client.ts';
import { isFatal } from '../../client/failures.ts';
import type { Prefilter } from '../../client/index-parameters.ts';
import { Fusion } from '../../codes/fusion.ts';
import type { Vocabulary } from '../../codes/vocabulary.ts';
import { decodeVocabulary } from '../../codes/vocabulary-format.ts';
import { TOKEN_FAMILIES, type TokenFamilyName } from '../../crypto/token-family.ts';
import { Collection } from '../../eval/collection.ts';
import { bestFigures, choosePrefilterFigures, prefilterGrid, type PrefilterGoal } from '../../eval/prefilter-choice.ts';
import {
  MAX_MEASURED_BITS,
  measurePrefilters,
  type MeasuredQuery,
  type PrefilterFigures,
} from '../../eval/prefilter-measure.ts';
import { evenly } from '../../eval/query-sample.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer, remark } from '../output.ts';
import { collectPhotos } from '../photo-features.ts';
import { describePrefilter } from '../prefilter-options.ts';
import { startProgress } from '../progress.ts';
import { readPictures } from '../stored-pictures.ts';
import { walk } from '../walk.ts';
import { readVocabularyFile } from './init.ts';

interface Options extends OpenOptions {
  readonly photos?: string;
  readonly vocabulary?: string;
  readonly cache?: string;
  readonly family?: TokenFamilyName;
  readonly recall: number;
  readonly maxTouched: number;
  readonly maxTokens: number;
}

/** What is measured on. */
interface Sample {
  readonly vocabulary: Vocabulary;
  readonly codes: Uint8Array;
  readonly queries: readonly MeasuredQuery[];
  /** The prefilter of the library, if it can be measured. */
  readonly current?: Prefilter;
}

/** Photos used as queries. */
const MOST_QUERIES = 50;
const LEAST_PHOTOS = 2;

export async function tune(folder: string | undefined, options: Options): Promise<void> {
  if ((folder === undefined) === (options.photos === undefined))
    throw new RangeError('"library" expected a library or --photos, got both or none');
  for (const name of ['vocabulary', 'cache'] as const)
    if (folder !== undefined && options[name] !== undefined)
      throw new RangeError(`"--${name}" expected with --photos, got a library`);
  const signal = stopSignal();
  const quiet = options.json === true;
  const kernels = await loadKernels();
  const sample =
    folder === undefined
      ? await samplePhotos(kernels, options.photos!, options, signal)
      : await sampleLibrary(folder, options, signal);
  const { vocabulary, codes, queries, current } = sample;
  const goal: PrefilterGoal = options;
  const centroids = vocabulary.centroids.length / vocabulary.bits;
  const families = options.family === undefined ? TOKEN_FAMILIES : [options.family];
  if (centroids === 0 && families.includes('centroids'))
    remark(
      options,
      'the vocabulary has no bucket centroids: family centroids is left out (train --centroids makes them)',
    );
  const grid = prefilterGrid(goal, { centroids, bits: vocabulary.bits, families });
  if (grid.length === 0) throw new RetrievalError('not-found', 'no family of tokens fits this vocabulary');
  const measured = current === undefined ? grid : [...grid, current];
  const progress = startProgress('measure', measureSteps(measured, centroids), 'steps', quiet);
  const figures = await measurePrefilters(measured, {
    ...{ kernels, vocabulary, codes, queries, sampleKey: randomBytes(32) },
    onStep: async () => {
      progress.step();
      await setImmediate();
      if (signal.aborted) throw new RetrievalError('cancelled', 'stopped; nothing was changed');
    },
  }).finally(() => progress.stop());
  const own = current === undefined ? undefined : figures.at(-1);
  const rows = figures.slice(0, grid.length);
  const chosen = choosePrefilterFigures(rows, goal);
  const photos = codes.length / vocabulary.codeBytes;
  const command = chosen === undefined ? undefined : reindexCommand(folder ?? 'LIBRARY', chosen.prefilter);
  const shown = bestFigures(rows);
  if (chosen === undefined) process.exitCode = 1;
  answer(
    options,
    {
      ...{
        photos,
        queries: queries.length,
        goal: { recall: goal.recall, maxTouched: goal.maxTouched, maxTokens: goal.maxTokens },
      },
      ...{ current: own ?? null, chosen: chosen ?? null, command: command ?? null, rows: shown },
    },
    [
      `${photos} photos, ${queries.length} of them as queries; wanted: recall@20 ${goal.recall}, at most ${percent(goal.maxTouched)} touched and ${goal.maxTokens} tokens a query`,
      '',
      '   recall@20  touched  tokens   bytes  prefilter',
      ...shown.map((row) => `${row === chosen ? '=> ' : '   '}${line(row)}`),
      ...(own === undefined ? [] : ['', `now${line(own)}`]),
      '',
      command === undefined
        ? 'Nothing measured meets all of that. Ask for less recall, or allow more with --max-touched and --max-tokens.'
        : `Nothing is changed yet. To apply it:\n  ${command}${chosen!.prefilter.family === 'centroids' ? '\nTokens of centroids tell a server other things than those of sampled bits do: docs/TUNING.md.' : ''}`,
    ].join('\n'),
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function line({ prefilter, tokens, bytes, recall20, touched }: PrefilterFigures): string {
  return [
    ...[recall20.toFixed(3).padStart(9), percent(touched).padStart(7), String(tokens).padStart(6)],
    ...[String(bytes).padStart(6), describePrefilter(prefilter)],
  ].join('  ');
}

function reindexCommand(library: string, prefilter: Prefilter): string {
  const sizes =
    prefilter.family === 'lsh'
      ? `--tables ${prefilter.tables} --sampled-bits ${prefilter.sampledBits}`
      : `--assigned ${prefilter.assigned}`;
  const shown = /^[\w./~-]+$/.test(library) ? library : `'${library.replaceAll("'", "'\\''")}'`;
  return `blindsight reindex ${shown} --family ${prefilter.family} ${sizes} --probes ${prefilter.probes}`;
}

/** A step a table of each number of bits, and one a centroid. */
function measureSteps(prefilters: readonly Prefilter[], centroids: number): number {
  const tables = new Map<number, number>();
  let steps = 0;
  for (const prefilter of prefilters)
    if (prefilter.family === 'lsh')
      tables.set(prefilter.sampledBits, Math.max(prefilter.tables, tables.get(prefilter.sampledBits) ?? 0));
    else steps = centroids;
  for (const count of tables.values()) steps += count;
  return steps;
}

async function samplePhotos(
  kernels: WebAssembly.Module,
  folder: string,
  options: Options,
  signal: AbortSignal,
): Promise<Sample> {
  const vocabulary =
    options.vocabulary === undefined
      ? (await loadVocabulary()).vocabulary
      : decodeVocabulary(await readVocabularyFile(options.vocabulary));
  const { found } = await walk([folder]);
  const { photos, failed } = await collectPhotos(
    found.map(({ path }) => ({ path, label: '' })),
    { kernels, vocabulary, cache: options.cache, quiet: options.json === true, signal },
  );
  for (const { path, message, code } of failed) remark(options, `not used: ${path}: ${message} (${code})`);
  assertEnough(photos.length, folder);
  const collection = new Collection(kernels, vocabulary, photos);
  const queries = evenly(photos.length, MOST_QUERIES).map((own) => ({
    query: collection.query(own, 'adaptive'),
    margins: collection.encoder.margins(collection.encoded[own]!.projections),
    own,
  }));
  return { vocabulary, queries, codes: concat(...collection.encoded.map(({ code }) => code)) };
}

async function sampleLibrary(folder: string, options: Options, signal: AbortSignal): Promise<Sample> {
  return withLibrary(folder, { ...options, readOnly: true }, async ({ client, vocabulary, index }) => {
    const quiet = options.json === true;
    const { pictures } = await readPictures(client, quiet, signal);
    assertEnough(pictures.length, folder);
    const fusion = new Fusion(vocabulary);
    const queries: MeasuredQuery[] = [];
    const asked = evenly(pictures.length, MOST_QUERIES);
    const progress = startProgress('queries', asked.length, 'photos', quiet);
    for (const own of asked) {
      if (signal.aborted) throw new RetrievalError('cancelled', 'stopped; nothing was changed');
      const { id } = pictures[own]!;
      // As the photo itself would be searched for; one that is not stored here, or not whole, by its code.
      const query: Query = await client
        .open(id)
        .then((bytes) => client.query(bytes))
        .catch((error: unknown) => {
          if (isFatal(error)) throw error;
          return client.queryStored(id);
        });
      queries.push({ own, margins: query.margins, query: fusion.query(query.projections, query.weights) });
      progress.step();
    }
    progress.stop();
    const codes = concat(...pictures.map(({ record }) => record.code));
    const { prefilter } = index;
    const measurable = prefilter.family === 'centroids' || prefilter.sampledBits <= MAX_MEASURED_BITS;
    return { vocabulary, queries, codes, ...(measurable ? { current: prefilter } : {}) };
  });
}

function assertEnough(photos: number, folder: string): void {
  if (photos < LEAST_PHOTOS)
    throw new RetrievalError('not-found', `expected at least ${LEAST_PHOTOS} photos in ${folder}, got ${photos}`);
}
