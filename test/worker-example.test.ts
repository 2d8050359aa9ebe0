/** `examples/worker` in workerd: a library published to a bucket is searched and opened by a real client. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startWorker } from '../bench/edge/worker.ts';
import { createHttpTransport } from '../src/client/http-transport.ts';
import { toHex } from '../src/base/bytes.ts';
import { createCredential, formatCredentials } from '../src/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { answerOf, blindsight, temporaryFolder } from './command.ts';
import { makeLibrary } from './small-library.ts';

const test = suite('worker');
const folder = await temporaryFolder();
test.after(() => folder.remove());

test('published, searched, opened; strangers and writers are refused', async () => {
  const [store, edition] = [join(folder.path, 'store'), join(folder.path, 'edition')];
  const library = await makeLibrary(12, 8, undefined, openLmdbStore(store));
  const published = await answerOf<{ images: number; editionBytes: number }>(['publish', store, edition]);
  assert.equal(published, { images: 12, editionBytes: (await stat(join(edition, 'edition'))).size });
  const again = await blindsight(['publish', store, edition]);
  assert.equal([again.code, /\((.*)\)\n$/.exec(again.stderr)?.[1]], [1, 'library-exists']);
  const objects: Record<string, Uint8Array> = { edition: await readFile(join(edition, 'edition')) };
  for (const name of await readdir(join(edition, 'blobs')))
    objects[`blobs/${name}`] = await readFile(join(edition, 'blobs', name));
  const { credential, token } = createCredential('anna', 'owner');
  const worker = await startWorker(objects, formatCredentials([credential]));
  try {
    const transport = createHttpTransport(worker.url.href, { token, attempts: 1 });
    const client = library.reopen();
    library.setMangle((request) => transport(request));
    for (const scan of [false, true]) {
      const { matches } = await client.search(await client.query(library.files[5]!), { k: 3, scan });
      assert.is(matches[0]!.id, toHex(library.ids[5]!));
    }
    assert.equal(await client.open(library.ids[4]!), library.files[4]!);
    assert.is(await client.remove([library.ids[0]!]).catch((error: { code: string }) => error.code), 'forbidden');
    assert.is((await fetch(new URL('/v0/messages', worker.url), { method: 'POST' })).status, 401);
    const part = await fetch(new URL(`/v0/blobs/${toHex(library.ids[1]!)}`, worker.url), {
      headers: { authorization: `Bearer ${token}`, range: 'bytes=0-9' },
    });
    assert.is(part.status, 206);
    assert.is((await part.arrayBuffer()).byteLength, 10);
    client.close();
  } finally {
    await worker.stop();
    await library.close();
  }
});

test.run();
