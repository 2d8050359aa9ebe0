/** `blindsight demo`. @module */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLibrary, openLibrary, type Library } from '../../adapters/library.ts';
import { fromHex, toHex } from '../../base/bytes.ts';
import { RetrievalError } from '../../base/errors.ts';
import { verifyLibrary } from '../../client/verify-library.ts';
import { writeContactSheet } from '../contact-sheet.ts';
import { whoLearnsWhat } from '../leakage.ts';
import { answer, remark, size, type Common } from '../output.ts';
import { ALTERATIONS, alter } from '../variants.ts';
import { walk } from '../walk.ts';
import { addPaths } from './add.ts';
import { describeResult } from './search.ts';

interface Options extends Common {
  readonly out?: string;
}

/** From build/src/cli/commands, the package's root is four folders up. */
const SAMPLES = new URL('../../../../examples/photos/', import.meta.url);

/** Runs the whole method on photos in a temporary library, which is deleted in the end; the contact sheet stays. */
export async function demo(folder: string | undefined, options: Options): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'blindsight-demo-'));
  try {
    const { photos, makeQueries } = folder === undefined ? await samplePhotos(work) : await ownPhotos(folder);
    const passphrase = randomBytes(16).toString('hex');
    const path = join(work, 'library');
    await createLibrary(path, passphrase);
    let up = 0;
    let down = 0;
    const library = await openLibrary(path, {
      opener: { passphrase },
      tap(request, response) {
        up += request.length;
        down += response.length;
      },
    });
    try {
      const start = performance.now();
      const added = await addPaths(library, [photos], options);
      const seconds = (performance.now() - start) / 1000;
      remark(
        options,
        `1. Added ${added.added} photos in ${seconds.toFixed(1)} s; the server got ${size(up)} of ciphertext.` +
          added.failed
            .map((failure) => `\n   not added: ${failure.path}: ${failure.message} (${failure.code})`)
            .join(''),
      );
      if (added.added + added.known === 0)
        throw new RetrievalError('empty-library', `no photo in ${folder ?? 'the samples'} could be added`);

      // Without a photo that was added there is nothing to search with.
      const queries = await makeQueries(new Set(added.failed.map(({ path }) => path)));
      const found = await searchAll(library, queries);
      if (folder === undefined)
        remark(
          options,
          `2. Searched with ${queries.length} altered copies that are not in the library: ${found.first} found a picture of the same photo first.`,
        );
      up = down = 0;
      const shown = queries.find(({ name }) => name.startsWith('coffee')) ?? queries[0]!;
      const result = await library.client.search(await library.client.query(shown.bytes));
      remark(
        options,
        `   For ${shown.name}, with ${size(up)} up and ${size(down)} down:\n${indent(describeResult(result))}`,
      );
      const out = options.out ?? (await mkdtemp(join(tmpdir(), 'blindsight-found-')));
      const sheet = await writeContactSheet(out, library.client, shown, result);

      const restored = await restoreAll(library, photos);
      const { faults } = await verifyLibrary(library.client);
      remark(
        options,
        `3. Decrypted all ${restored} photos: each equals its file, byte for byte. Verify found ${faults.length} faults.`,
      );

      const best = result.matches[0]!;
      const saw = await whatTheServerSaw(library, fromHex(best.id)!);
      const record = await library.client.record(fromHex(best.id)!);
      const text = `4. The best match, as each side sees it:
   server   id ${best.id}, ${size(saw.bytes)} of ciphertext
            ${saw.hex} ...
   client   ${best.path}, ${record.width} x ${record.height} ${record.type}, ${size(record.fileBytes)}

${whoLearnsWhat(library.index.ranking)}

Contact sheet: ${sheet}`;
      answer(
        options,
        {
          added: added.added,
          failed: added.failed,
          queries: queries.length,
          sameFirst: folder === undefined ? found.first : null,
          restored,
          faults: faults.length,
          matches: result.matches,
          server: saw,
          sheet,
        },
        text,
      );
    } finally {
      await library.close();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Picture {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface Photos {
  /** Folder of what is added. */
  readonly photos: string;
  /**
   * What is searched with: at least one picture.
   * @param failed - Paths of files that could not be added; not all of them.
   */
  makeQueries(failed: ReadonlySet<string>): Promise<Picture[]>;
}

/** The samples with altered copies beside them; of each photo one alteration is kept out, to search with. */
async function samplePhotos(work: string): Promise<Photos> {
  const photos = join(work, 'photos');
  await mkdir(photos);
  const queries: Picture[] = [];
  const names = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).sort();
  for (const [i, name] of names.entries()) {
    const bytes = await readFile(new URL(name, SAMPLES));
    const stem = name.replace('.jpg', '');
    await writeFile(join(photos, name), bytes);
    for (const [j, alteration] of ALTERATIONS.entries()) {
      const copy = { name: `${stem}-${alteration}.jpg`, bytes: await alter(bytes, alteration) };
      if (j === i % ALTERATIONS.length) queries.push(copy);
      else await writeFile(join(photos, copy.name), copy.bytes);
    }
  }
  return { photos, makeQueries: async () => queries };
}

async function ownPhotos(folder: string): Promise<Photos> {
  const { found, unreadable } = await walk([folder]);
  if (found.length === 0) throw unreadable[0]?.error ?? new RetrievalError('not-found', `no photo in ${folder}`);
  return {
    photos: folder,
    async makeQueries(failed) {
      const { path, name } = found.find((file) => !failed.has(file.path))!;
      return [{ name: name.split('/').at(-1)!, bytes: await readFile(path) }];
    },
  };
}

/** How many queries find a picture of their own photo first. */
async function searchAll({ client }: Library, queries: readonly Picture[]): Promise<{ first: number }> {
  let first = 0;
  for (const { name, bytes } of queries) {
    const { matches } = await client.search(await client.query(bytes), { k: 1 });
    const photo = name.slice(0, name.lastIndexOf('-'));
    if (matches[0]?.name.replace('.jpg', '').replace(new RegExp(`-(${ALTERATIONS.join('|')})$`), '') === photo) first++;
  }
  return { first };
}

/** Opens every image, and compares it with the files it came from. */
async function restoreAll({ client }: Library, photos: string): Promise<number> {
  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const files = new Set<string>();
  for (const { path } of (await walk([photos])).found) files.add(hash(await readFile(path)));
  let restored = 0;
  for await (const { id } of client.list()) {
    if (!files.has(hash(await client.open(id))))
      throw new RetrievalError('decrypt-failed', 'a decrypted photo is not equal to its file');
    restored++;
  }
  return restored;
}

async function whatTheServerSaw({ client }: Library, id: Uint8Array): Promise<{ bytes: number; hex: string }> {
  const { total, bytes } = await client.sealedPart(id, 0, 4096);
  return { bytes: total, hex: toHex(bytes.subarray(-32)) };
}

function indent(text: string): string {
  return text.replace(/^/gm, '   ');
}
