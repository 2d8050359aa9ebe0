/** `blindsight migrate`. @module */
import type { Ranking } from '../../protocol/messages.ts';
import { whoLearnsWhat } from '../leakage.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';
import { makeNext } from './reindex.ts';

interface Options extends OpenOptions {
  readonly ranking: Ranking;
}

export async function migrate(folder: string, options: Options): Promise<void> {
  const signal = stopSignal();
  const { ranking } = options;
  await withLibrary(folder, options, async (library) => {
    const { vocabulary, index } = library;
    if (index.ranking === ranking) {
      answer(options, { ranking, migrated: 0, kept: 0 }, `The ranking is ${ranking} already.`);
      return;
    }
    const { done, kept } = await makeNext(library, vocabulary, { ...index, ranking }, options, signal);
    answer(
      options,
      { ranking, migrated: done, kept },
      `${done} images changed over, ${kept} were done before. What a server has seen before, it may have kept.

${whoLearnsWhat(ranking)}`,
    );
  });
}
