import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Jimp } from 'jimp';
import sharp, { type Sharp } from 'sharp';
import { createJimpDecoder } from '../src/adapters/jimp-decoder.ts';
import { createSharpDecoder } from '../src/adapters/sharp-decoder.ts';
import { RetrievalError } from '../src/base/errors.ts';
import type { Decoder } from '../src/image/decoder.ts';
import { ImageReader } from '../src/image/decode.ts';
import type { Image } from '../src/image/image.ts';
import { HEIC_HEADER, bmp, photo, pngHeader, scene, withOrientation } from './photos.ts';
import { NOT_BYTES, kernels } from './support.ts';

const test = suite('ImageReader');

const jimp = await createJimpDecoder();
const sharpDecoder = await createSharpDecoder();
if (sharpDecoder === undefined) throw new Error('these tests need sharp');

const readers: Record<string, ImageReader> = {
  jimp: new ImageReader(kernels, [jimp]),
  sharp: new ImageReader(kernels, [sharpDecoder, jimp]),
};

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RetrievalError) return error.code;
    throw error;
  }
  return 'none';
}

/** Mean absolute difference. */
function difference(a: Image, b: Image): number {
  assert.equal([a.width, a.height], [b.width, b.height]);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!);
  return sum / a.data.length;
}

const upright: Image = { width: 48, height: 32, data: scene(48, 32) };

