/**
 * What is written in and about photos must not be found where it does not belong: photos with EXIF camera, owner and place go through a
 * real library over HTTP, and then every byte that the server stored, received, sent and logged is searched, and so are errors.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLibrary, openKeyFile, openLibrary } from '../src/adapters/library.ts';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { addImages } from '../src/client/add-images.ts';
import { createHttpTransport } from '../src/client/http-transport.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import { createCredential, createHandler, createServer, type LogEntry } from '../src/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { blindsight, hasten, temporaryFolder } from './command.ts';
import { scene } from './photos.ts';
import { kernels } from './support.ts';

const QUICK = { cost: { memoryKib: 64, passes: 1, lanes: 1 } };
const PASSPHRASE = 'a passphrase to be searched for';
const NAME = 'holiday-on-the-island';
const CAMERA = 'Zyxwvut Cameraworks Model 7';
const OWNER = 'Wilhelmina Quackenbush';
const PLACE = '54.123456,10.654321';
/** No photo has these by chance. */
const [WIDTH, HEIGHT] = [733, 541];

const test = suite('secrets');
const folder = await temporaryFolder();
test.after(() => folder.remove());

async function photo(shade: number): Promise<Uint8Array> {
  const made = sharp(
    scene(WIDTH, HEIGHT).map((value) => value ^ shade),
    { raw: { width: WIDTH, height: HEIGHT, channels: 3 } },
  );
  const exif = {
    IFD0: { Make: CAMERA, Artist: OWNER, ImageDescription: PLACE },
    IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '54/1 7/1 2443/100', GPSMapDatum: PLACE },
  };
  return new Uint8Array(await made.jpeg().withExif(exif).toBuffer());
}

/** Two u32 one after another, as the record holds them. */
function dimensions(): Buffer {
  const out = Buffer.alloc(8);
  out.writeUInt32LE(WIDTH);
  out.writeUInt32LE(HEIGHT, 4);
  return out;
}

/** In the forms in which it could slip out. */
function textForms(text: string): Buffer[] {
  return [
    Buffer.from(text),
    Buffer.from(text, 'utf16le'),
    Buffer.from(Buffer.from(text).toString('hex')),
    Buffer.from(Buffer.from(text).toString('base64').slice(0, -4)),
  ];
}

const photos = await Promise.all([0, 3, 9].map(photo));

test('the photos have what is searched for', () => {
  for (const file of photos)
    for (const text of [CAMERA, OWNER, PLACE]) assert.ok(Buffer.from(file).includes(text), text);
});

