/** `blindsight reindex`. @module */
import type { Library, NextIndex } from '../../adapters/library.ts';
import { loadVocabulary } from '../../adapters/package-files.ts';
import { equalBytes, toHex } from '../../base/bytes.ts';
import type { VectorFormat } from '../../base/stored-vector.ts';
import { indexFingerprint, type IndexParameters } from '../../client/index-parameters.ts';
import { reindex } from '../../client/reindex.ts';
import type { Vocabulary } from '../../codes/vocabulary.ts';
import { decodeVocabulary } from '../../codes/vocabulary-format.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer, describeError, remark, type Common } from '../output.ts';
import { asksForPrefilter, choosePrefilter, type PrefilterOptions } from '../prefilter-options.ts';
import { startProgress } from '../progress.ts';
import { readVocabularyFile } from './init.ts';

interface Options extends OpenOptions, PrefilterOptions {
  readonly vocabulary?: string;
  readonly noise?: number;
  readonly split?: number;
  readonly vectors?: VectorFormat;
  readonly abort?: boolean;
}

export async function reindexLibrary(folder: string, options: Options): Promise<void> {
  const signal = stopSignal();
  await withLibrary(folder, options, async (library) => {
    if (options.abort === true) {
      const abandoned = await library.abandonNext();
      answer(options, { abandoned }, abandoned ? 'The unfinished reindex is dropped.' : 'No reindex is unfinished.');
      return;
    }
    const pending = await library.pending();
    const asked =
      asksForPrefilter(options) ||
      [options.vocabulary, options.noise, options.split, options.vectors].some((value) => value !== undefined);
    // Without words of the user's own, an unfinished reindex goes on as it was begun.
    const vocabulary =
      options.vocabulary !== undefined
        ? decodeVocabulary(await readVocabularyFile(options.vocabulary))
        : asked
          ? library.vocabulary
          : (pending?.vocabulary ?? (await loadVocabulary()).vocabulary);
    const { noise, split, vectors } = { ...library.index, ...options };
    const prefilter = choosePrefilter(library.index.prefilter, options);
    const index =
      asked || pending === undefined ? { ...library.index, prefilter, noise, split, vectors } : pending.index;
    const current = indexFingerprint(library.vocabulary.fingerprint, library.index);
    if (equalBytes(indexFingerprint(vocabulary.fingerprint, index), current)) {
      // Probes are a setting of the query: other ones need no other index.
      const probes = prefilter.probes !== library.index.prefilter.probes;
      if (probes) await library.setProbes(prefilter.probes);
      answer(
        options,
        { reindexed: 0, kept: 0, unindexed: 0, failed: [] },
        probes
          ? `From now on a search looks at ${prefilter.probes} buckets; the index stays as it is.`
          : 'The index is made with this vocabulary already.',
      );
      return;
    }
    const counts = await makeNext(library, vocabulary, index, options, signal);
    answer(
      options,
      { reindexed: counts.done, kept: counts.kept, unindexed: counts.unindexed, failed: [] },
      `${counts.done} images indexed anew, ${counts.kept} were done before. The new index serves.${counts.unindexed === 0 ? '' : `\n${counts.unindexed} images are kept without a code: no decoder here reads them.`}`,
    );
  });
}

/** Makes the next index and lets it serve, or names what could not be opened and fails. */
export async function makeNext(
  library: Library,
  vocabulary: Vocabulary,
  index: IndexParameters,
  options: Common,
  signal: AbortSignal,
): Promise<{ readonly done: number; readonly kept: number; readonly unindexed: number }> {
  return buildNext(library, await library.next(vocabulary, index), 'reindex', options, signal);
}

/**
 * Fills the next index and lets it serve; closes it.
 * @param label - What the progress line calls it.
 */
export async function buildNext(
  library: Library,
  next: NextIndex,
  label: string,
  options: Common,
  signal: AbortSignal,
): Promise<{ readonly done: number; readonly kept: number; readonly unindexed: number }> {
  const counts = { done: 0, kept: 0, unindexed: 0 };
  const failed: { id: string; code: string; message: string }[] = [];
  const { images } = await library.client.info();
  const progress = startProgress(label, images, 'images', options.json === true);
  try {
    for await (const outcome of reindex(library.client, next.client, signal)) {
      if (outcome.status === 'failed') failed.push({ id: toHex(outcome.id), ...describeError(outcome.error) });
      else counts[outcome.status]++;
      progress.step();
    }
    await next.finish();
  } catch (error) {
    for (const { id, message, code } of failed) remark(options, `  ${id}: ${message} (${code})`);
    throw error;
  } finally {
    progress.stop();
    await next.close();
  }
  return counts;
}
