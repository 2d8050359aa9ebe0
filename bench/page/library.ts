/**
 * A library of many small pictures, made fast: crops of the sample photos, each file with a number of its own behind its end, under codes that
 * are drawn. All of it is sealed and stored as a real `add` does; what is left out is the network that describes pictures.
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadJpegEncoder } from '../../src/adapters/jpeg-encoder.ts';
import { loadDecoders } from '../../src/adapters/decoders.ts';
import { createLibrary, openLibrary } from '../../src/adapters/library.ts';
import { loadKernels } from '../../src/adapters/package-files.ts';
import { concat, utf8 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { imageVersion } from '../../src/client/client.ts';
import { MAX_THUMBNAIL_BYTES } from '../../src/crypto/image-cipher.ts';
import { ImageReader } from '../../src/image/decode.ts';
import type { Image } from '../../src/image/image.ts';
import { Pixels } from '../../src/image/pixels.ts';
import { makeThumbnail } from '../../src/image/thumbnail.ts';

const PHOTOS = join(import.meta.dirname, '..', '..', '..', 'examples', 'photos');
/** Crops of each photo. */
const CROPS = 16;
/** Share of a photo's sides that a crop has. */
const CROP = 0.7;
/** One picture in so many is nearly the same as the one before it. */
const COPY_EVERY = 100;
/** Images in one message. */
const BATCH = 200;

/** @param folder - Must not hold a library. */
export async function makeManyPictures(folder: string, passphrase: string, count: number): Promise<void> {
  // What the passphrase costs is measured elsewhere.
  await createLibrary(folder, passphrase, { key: { cost: { memoryKib: 8, passes: 1, lanes: 1 } } });
  const library = await openLibrary(folder, { opener: { passphrase } });
  try {
    const { client, vocabulary } = library;
    const random = seededRandom(1);
    const small = await smallPictures(random);
    let code = new Uint8Array(0);
    for (let at = 0; at < count; at += BATCH) {
      const items = [];
      for (let i = at; i < Math.min(count, at + BATCH); i++) {
        const { image, jpeg } = small[i % small.length]!;
        const file = concat(jpeg, utf8(String(i)));
        const id = await client.identify(file);
        if (i % COPY_EVERY === 0 && i > 0) code = code.map((byte) => (random() < 0.02 ? byte ^ 1 : byte));
        else code = Uint8Array.from({ length: vocabulary.codeBytes }, () => random() * 256);
        const record = client.prepareRecord(id, {
          ...{ indexed: true, fingerprint: vocabulary.fingerprint, code, imageVersion: imageVersion(jpeg) },
          ...{ name: `IMG_${String(i).padStart(5, '0')}.jpg`, fileBytes: file.length, type: 'jpeg' },
          ...{ width: image.width, height: image.height, addedAt: 1.7e12 + 1000 * i, modifiedAt: 0 },
        });
        items.push({ ...record, ...(await client.sealImage(id, file, jpeg)) });
      }
      await client.put(items);
    }
  } finally {
    await library.close();
  }
}

async function smallPictures(random: () => number): Promise<{ image: Image; jpeg: Uint8Array }[]> {
  const kernels = await loadKernels();
  const reader = new ImageReader(kernels, await loadDecoders());
  const [pixels, encode] = [new Pixels(kernels), await loadJpegEncoder()];
  const made: { image: Image; jpeg: Uint8Array }[] = [];
  for (const name of (await readdir(PHOTOS)).filter((each) => each.endsWith('.jpg'))) {
    const { image } = await reader.read(await readFile(join(PHOTOS, name)));
    for (let i = 0; i < CROPS; i++) {
      const part = crop(image, random);
      const jpeg = await makeThumbnail(pixels, encode, part, MAX_THUMBNAIL_BYTES);
      if (jpeg !== undefined) made.push({ image: part, jpeg });
    }
  }
  return made;
}

function crop({ width, height, data }: Image, random: () => number): Image {
  const [w, h] = [Math.floor(CROP * width), Math.floor(CROP * height)];
  const [x, y] = [Math.floor(random() * (width - w)), Math.floor(random() * (height - h))];
  const out = new Uint8Array(3 * w * h);
  for (let row = 0; row < h; row++) {
    const from = 3 * ((y + row) * width + x);
    out.set(data.subarray(from, from + 3 * w), 3 * row * w);
  }
  return { width: w, height: h, data: out };
}