for (const ranking of ['server', 'client'] as const)
  test(`${ranking}: nothing of a photo is in the store, the messages, the log or an error`, async () => {
    const path = join(folder.path, `library-${ranking}`);
    const storePath = join(folder.path, `store-${ranking}`);
    const log: LogEntry[] = [];
    const seen: Uint8Array[] = [];
    const { token, credential } = createCredential('anna', 'owner');
    const server = createServer({ store: openLmdbStore(storePath), kernels });
    const handler = createHandler(server, { credentials: () => [credential], log: (entry) => log.push(entry) });
    const remote = {
      url: 'http://store.invalid',
      transport: createHttpTransport('http://store.invalid', {
        token,
        attempts: 1,
        fetch: (input, init) => handler.fetch(new Request(input, init)),
      }),
    };
    const words = await createLibrary(path, PASSPHRASE, { key: QUICK, remote, index: { ...DEFAULT_INDEX, ranking } });
    const errors: string[] = [];
    const library = await openLibrary(path, {
      opener: { passphrase: PASSPHRASE },
      remote,
      tap: (request, response) => seen.push(request, response),
    });
    const { client } = library;
    const ids: string[] = [];
    const sources = photos.map((file, i) => ({
      name: `${NAME}-${i}.jpg`,
      path: `${NAME}/${i}.jpg`,
      read: async () => file,
    }));
    for await (const outcome of addImages(client, sources)) if (outcome.status === 'added') ids.push(outcome.id);
    assert.is(ids.length, photos.length);
    const record = await client.record(fromHex(ids[0]!)!);
    await client.search(await client.query(photos[1]!), { k: 2 });
    await client.search(await client.queryStored(fromHex(ids[2]!)!), { k: 2, scan: true });
    await client.open(fromHex(ids[0]!)!);
    await client.remove([fromHex(ids[1]!)!]);
    const damaged = photos[0]!.slice(0, 3000);
    for (const work of [
      () => client.query(damaged),
      () => client.record(new Uint8Array(16)),
      () => client.open(new Uint8Array(16)),
      () => server.handle(seen[0]!.subarray(0, 20)),
      () => openLibrary(path, { opener: { passphrase: `${PASSPHRASE}!` }, remote }),
    ])
      await work().catch((error: Error) => errors.push(`${error.message}\n${error.stack}\n${String(error.cause)}`));
    assert.is(errors.length, 4, 'the server itself never rejects');
    await library.close();
    await server.close();

    const stored = await Promise.all((await readdir(storePath)).map((name) => readFile(join(storePath, name))));
    const places: Record<string, Buffer[]> = {
      store: stored,
      messages: seen.map((message) => Buffer.from(message)),
      log: [Buffer.from(JSON.stringify(log))],
      errors: errors.map((error) => Buffer.from(error)),
    };
    for (const [name, buffers] of Object.entries(places))
      assert.ok(
        buffers.some(({ length }) => length > 0),
        name,
      );
    const libraryKey = Buffer.from(
      await openKeyFile(await readFile(join(path, 'client', 'key')), { passphrase: PASSPHRASE }),
    );
    const keyParts = [libraryKey.subarray(0, 32), libraryKey.subarray(32)];
    const needles: [string, Buffer][] = [
      ...keyParts.flatMap((part) => [
        ['library key', part.subarray(0, 12)] as [string, Buffer],
        ['library key, hex', Buffer.from(part.toString('hex').slice(0, 24))] as [string, Buffer],
        ['library key, base64', Buffer.from(part.toString('base64').slice(0, 20))] as [string, Buffer],
      ]),
      ...[NAME, CAMERA, OWNER, PLACE, PASSPHRASE, token, words].flatMap((text) =>
        textForms(text).map((form): [string, Buffer] => [text.slice(0, 12), form]),
      ),
      ['dimensions', dimensions()],
      ['code', Buffer.from(record.code).subarray(0, 16)],
      ['pixels of the file', Buffer.from(photos[0]!).subarray(2000, 2024)],
    ];
    for (const [what, needle] of needles)
      for (const [where, buffers] of Object.entries(places))
        assert.not.ok(
          buffers.some((buffer) => buffer.includes(needle)),
          `${what} is in the ${where}`,
        );
    // Ids are the server's own names for images, and still no matter for a log.
    for (const id of ids) assert.not.ok(JSON.stringify(log).includes(id));
  });

test('the command line: errors hold nothing of a photo', async () => {
  const path = join(folder.path, 'library');
  await blindsight(['init', path, '--ranking', 'client'], { passphrase: PASSPHRASE });
  await hasten(path, PASSPHRASE);
  const broken = join(folder.path, 'broken.jpg');
  // Up to the frame header: the EXIF block is whole, the picture is not there.
  await writeFile(broken, photos[0]!.slice(0, Buffer.from(photos[0]!).indexOf(Buffer.of(0xff, 0xc0)) + 4));
  const outcomes = [
    await blindsight(['add', path, broken], { passphrase: PASSPHRASE }),
    await blindsight(['get', path, toHex(new Uint8Array(16))], { passphrase: PASSPHRASE }),
    await blindsight(['info', path], { passphrase: `${PASSPHRASE}!` }),
  ];
  for (const [i, expected] of ['corrupt-image', 'unknown-id', 'wrong-passphrase'].entries()) {
    const { stdout, stderr } = outcomes[i]!;
    assert.match(stdout + stderr, expected);
    for (const text of [CAMERA, OWNER, PLACE, PASSPHRASE]) assert.not.ok((stdout + stderr).includes(text), text);
  }
});

test.run();
