/** Thumbnails: what they are, and what becomes of them in a library. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createJimpDecoder } from '../src/adapters/jimp-decoder.ts';
import { createJimpEncoder, loadJpegEncoder } from '../src/adapters/jpeg-encoder.ts';
import { loadDecoders } from '../src/adapters/decoders.ts';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { addImages } from '../src/client/add-images.ts';
import { repairLibrary } from '../src/client/repair-library.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { MAX_THUMBNAIL_BYTES, THUMBNAIL_HEAD_BYTES } from '../src/crypto/image-cipher.ts';
import { ImageReader } from '../src/image/decode.ts';
import { readHeader } from '../src/image/header.ts';
import { Pixels } from '../src/image/pixels.ts';
import { makeThumbnail } from '../src/image/thumbnail.ts';
import { MAX_HEADS, decodeRequest, decodeResponse, encodeFailure } from '../src/protocol/messages.ts';
import { SAMPLES } from './command.ts';
import { describe, makeLibrary } from './small-library.ts';
import { bytes, kernels } from './support.ts';

const test = suite('thumbnail');
const pixels = new Pixels(kernels);
const encoders = { sharp: await loadJpegEncoder(), jimp: await createJimpEncoder() };
const reader = new ImageReader(kernels, await loadDecoders());

/** Markers of a JPEG up to its scan. */
function markers(jpeg: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 2; jpeg[at] === 0xff && jpeg[at + 1] !== 0xda; at += 2 + (jpeg[at + 2]! << 8) + jpeg[at + 3]!)
    found.push(jpeg[at + 1]!);
  return found;
}

for (const [name, encode] of Object.entries(encoders)) {
  test(`${name}: the picture, 256 pixels at its longer side, with no metadata`, async () => {
    const { image } = await reader.read(await readFile(join(SAMPLES, 'cat.jpg')));
    const jpeg = (await makeThumbnail(pixels, encode, image, MAX_THUMBNAIL_BYTES))!;
    assert.ok(jpeg.length <= MAX_THUMBNAIL_BYTES, `${jpeg.length} bytes`);
    // 0xe1 is EXIF and XMP, 0xfe a comment; 0xe0 names the format.
    assert.equal(
      markers(jpeg).filter((marker) => (marker > 0xe0 && marker <= 0xef) || marker === 0xfe),
      [],
    );
    const small = await new ImageReader(kernels, [await createJimpDecoder()]).readWhole(jpeg);
    assert.is(Math.max(small.width, small.height), 256);
    const wanted = pixels.reduce({ ...image, channels: 3 }, small.width, small.height);
    const off = small.data.reduce((sum, value, i) => sum + Math.abs(value - wanted.data[i]!), 0) / small.data.length;
    assert.ok(off < 8, `a channel is off by ${off.toFixed(1)} of 255`);
  });

  test(`${name}: noise takes a lower quality, a tiny picture stays as small, and what cannot fit has none`, async () => {
    const noise = { width: 256, height: 256, data: bytes(3 * 256 * 256, 1) };
    const jpeg = (await makeThumbnail(pixels, encode, noise, MAX_THUMBNAIL_BYTES))!;
    assert.ok(jpeg.length <= MAX_THUMBNAIL_BYTES);
    const { width, height } = readHeader(
      (await makeThumbnail(pixels, encode, { width: 3, height: 1, data: bytes(9, 1) }, MAX_THUMBNAIL_BYTES))!,
    );
    assert.equal([width, height], [3, 1]);
    assert.is(await makeThumbnail(pixels, encode, noise, 100), undefined);
  });
}

const SMALL = bytes(5000, 9);
const withThumbnail = async (file: Uint8Array) => ({
  ...(await describe(file)),
  thumbnail: SMALL,
});
const INDEX = {
  ranking: 'server' as const,
  prefilter: { family: 'lsh' as const, tables: 4, sampledBits: 6, probes: 32 },
  noise: 1,
  split: 1,
};

test('add seals one with each image unless told not to; it is read without the image', async () => {
  const library = await makeLibrary(1, 1);
  const client = library.other(INDEX, withThumbnail);
  try {
    const added: string[] = [];
    for (const [thumbnails, file] of [
      [true, bytes(300_000, 5)],
      [false, bytes(300_000, 6)],
    ] as const)
      for await (const outcome of addImages(client, [{ name: 'a.jpg', read: () => Promise.resolve(file) }], {
        thumbnails,
      }))
        if (outcome.status === 'added') added.push(outcome.id);
    const [first, second] = added.map((id) => Buffer.from(id, 'hex'));
    let brought = 0;
    library.setMangle((request, response) => {
      const answer = decodeResponse(response);
      if (decodeRequest(request).kind !== 'heads' || answer.kind !== 'heads') return response;
      for (const head of answer.heads) brought += head!.bytes.length;
      return response;
    });
    assert.equal(await client.openThumbnail(first!), SMALL);
    assert.is(brought, THUMBNAIL_HEAD_BYTES);
    library.setMangle(undefined);
    assert.is(await client.openThumbnail(second!), undefined);
    // A picture shorter than a thumbnail has none either.
    assert.is(await client.openThumbnail(library.ids[0]!), undefined);
    assert.equal(new Uint8Array(await client.open(first!)), bytes(300_000, 5));
    assert.equal((await verifyLibrary(client)).faults, []);
    assert.equal([(await client.record(first!)).imageVersion, (await client.record(second!)).imageVersion], [1, 0]);
    assert.is(await client.remove([first!]), 1);
    assert.is(
      await client.openThumbnail(first!).catch((error: unknown) => (error as { code: string }).code),
      'unknown-id',
    );
  } finally {
    client.close();
    await library.close();
  }
});

