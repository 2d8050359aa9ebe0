/** `blindsight search`. @module */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Library } from '../../adapters/library.ts';
import { fromHex } from '../../base/bytes.ts';
import { RetrievalError } from '../../base/errors.ts';
import type { Query, SearchResult } from '../../client/client.ts';
import { FEATURES } from '../../codes/block.ts';
import type { WeightRule } from '../../codes/fusion.ts';
import { writeContactSheet } from '../contact-sheet.ts';
import { parseId, withLibrary, type OpenOptions } from '../open.ts';
import { answer } from '../output.ts';
import { readError } from '../walk.ts';

interface Options extends OpenOptions {
  readonly k: number;
  readonly out?: string;
  readonly probes?: number;
  readonly scan?: boolean;
  readonly weights: WeightRule;
}

/** A picture to search with: its file's bytes, and the query made of it. */
export interface QueryPicture {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly query: Query;
}

export async function search(folder: string, image: string, options: Options): Promise<void> {
  await withLibrary(folder, { ...options, readOnly: true }, async (library) => {
    if ((await library.client.info()).images === 0)
      throw new RetrievalError('empty-library', 'the library holds no image yet: blindsight add puts some in');
    const picture = await readQuery(library, image, options.weights);
    const { k, probes, scan = false, weights: rule } = options;
    const result = await library.client.search(picture.query, {
      k,
      scan,
      rule,
      ...(probes === undefined ? {} : { probes }),
    });
    const sheet =
      options.out === undefined ? undefined : await writeContactSheet(options.out, library.client, picture, result);
    answer(
      options,
      { query: picture.name, ...result, ...(sheet === undefined ? {} : { sheet }) },
      describeResult(result) + (sheet === undefined ? '' : `\nContact sheet: ${sheet}`),
    );
  });
}

/** A file, or else the id of a stored image. */
async function readQuery({ client }: Library, image: string, rule: WeightRule): Promise<QueryPicture> {
  const isFile = await stat(image).then(
    (info) => info.isFile(),
    () => false,
  );
  if (!isFile && fromHex(image)?.length === 16) {
    const id = parseId(image);
    const { name } = await client.record(id);
    return { name, bytes: await client.open(id), query: await client.queryStored(id, rule) };
  }
  const bytes = await readFile(image).catch((error: unknown) => {
    throw readError(image, error);
  });
  return { name: basename(image), bytes, query: await client.query(bytes, rule) };
}

/** A table for people: rank, score, what each feature adds, whether it looks like a copy of the query, name and id. */
export function describeResult({
  matches,
  weights,
  candidates,
  records,
  damaged,
  near,
  missing,
}: SearchResult): string {
  const lines = [
    `${candidates} of ${records} images ranked; weights ${FEATURES.map((f) => `${f} ${weights[f].toFixed(2)}`).join(', ')}`,
    '',
    `      score  ${FEATURES.map((feature) => feature.padStart(6)).join(' ')}`,
    ...matches.map(
      ({ id, path, score, features, copy }, i) =>
        `${String(i + 1).padStart(4)}  ${score.toFixed(3)}  ${FEATURES.map((f) => features[f].toFixed(3).padStart(6)).join(' ')}  ${copy > 0 ? 'copy  ' : ''}${path}  ${id}`,
    ),
  ];
  if (matches.length === 0)
    lines.push('No image shares a bucket with this one. --scan or more --probes looks further.');
  else if (!near) lines.push('', 'Nothing here is nearer than unrelated pictures are: these are guesses.');
  if (damaged > 0)
    lines.push('', `Left out, since they cannot be opened: ${damaged} records. blindsight verify names them.`);
  if (missing !== undefined)
    lines.push(
      '',
      `${missing} images of the library were not looked at: the server does not hand them out. blindsight verify says more.`,
    );
  return lines.join('\n');
}
