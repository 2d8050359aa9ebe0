/** `blindsight models`. @module */
import { modelFolder } from '../../adapters/model-folder.ts';
import { importModel, listModels, pullModel, useModel, type ImportOptions } from '../../adapters/models.ts';
import { stopSignal } from '../open.ts';
import { answer, size, type Common } from '../output.ts';
import { startProgress, type Progress } from '../progress.ts';

const MEGABYTE = 1e6;

export async function list(options: Common): Promise<void> {
  const models = await listModels();
  const rows = models.map(({ id, state, used, bytes, dims, licence, origin }) =>
    [
      used ? '*' : ' ',
      id.padEnd(24),
      state.padEnd(8),
      size(bytes).padStart(8),
      `${dims}`.padStart(5),
      licence,
      origin,
    ].join('  '),
  );
  answer(
    options,
    { folder: modelFolder(), models },
    [...rows, '', `* is the default of blindsight train. Fetched models lie in ${modelFolder()}.`].join('\n'),
  );
}

export async function pull(id: string, options: Common & { readonly from?: string }): Promise<void> {
  const signal = stopSignal();
  let progress: Progress | undefined;
  let shown = 0;
  try {
    const { entry, known } = await pullModel(id, {
      ...(options.from === undefined ? {} : { from: options.from }),
      signal,
      onProgress(received, bytes) {
        const megabytes = Math.floor(received / MEGABYTE);
        if (progress === undefined || megabytes < shown) {
          progress?.stop();
          const rest = Math.ceil((bytes - received) / MEGABYTE);
          const label = received > 0 ? `${id}, from ${size(received)}` : id;
          progress = startProgress(label, rest, 'MB', options.json === true);
          shown = megabytes;
        }
        for (; shown < megabytes; shown++) progress.step();
      },
    });
    progress?.stop();
    answer(
      options,
      { ...entry, known },
      known
        ? `${id} is here already.`
        : `${id}: ${entry.dims} numbers an image, ${entry.licence}\nblindsight models use ${id} makes it the default.`,
    );
  } finally {
    progress?.stop();
  }
}

export async function use(
  id: string,
  libraries: readonly string[],
  options: Common & { readonly vocabulary?: string },
): Promise<void> {
  const outcome = await useModel(id, options.vocabulary, libraries);
  const { vocabulary } = outcome;
  const next =
    vocabulary === undefined
      ? [
          'No vocabulary belongs to it yet, so init and reindex keep the one of this release. To make one, from public photos:',
          `  blindsight train PHOTOS -o ${id}.vocabulary`,
          `  blindsight models use ${id} --vocabulary ${id}.vocabulary`,
        ]
      : [`init and reindex take its vocabulary ${vocabulary}.`];
  const states = outcome.libraries.map(({ library, model, reindex }) =>
    reindex
      ? `${library} is indexed with ${model}, and stays so until: blindsight reindex ${library}`
      : `${library} is indexed with it.`,
  );
  if (libraries.length === 0)
    states.push(
      'A library keeps the model of its index: each one has to be indexed anew, with blindsight reindex LIBRARY.',
    );
  answer(
    options,
    { used: id, vocabulary: vocabulary ?? null, libraries: outcome.libraries },
    [`blindsight train takes ${id}.`, ...next, ...states].join('\n'),
  );
}

interface Imported extends Common {
  readonly name?: string;
  readonly output?: string;
  readonly side?: number;
  readonly bgr?: boolean;
}

export async function importFile(file: string, options: Imported): Promise<void> {
  const { name, output, side, bgr } = options;
  const wanted: ImportOptions = {
    ...(name === undefined ? {} : { id: name }),
    ...(output === undefined ? {} : { output }),
    ...(side === undefined ? {} : { inputSide: side }),
    ...(bgr === true ? { channels: 'bgr' as const } : {}),
  };
  const entry = await importModel(file, wanted);
  answer(
    options,
    entry,
    `${entry.id}: input ${entry.input}, ${entry.inputSide} pixels (${entry.inputFit}); output ${entry.output}, ${entry.dims} numbers; SHA-256 ${entry.sha256}`,
  );
}