test('verify names an altered one, and repair keeps the image; a record that is lost is made again beside it', async () => {
  const library = await makeLibrary(0, 2);
  const client = library.other(INDEX, withThumbnail);
  try {
    const good = await client.prepare(bytes(300, 1), { name: 'a' });
    const altered = await client.prepare(bytes(300, 2), { name: 'b' });
    altered.blob![100]! ^= 1;
    const lost = await client.prepare(bytes(300, 3), { name: 'c' });
    lost.sealed[50]! ^= 1;
    await client.put([good, altered, lost]);
    assert.equal(new Uint8Array(await client.open(altered.id)), bytes(300, 2));
    const { faults } = await verifyLibrary(client);
    assert.equal(
      faults.map(({ id, code }) => [id, code]).sort(),
      [altered, lost].map(({ id }) => [toHex(id), 'decrypt-failed']).sort(),
    );
    const report = await repairLibrary(client);
    assert.equal(report.faults, []);
    assert.is(report.repaired.length, 2);
    assert.is(await client.openThumbnail(altered.id), undefined);
    assert.equal(new Uint8Array(await client.open(altered.id)), bytes(300, 2));
    assert.equal([await client.openThumbnail(good.id), await client.openThumbnail(lost.id)], [SMALL, SMALL]);
  } finally {
    client.close();
    await library.close();
  }
});

test('repair seals an image anew with the thumbnail that was salvaged beside it', async () => {
  const library = await makeLibrary(0, 4);
  const client = library.other(INDEX, withThumbnail);
  try {
    const item = await client.prepare(bytes(300, 1), { name: 'a' });
    await client.put([item]);
    // The server finds its parts damaged, until they are stored anew.
    library.setMangle((request, response) => {
      const { kind } = decodeRequest(request);
      if (kind === 'put') library.setMangle(undefined);
      return kind === 'blob' || kind === 'heads'
        ? encodeFailure(new RetrievalError('corrupt-record', 'damaged'))
        : response;
    });
    const { faults, repaired } = await repairLibrary(client);
    assert.equal(faults, []);
    assert.equal(
      repaired.map(({ id, made }) => [id, made]),
      [[toHex(item.id), ['index', 'image']]],
    );
    assert.equal(await client.openThumbnail(item.id), SMALL);
    assert.is((await client.record(item.id)).imageVersion, 1);
  } finally {
    client.close();
    await library.close();
  }
});

test('several come in one message, and one that cannot be opened harms no other', async () => {
  const library = await makeLibrary(0, 5);
  const client = library.other(INDEX, withThumbnail);
  try {
    const items = await Promise.all([1, 2, 3].map((seed) => client.prepare(bytes(300, seed), { name: `${seed}` })));
    const without = await client.prepare(bytes(300, 4), { name: '4' }, { thumbnail: false });
    items[1]!.blob![100]! ^= 1;
    await client.put([...items, without]);
    let messages = 0;
    library.setMangle((_, response) => {
      messages++;
      return response;
    });
    const ids = [...items, without].map(({ id }) => id);
    const found = await client.openThumbnails([ids[0]!, bytes(16, 1), ...ids.slice(1), ids[0]!]);
    assert.is(messages, 1);
    assert.equal(
      found.map((each) => (each instanceof RetrievalError ? each.code : each)),
      [SMALL, 'unknown-id', 'decrypt-failed', SMALL, undefined, SMALL],
    );
    assert.equal(await client.openThumbnails([]), []);
    const many = Array.from({ length: MAX_HEADS + 1 }, () => ids[0]!);
    assert.instance(await client.openThumbnails(many).catch((error: unknown) => error), RangeError);
  } finally {
    client.close();
    await library.close();
  }
});

test('one of another image, or a part of one, is refused', async () => {
  const library = await makeLibrary(0, 3);
  const client = library.other(INDEX, withThumbnail);
  try {
    const [a, b] = [
      await client.prepare(bytes(300, 1), { name: 'a' }),
      await client.prepare(bytes(300, 2), { name: 'b' }),
    ];
    await client.put([a, b]);
    library.setMangle((request, response, handle) => {
      const asked = decodeRequest(request);
      return asked.kind === 'heads' ? handle({ ...asked, ids: [b.id] }) : response;
    });
    const refused = async (): Promise<void> =>
      assert.is(
        await client.openThumbnail(a.id).catch((error: unknown) => (error as { code: string }).code),
        'decrypt-failed',
      );
    await refused();
    library.setMangle((request, response, handle) => {
      const asked = decodeRequest(request);
      return asked.kind === 'heads' ? handle({ ...asked, length: THUMBNAIL_HEAD_BYTES - 1 }) : response;
    });
    await refused();
    library.setMangle(undefined);
    assert.equal(await client.openThumbnail(a.id), SMALL);
  } finally {
    client.close();
    await library.close();
  }
});

test.run();
