/**
 * A whole program: puts photos into an encrypted library, and finds the ones most like a picture.
 *
 *     node examples/node/search.mjs PHOTOS PICTURE
 *
 * The library lies in a temporary folder and is deleted in the end; in a program of your own it stays.
 */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addImages, createLibrary, fromHex, openLibrary } from 'blindsight/node';

const [photos, picture] = process.argv.slice(2);
if (photos === undefined || picture === undefined) {
  console.error('usage: node search.mjs PHOTOS PICTURE');
  process.exit(2);
}

const work = await mkdtemp(join(tmpdir(), 'blindsight-example-'));
try {
  const folder = join(work, 'photos.blind');
  const passphrase = 'a passphrase that only you know';
  // These words open the library without the passphrase. Nobody can show them again.
  const recoveryWords = await createLibrary(folder, passphrase);
  console.log(`recovery words: ${recoveryWords.split(' ').slice(0, 2).join(' ')} ... (24)`);

  const library = await openLibrary(folder, { opener: { passphrase } });
  try {
    const names = (await readdir(photos)).filter((name) => /\.(jpe?g|png)$/i.test(name)).sort();
    const sources = names.map((name) => ({ name, read: () => readFile(join(photos, name)) }));
    for await (const { source, status, error } of addImages(library.client, sources))
      if (status === 'failed') console.log(`not added: ${source.name}: ${error.message}`);

    const query = await library.client.query(await readFile(picture));
    // The prefilter is for libraries of thousands: a few photos are better ranked whole.
    const { matches, candidates, records } = await library.client.search(query, { k: 3, scan: true });
    console.log(`the server ranked ${candidates} of ${records} images, and saw none of them`);
    for (const { id, name, score } of matches) {
      const bytes = await library.client.open(fromHex(id));
      console.log(`${score.toFixed(3)}  ${name}  ${bytes.length} bytes`);
    }
  } finally {
    await library.close();
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
