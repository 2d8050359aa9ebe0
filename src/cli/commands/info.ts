/** `blindsight info`. @module */
import { toHex } from '../../base/bytes.ts';
import type { IndexParameters } from '../../client/index-parameters.ts';
import { FEATURES } from '../../codes/block.ts';
import { withLibrary, type OpenOptions } from '../open.ts';
import { answer, size } from '../output.ts';
import { describePrefilter } from '../prefilter-options.ts';

export async function info(folder: string, options: OpenOptions): Promise<void> {
  await withLibrary(folder, { ...options, readOnly: true }, async ({ client, vocabulary, index }) => {
    const { images, blobBytes, sequence, generations } = await client.info();
    const active = generations.find(({ state }) => state === 'active');
    const pending = generations.find(({ state }) => state === 'pending');
    const vocabularyId = toHex(vocabulary.fingerprint);
    const bits = FEATURES.map((feature) => `${feature} ${vocabulary.blocks[feature].bits}`).join(', ');
    answer(
      options,
      {
        images,
        ranking: index.ranking,
        vocabulary: vocabularyId,
        model: vocabulary.model.id,
        bytes: blobBytes,
        bits: vocabulary.bits,
        centroids: vocabulary.centroids.length / vocabulary.bits,
        records: active?.records ?? 0,
        vectorDims: active?.vectorDims ?? 0,
        sequence,
        index,
        pending: pending?.records ?? null,
      },
      [
        `images      ${images}`,
        `ranking     ${index.ranking}`,
        `vocabulary  ${vocabularyId.slice(0, 16)}  ${vocabulary.origin}`,
        `model       ${vocabulary.model.id}`,
        `code        ${vocabulary.bits} bits (${bits})`,
        `index       ${describeIndex(index)}`,
        `bytes       ${size(blobBytes)} of encrypted images`,
        ...(pending === undefined
          ? []
          : [`reindex     ${pending.records} of ${images} done; blindsight reindex goes on`]),
      ].join('\n'),
    );
  });
}

/** What the server stores of a code, in the parameters that count for it. */
function describeIndex({ ranking, prefilter, noise, split, vectors = 'f32' }: IndexParameters): string {
  if (ranking === 'client') return 'sealed records only';
  const tokens = describePrefilter(prefilter);
  return ranking === 'split' ? tokens : `${tokens}, noise ${noise}, split ${split}, vectors ${vectors}`;
}