for (const [name, reader] of Object.entries(readers)) {
  const read = async (bytes: Uint8Array): Promise<Image> => (await reader.read(bytes)).image;

  test(`${name}: every format gives the picture`, async () => {
    const lossless: Record<string, Uint8Array> = {
      png: await photo(48, 32).png().toBuffer(),
      'png, interlaced': await photo(48, 32).png({ progressive: true }).toBuffer(),
      bmp: bmp(48, 32),
      'bmp, top row first': bmp(48, 32, true),
      tiff: await photo(48, 32).tiff({ compression: 'none' }).toBuffer(),
      'tiff, lzw': await photo(48, 32).tiff({ compression: 'lzw' }).toBuffer(),
    };
    if (name === 'sharp') lossless['webp'] = await photo(48, 32).webp({ lossless: true }).toBuffer();
    for (const [format, bytes] of Object.entries(lossless)) assert.equal(await read(bytes), upright, format);
    const lossy: Record<string, Uint8Array> = {
      jpeg: await photo(48, 32).jpeg({ quality: 98, chromaSubsampling: '4:4:4' }).toBuffer(),
      'jpeg, progressive': await photo(48, 32)
        .jpeg({ quality: 98, progressive: true, chromaSubsampling: '4:4:4' })
        .toBuffer(),
      gif: await photo(48, 32).gif().toBuffer(),
    };
    if (name === 'sharp') lossy['avif'] = await photo(48, 32).avif({ quality: 90, effort: 0 }).toBuffer();
    for (const [format, bytes] of Object.entries(lossy)) {
      const off = difference(await read(bytes), upright);
      assert.ok(off < 4, `${format}: ${off}`);
    }
  });

  test(`${name}: every EXIF orientation stands upright, once`, async () => {
    // Stored pixels that the orientation turns into `upright`: sharp's own, which mirrors before it turns.
    const stored: Record<number, (image: Sharp) => Sharp> = {
      1: (image) => image,
      2: (image) => image.flop(),
      3: (image) => image.rotate(180),
      4: (image) => image.flip(),
      5: (image) => image.rotate(270).flop(),
      6: (image) => image.rotate(270),
      7: (image) => image.rotate(90).flop(),
      8: (image) => image.rotate(90),
    };
    for (let orientation = 1; orientation <= 8; orientation++) {
      const turned = await sharp(await stored[orientation]!(photo(48, 32)).png().toBuffer())
        .jpeg({ quality: 98, chromaSubsampling: '4:4:4' })
        .toBuffer();
      const { image, header } = await reader.read(withOrientation(turned, orientation));
      assert.is(header.orientation, orientation);
      const off = difference(image, upright);
      assert.ok(off < 2, `orientation ${orientation}: ${off}`);
    }
    const tiff = await photo(48, 32)
      .rotate(270)
      .withMetadata({ orientation: 6 })
      .tiff({ compression: 'none' })
      .toBuffer();
    assert.equal(await read(tiff), upright);
    const png = await photo(48, 32).rotate(270).withMetadata({ orientation: 6 }).png().toBuffer();
    assert.equal(await read(png), upright);
  });

  test(`${name}: grey, alpha, 16 bits, palette`, async () => {
    const grey = await photo(20, 10).greyscale().png().toBuffer();
    const { data } = await read(grey);
    for (let i = 0; i < 200; i++) assert.ok(data[3 * i] === data[3 * i + 1] && data[3 * i] === data[3 * i + 2]);
    assert.equal((await read(await photo(20, 10).greyscale().jpeg().toBuffer())).data.length, 600);
    // Half transparent black over white; fully transparent is white whatever its colour.
    const alpha = Uint8Array.of(0, 0, 0, 128, 10, 20, 30, 0, 1, 2, 3, 255, 255, 0, 0, 51);
    const rgba = await sharp(alpha, { raw: { width: 4, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    assert.equal([...(await read(rgba)).data], [127, 127, 127, 255, 255, 255, 1, 2, 3, 255, 204, 204]);
    const greyAlpha = await sharp(alpha, { raw: { width: 4, height: 1, channels: 4 } })
      .greyscale()
      .png()
      .toBuffer();
    assert.equal([...(await read(greyAlpha)).data.subarray(0, 6)], [127, 127, 127, 255, 255, 255]);
    const palette = await photo(20, 10).png({ palette: true }).toBuffer();
    assert.ok(difference(await read(palette), { width: 20, height: 10, data: scene(20, 10) }) < 6);
    const deep = await photo(20, 10).toColourspace('rgb16').png().toBuffer();
    assert.ok(difference(await read(deep), { width: 20, height: 10, data: scene(20, 10) }) < 1.01);
    const deepGrey = await photo(20, 10).greyscale().toColourspace('grey16').png().toBuffer();
    assert.ok(difference(await read(deepGrey), await read(grey)) < 1.01);
  });

  test(`${name}: CMYK`, async () => {
    const cmyk = await photo(48, 32).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    const off = difference(await read(cmyk), upright);
    assert.ok(off < 45, `${off}`);
  });

  test(`${name}: one pixel, one row, one column`, async () => {
    for (const [w, h] of [
      [1, 1],
      [1, 300],
      [300, 1],
      [1, 2000],
    ] as const) {
      const png = await sharp(new Uint8Array(3 * w * h).fill(77), { raw: { width: w, height: h, channels: 3 } })
        .png()
        .toBuffer();
      const image = await read(png);
      assert.equal([image.width, image.height], [w, Math.min(h, 512)]);
      assert.ok(image.data.every((v) => v === 77));
      const jpeg = await sharp(png).jpeg().toBuffer();
      assert.equal((await read(jpeg)).width, w);
    }
  });

  test(`${name}: the working image`, async () => {
    const image = await read(await photo(1500, 1000).png({ compressionLevel: 1 }).toBuffer());
    assert.equal([image.width, image.height], [512, 341]);
    const turned = await photo(1500, 1000).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
    const upright = await read(turned);
    assert.equal([upright.width, upright.height], [341, 512]);
  });

  test(`${name}: files cut short are refused`, async () => {
    const files: Record<string, Uint8Array> = {
      jpeg: await photo(64, 48).jpeg({ quality: 90 }).toBuffer(),
      'jpeg, progressive': await photo(64, 48).jpeg({ quality: 90, progressive: true }).toBuffer(),
      png: await photo(64, 48).png().toBuffer(),
      'png, interlaced': await photo(64, 48).png({ progressive: true }).toBuffer(),
      gif: await photo(64, 48).gif().toBuffer(),
      bmp: bmp(64, 48),
      tiff: await photo(64, 48).tiff({ compression: 'none' }).toBuffer(),
      'tiff, lzw': await photo(64, 48).tiff({ compression: 'lzw' }).toBuffer(),
    };
    const accepted: string[] = [];
    for (const [format, bytes] of Object.entries(files))
      for (const share of [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97]) {
        const end = Math.floor(share * bytes.length);
        const found = await refusal(reader.read(bytes.subarray(0, end)));
        if (found === 'none') accepted.push(`${format} ${share}`);
        else assert.ok(['corrupt-image', 'not-an-image'].includes(found), `${format} ${share}: ${found}`);
      }
    assert.equal(accepted, []);
  });

  test(`${name}: damage is refused or read, never anything else`, async () => {
    const files = [
      await photo(40, 30).jpeg().toBuffer(),
      await photo(40, 30).png().toBuffer(),
      await photo(40, 30).gif().toBuffer(),
      await photo(40, 30).tiff({ compression: 'lzw' }).toBuffer(),
      bmp(40, 30),
    ];
    for (const file of files)
      for (let i = 0; i < 60; i++) {
        const bytes = new Uint8Array(file);
        bytes[(i * 7919) % Math.min(bytes.length, 700)]! ^= 1 << (i % 8);
        await refusal(reader.read(bytes));
      }
  });

  test(`${name}: not images`, async () => {
    assert.is(await refusal(reader.read(new Uint8Array(0))), 'empty-file');
    assert.is(await refusal(reader.read(new TextEncoder().encode('Dear diary,\n'))), 'not-an-image');
    assert.is(await refusal(reader.read(HEIC_HEADER)), 'unsupported-format');
    for (const bad of NOT_BYTES)
      try {
        await reader.read(bad as Uint8Array);
        assert.unreachable();
      } catch (error) {
        assert.ok(error instanceof TypeError);
      }
  });

  test(`${name}: too many pixels are refused before any decoder sees them`, async () => {
    assert.is(await refusal(reader.read(pngHeader(20_000, 15_000))), 'image-too-large');
    assert.is(await refusal(reader.read(pngHeader(100_000_001, 1))), 'image-too-large');
    const spy: Decoder = {
      name: 'spy',
      formats: new Set(['png', 'jpeg', 'bmp']),
      decode: () => assert.unreachable() as never,
    };
    const small = new ImageReader(kernels, [spy], { maxPixels: 1535 });
    assert.is(await refusal(small.read(await photo(48, 32).png().toBuffer())), 'image-too-large');
    assert.is(await refusal(small.read(await photo(48, 32).jpeg().toBuffer())), 'image-too-large');
    assert.is(await refusal(small.read(bmp(48, 32))), 'image-too-large');
  });
}

test('jimp lists what it cannot read', async () => {
  for (const bytes of [await photo(9, 9).webp().toBuffer(), await photo(9, 9).avif({ effort: 0 }).toBuffer()])
    assert.is(await refusal(readers['jimp']!.read(bytes)), 'unsupported-format');
});

test('both decoders give nearly the same working image', async () => {
  const jpeg = await photo(900, 600).jpeg({ quality: 85 }).toBuffer();
  const [a, b] = [(await readers['jimp']!.read(jpeg)).image, (await readers['sharp']!.read(jpeg)).image];
  assert.ok(difference(a, b) < 1.5, `${difference(a, b)}`);
  const gif = await photo(300, 200).gif().toBuffer();
  assert.equal((await readers['jimp']!.read(gif)).image, (await readers['sharp']!.read(gif)).image);
});

test('only the first page of a TIFF is decoded', async () => {
  // Two pages, the second of which claims 60000 x 60000 pixels.
  const one = await photo(10, 10).tiff({ compression: 'none' }).toBuffer();
  const view = new DataView(one.buffer, one.byteOffset, one.length);
  const little = view.getUint16(0) === 0x4949;
  const start = view.getUint32(4, little);
  const count = view.getUint16(start, little);
  const directory = one.subarray(start, start + 2 + 12 * count + 4);
  const two = new Uint8Array(one.length + directory.length);
  two.set(one);
  two.set(directory, one.length);
  const edit = new DataView(two.buffer);
  edit.setUint32(start + 2 + 12 * count, one.length, little);
  for (let at = one.length + 2; at < two.length - 4; at += 12)
    if ([256, 257].includes(edit.getUint16(at, little))) {
      edit.setUint16(at + 2, 4, little);
      edit.setUint32(at + 8, 60_000, little);
    }
  for (const reader of Object.values(readers))
    assert.equal((await reader.read(two)).image, { width: 10, height: 10, data: scene(10, 10) });
});

test('a decoder that answers with another size is not believed', async () => {
  const liar: Decoder = {
    name: 'liar',
    formats: new Set(['bmp']),
    decode: async () => ({ width: 4, height: 3, channels: 3, data: new Uint8Array(36) }),
  };
  assert.is(await refusal(new ImageReader(kernels, [liar]).read(bmp(4, 4))), 'corrupt-image');
  assert.is(await refusal(new ImageReader(kernels, []).read(bmp(4, 4))), 'unsupported-format');
});

test('jimp turns images itself when asked the usual way: the plugin must not', async () => {
  const turned = withOrientation(await photo(48, 32).jpeg().toBuffer(), 6);
  const usual = await Jimp.fromBuffer(Buffer.from(turned));
  assert.equal([usual.width, usual.height], [32, 48]);
  const decoded = await jimp.decode(turned, { format: 'jpeg', width: 48, height: 32, orientation: 6 });
  assert.equal([decoded.width, decoded.height], [48, 32]);
});

test('rejects limits it cannot use', () => {
  for (const maxPixels of [0, -1, 1.5, NaN])
    assert.throws(() => new ImageReader(kernels, [jimp], { maxPixels }), /"maxPixels" expected integer/);
});

test.run();
