/**
 * `blindsight dedupe`: pictures of a library that are the same, or nearly. Codes come from the sealed records, so no picture is
 * opened, but to compare pixels (`--exact`), and to see that what is kept can be opened before anything is removed.
 * @module
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { loadDecoders } from '../../adapters/decoders.ts';
import type { Library } from '../../adapters/library.ts';
import { loadKernels } from '../../adapters/package-files.ts';
import { toHex } from '../../base/bytes.ts';
import { RetrievalError } from '../../base/errors.ts';
import { isFatal } from '../../client/failures.ts';
import { DUPLICATE_DISTANCE, groupDuplicates, type DuplicateGroup } from '../../client/near-duplicates.ts';
import { ImageReader } from '../../image/decode.ts';
import { inKeepOrder, pathOf, type KeepRule, type Stored } from '../keep-rules.ts';
import { stopSignal, withLibrary, type OpenOptions } from '../open.ts';
import { answer, describeError, size } from '../output.ts';
import { startProgress, type Progress } from '../progress.ts';
import { readPictures } from '../stored-pictures.ts';

interface Options extends OpenOptions {
  readonly keep: KeepRule;
  readonly exact?: boolean;
  /** Share of the code's bits. */
  readonly distance?: number;
  readonly remove?: boolean;
}

/** One picture of a group, as it is answered. */
interface Listed {
  readonly id: string;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

interface Failure {
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

export async function dedupe(folder: string, options: Options): Promise<void> {
  const { exact = false, remove = false, keep } = options;
  if (exact && options.distance !== undefined) throw new RangeError('"--distance" expected without --exact, got both');
  const signal = stopSignal();
  await withLibrary(folder, { ...options, readOnly: !remove }, async (library) => {
    const { client } = library;
    const quiet = options.json === true;
    const { pictures, unindexed } = await readPictures(client, quiet, signal);
    const ordered = inKeepOrder(pictures, keep);
    const { codeBytes, bits } = client.vocabulary;
    const share = exact ? 0 : (options.distance ?? DUPLICATE_DISTANCE);
    const codes = new Uint8Array(ordered.length * codeBytes);
    ordered.forEach(({ record }, i) => codes.set(record.code, i * codeBytes));
    let groups = await finish(
      groupDuplicates(await loadKernels(), codes, codeBytes, Math.floor(share * bits)),
      startProgress('compare', ordered.length, 'images', quiet),
      signal,
    );
    const failed: Failure[] = [];
    if (exact) groups = await withEqualPixels(library, ordered, groups, failed, quiet, signal);

    let removed = 0;
    if (remove) {
      const removing = startProgress('remove', groups.length, 'groups', quiet);
      for (const { keep: kept, others } of groups) {
        if (signal.aborted) break;
        const { id } = ordered[kept]!;
        try {
          // What is kept must be there, and open, before its copies go.
          await client.open(id);
          removed += await client.remove(others.map(({ index }) => ordered[index]!.id));
        } catch (error) {
          if (isFatal(error)) throw error;
          failed.push({ id: toHex(id), ...describeError(error) });
        }
        removing.step();
      }
      removing.stop();
    }
    const answered = groups.map((group) => ({
      keep: list(ordered[group.keep]!),
      others: group.others.map(({ index, distance }) => ({
        ...list(ordered[index]!),
        distance: Number((distance / bits).toFixed(4)),
      })),
    }));
    const duplicates = answered.reduce((sum, { others }) => sum + others.length, 0);
    const bytes = answered.reduce((sum, { others }) => others.reduce((inner, other) => inner + other.bytes, sum), 0);
    const summary = `${duplicates} duplicates in ${answered.length} groups, ${size(bytes)}, among ${pictures.length} images`;
    answer(
      options,
      {
        ...{ images: pictures.length, unindexed, distance: share, keep },
        ...{ groups: answered, duplicates, bytes, removed, failed, stopped: signal.aborted },
      },
      [
        ...answered.map(
          ({ keep: kept, others }) =>
            `keep    ${describe(kept)}\n${others.map((other) => `  ${remove ? 'gone ' : 'other'} ${describe(other)}, ${(100 * other.distance).toFixed(1)} % of the bits differ`).join('\n')}`,
        ),
        ...failed.map(({ id, message, code }) => `not done: ${id}: ${message} (${code})`),
        '',
        remove
          ? `${summary}; ${removed} removed${signal.aborted ? '; stopped' : ''}`
          : `${summary}${duplicates > 0 ? '. Nothing is removed without --remove.' : ''}`,
      ].join('\n'),
    );
    if (failed.length > 0 || signal.aborted) process.exitCode = 1;
  });
}

/** Runs the steps to their end; now and then the process gets to hear signals. */
async function finish<T>(steps: Generator<void, T, void>, progress: Progress, signal: AbortSignal): Promise<T> {
  for (let i = 1; ; i++) {
    const step = steps.next();
    if (step.done === true) {
      progress.stop();
      return step.value;
    }
    progress.step();
    if (i % 256 !== 0) continue;
    await setImmediate();
    if (signal.aborted) throw stopped();
  }
}

/** Of pictures with equal codes, those whose upright pixels are equal too. */
async function withEqualPixels(
  { client }: Library,
  pictures: readonly Stored[],
  groups: readonly DuplicateGroup[],
  failed: Failure[],
  quiet: boolean,
  signal: AbortSignal,
): Promise<DuplicateGroup[]> {
  const reader = new ImageReader(await loadKernels(), await loadDecoders());
  const total = groups.reduce((sum, { others }) => sum + 1 + others.length, 0);
  const progress = startProgress('pixels', total, 'images', quiet);
  const out: DuplicateGroup[] = [];
  for (const { keep, others } of groups) {
    const byPixels = new Map<string, number[]>();
    for (const index of [keep, ...others.map((other) => other.index)]) {
      if (signal.aborted) throw stopped();
      const { id } = pictures[index]!;
      try {
        const { width, height, data } = await reader.readWhole(await client.open(id));
        const name = createHash('sha256').update(`${width} ${height} `).update(data).digest('hex');
        byPixels.set(name, [...(byPixels.get(name) ?? []), index]);
      } catch (error) {
        if (isFatal(error)) throw error;
        failed.push({ id: toHex(id), ...describeError(error) });
      }
      progress.step();
    }
    // Within a group the earlier number is kept, and they come in that order from a distance of 0.
    for (const [first, ...rest] of byPixels.values())
      if (rest.length > 0) out.push({ keep: first!, others: rest.map((index) => ({ index, distance: 0 })) });
  }
  progress.stop();
  return out;
}

function stopped(): RetrievalError {
  return new RetrievalError('cancelled', 'stopped; nothing was removed');
}

function list({ id, record }: Stored): Listed {
  const { width, height, fileBytes } = record;
  return { id: toHex(id), path: pathOf({ id, record }), width, height, bytes: fileBytes };
}

function describe({ id, path, width, height, bytes }: Listed): string {
  return `${path}  ${id}  ${width} x ${height}, ${size(bytes)}`;
}
