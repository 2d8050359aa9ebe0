/** `blindsight init`. @module */
import { readFile } from 'node:fs/promises';
import { createLibrary } from '../../adapters/library.ts';
import { loadVocabulary } from '../../adapters/package-files.ts';
import type { VectorFormat } from '../../base/stored-vector.ts';
import { DEFAULT_INDEX, defaultPrefilter } from '../../client/index-parameters.ts';
import { decodeVocabulary } from '../../codes/vocabulary-format.ts';
import type { Ranking } from '../../protocol/messages.ts';
import { connect, type ServerOptions } from '../connect.ts';
import { whoLearnsWhat } from '../leakage.ts';
import { answer } from '../output.ts';
import { readPassphrase } from '../passphrase.ts';
import { choosePrefilter, type PrefilterOptions } from '../prefilter-options.ts';
import { describeWords } from '../recovery-words.ts';
import { readError } from '../walk.ts';

interface Options extends ServerOptions, PrefilterOptions {
  readonly passphraseFile?: string;
  readonly vocabulary?: string;
  readonly ranking?: Ranking;
  readonly noise?: number;
  readonly split?: number;
  readonly vectors?: VectorFormat;
}

export async function init(folder: string, options: Options): Promise<void> {
  const vocabulary =
    options.vocabulary === undefined ? (await loadVocabulary()).bytes : await readVocabularyFile(options.vocabulary);
  const prefilter = choosePrefilter(defaultPrefilter(decodeVocabulary(vocabulary)), options);
  const passphrase = await readPassphrase(options.passphraseFile, 'New passphrase: ', true);
  const remote = options.server === undefined ? undefined : await connect(options.server, options);
  const { ranking, noise, split, vectors } = { ...DEFAULT_INDEX, ...options };
  const words = await createLibrary(folder, passphrase, {
    vocabulary,
    index: { ranking, prefilter, noise, split, vectors },
    ...(remote === undefined ? {} : { remote }),
  });
  answer(
    options,
    {
      library: folder,
      ranking,
      recoveryWords: words,
      ...(remote === undefined ? {} : { server: remote.url }),
    },
    `Made ${folder}${remote === undefined ? '' : `, its store on ${remote.url}`}.

${whoLearnsWhat(ranking)}

${describeWords(words)}`,
  );
}

/** Bytes of a vocabulary file that the user named. */
export async function readVocabularyFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw readError(path, error);
  });
}
