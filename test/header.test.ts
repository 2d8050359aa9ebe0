import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { RetrievalError } from '../src/base/errors.ts';
import { readHeader } from '../src/image/header.ts';
import { HEIC_HEADER, bmp, exif, photo, pngHeader, withOrientation } from './photos.ts';
import { NOT_BYTES } from './support.ts';

const test = suite('readHeader');

const code = (expected: string) => (error: unknown) => error instanceof RetrievalError && error.code === expected;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

// One file a format, 37 x 23, by encoders that are not ours.
const files: Record<string, Uint8Array> = {
  jpeg: await photo(37, 23).jpeg().toBuffer(),
  'jpeg, progressive': await photo(37, 23).jpeg({ progressive: true }).toBuffer(),
  'jpeg, turned': await photo(37, 23).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  png: await photo(37, 23).png().toBuffer(),
  gif: await photo(37, 23).gif().toBuffer(),
  bmp: bmp(37, 23),
  tiff: await photo(37, 23).tiff().toBuffer(),
  webp: await photo(37, 23).webp().toBuffer(),
  'webp, lossless': await photo(37, 23).webp({ lossless: true }).toBuffer(),
  'webp, extended': await photo(37, 23).withMetadata({ orientation: 8 }).webp().toBuffer(),
  avif: await photo(37, 23).avif({ effort: 0 }).toBuffer(),
};

for (const [name, bytes] of Object.entries(files))
  test(`known answer: ${name}`, () => {
    const { format, width, height } = readHeader(bytes);
    assert.equal({ format, width, height }, { format: name.split(',')[0], width: 37, height: 23 });
  });

test('known answers: orientation, in the formats that store one', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    for (const little of [true, false])
      assert.is(readHeader(withOrientation(files['jpeg']!, orientation, little)).orientation, orientation);
    const turned = (): ReturnType<typeof photo> => photo(8, 5).withMetadata({ orientation });
    assert.is(readHeader(await turned().jpeg().toBuffer()).orientation, orientation);
    assert.is(readHeader(await turned().png().toBuffer()).orientation, orientation, 'png');
    assert.is(readHeader(await turned().webp().toBuffer()).orientation, orientation, 'webp');
    assert.is(readHeader(await turned().tiff().toBuffer()).orientation, orientation, 'tiff');
  }
  for (const bad of [0, 9, 65535]) assert.is(readHeader(withOrientation(files['jpeg']!, bad)).orientation, 1);
});

test('the thumbnail inside EXIF is not taken for the frame', () => {
  // The thumbnail is a whole JPEG of another size, after the block.
  const block = exif(6);
  const thumbnail = files['jpeg']!;
  const segment = [0xff, 0xe1, (8 + block.length + thumbnail.length) >> 8, (8 + block.length + thumbnail.length) & 255];
  const big = Uint8Array.from([
    0xff,
    0xd8,
    ...segment,
    ...text('Exif\0\0'),
    ...block,
    ...thumbnail,
    ...files['jpeg']!.subarray(2),
  ]);
  assert.equal(readHeader(big), { format: 'jpeg', width: 37, height: 23, orientation: 6 });
});

test('a header is believed only in what it says: 300 megapixels', () => {
  assert.equal(readHeader(pngHeader(20_000, 15_000)), { format: 'png', width: 20_000, height: 15_000, orientation: 1 });
});

test('formats without a decoder are recognised', () => {
  assert.equal(readHeader(HEIC_HEADER), { format: 'heic', width: 0, height: 0, orientation: 1 });
  const heif = HEIC_HEADER.slice();
  heif.set(text('mif1'), 8);
  assert.is(readHeader(heif).format, 'heif');
  assert.is(readHeader(Uint8Array.of(0xff, 0x0a, 1, 2)).format, 'jxl');
  assert.is(readHeader(Uint8Array.from([...text('8BPS'), 0, 1, 0, 0])).format, 'psd');
});

/** A box of ISO/IEC 14496-12. */
function box(name: string, ...content: (Uint8Array | number[])[]): number[] {
  const inside = content.flatMap((part) => [...part]);
  return [...u32(8 + inside.length), ...text(name), ...inside];
}
const u32 = (value: number): number[] => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
const ispe = (width: number, height: number): number[] => box('ispe', u32(0), u32(width), u32(height));

/** A photo as a telephone stores it: item 1 is a tile, with property 2; item `primary` the picture, with properties `first`, `own` and 5. */
function tiled({ primary = 2, first = 1, own = 3, wide = false, long = false } = {}): Uint8Array<ArrayBuffer> {
  const id = (value: number): number[] => (wide ? u32(value) : [value >> 8, value & 255]);
  const index = (value: number): number[] => (wide ? [0x80, value] : [0x80 | value]);
  const associations = [...id(1), 2, ...index(1), ...index(2), ...id(primary), 3, ...index(first), ...index(own)];
  const clap = box('clap', u32(2000), u32(2), u32(3000), u32(1), u32(0), u32(1), u32(0), u32(1));
  const iprp = box(
    'iprp',
    box('ipco', box('colr'), ispe(512, 512), ispe(4032, 3024), clap, box('irot', [1])),
    box('ipma', [wide ? 1 : 0, 0, 0, wide ? 1 : 0], u32(2), associations, index(5)),
  );
  const meta = box('meta', u32(0), box('hdlr', u32(0)), box('pitm', wide ? u32(1 << 24) : u32(0), id(primary)), iprp);
  if (long) meta.splice(0, 8, ...u32(1), ...text('meta'), ...u32(0), ...u32(meta.length + 8));
  return Uint8Array.from([...HEIC_HEADER, ...meta, ...box('mdat')]);
}

test('HEIF: the size is that of the primary image, not of its first tile', () => {
  const size = { format: 'heic', width: 4032, height: 3024, orientation: 1 };
  for (const wide of [false, true])
    for (const long of [false, true]) assert.equal(readHeader(tiled({ wide, long })), size, `${wide} ${long}`);
  assert.equal(readHeader(tiled({ primary: 70_000, wide: true })), size);
  assert.equal(readHeader(tiled({ primary: 1 })), { ...size, width: 512, height: 512 });
  assert.equal(readHeader(tiled({ first: 4 })), { ...size, width: 1000, height: 3000 }, 'a clean aperture');
  assert.equal(readHeader(tiled({ own: 4 })), { ...size, width: 0, height: 0 }, 'an image without a size');
});

test('HEIF: every truncation reads the same or has no size', () => {
  const whole = tiled();
  for (let end = 24; end < whole.length - 8; end++) {
    const { width, height } = readHeader(whole.subarray(0, end));
    assert.ok(width === 0 || `${width} x ${height}` === '4032 x 3024', `${end}: ${width} x ${height}`);
  }
});

test('sizes of formats that are listed only, where a line tells them', () => {
  const heads: Record<string, number[]> = {
    j2c: [0xff, 0x4f, 0xff, 0x51, 0, 47, 0, 0, ...u32(40), ...u32(24), ...u32(3), ...u32(1)],
    psd: [...text('8BPS'), 0, 1, ...u32(0), ...[0, 0, 0, 3], ...u32(23), ...u32(37)],
    dds: [...text('DDS '), ...[124, 0, 0, 0], ...u32(0), ...[23, 0, 0, 0], ...[37, 0, 0, 0]],
    ico: [0, 0, 1, 0, 1, 0, 37, 23],
  };
  for (const [format, head] of Object.entries(heads)) {
    assert.equal(readHeader(Uint8Array.from(head)), { format, width: 37, height: 23, orientation: 1 });
    const cut = readHeader(Uint8Array.from(head.slice(0, -1)));
    assert.equal(cut, { format, width: 0, height: 0, orientation: 1 }, 'cut short');
  }
});

test('no bytes, and other bytes', () => {
  assert.throws(() => readHeader(new Uint8Array(0)), code('empty-file'));
  for (const other of [
    'hello, world',
    'BM',
    'BMW is a car maker in Bavaria',
    '<svg xmlns="x"/>',
    '%PDF-1.7',
    'GIF',
    '\0',
    'RIFF....WAVE',
  ])
    assert.throws(
      () => readHeader(text(other)),
      (e: unknown) => code('not-an-image')(e) || (other === 'BM' && code('corrupt-image')(e)),
      other,
    );
});

test('every truncation is refused, or reads the same', () => {
  for (const [name, bytes] of Object.entries(files)) {
    const whole = readHeader(bytes);
    for (let end = 0; end < Math.min(bytes.length, 3000); end++) {
      let found;
      try {
        found = readHeader(bytes.subarray(0, end));
      } catch (error) {
        assert.ok(error instanceof RetrievalError, `${name}: ${end} bytes: ${String(error)}`);
        continue;
      }
      // The orientation may lie behind the pixels.
      if (found.width !== 0) assert.equal({ ...found, orientation: whole.orientation }, whole, `${name}: ${end} bytes`);
    }
  }
});

test('sizes of zero are refused', () => {
  assert.throws(() => readHeader(pngHeader(0, 5)), code('corrupt-image'));
  assert.throws(() => readHeader(pngHeader(5, 0)), code('corrupt-image'));
  assert.throws(() => readHeader(bmp(0, 5)), code('corrupt-image'));
});

test('a GIF frame that leaves the screen is refused', () => {
  const gif = files['gif']!.slice();
  new DataView(gif.buffer, gif.byteOffset).setUint16(6, 10, true);
  assert.throws(() => readHeader(gif), code('corrupt-image'));
});

test('no bytes make it fail in any other way, or take long', () => {
  const names = Object.keys(files);
  const start = performance.now();
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 12 }),
      fc.nat(2000),
      (name, edits, cut) => {
        const bytes = files[name]!.slice(0, cut % 3 === 0 ? cut : undefined);
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          const { width, height, orientation } = readHeader(bytes);
          assert.ok(
            Number.isSafeInteger(width) && Number.isSafeInteger(height) && orientation >= 1 && orientation <= 8,
          );
        } catch (error) {
          if (!(error instanceof RetrievalError)) throw error;
        }
      },
    ),
    { seed: 42, numRuns: 5000 },
  );
  assert.ok(performance.now() - start < 20_000);
});

test('large files of nothing take linear time', () => {
  const size = 1 << 24;
  const starts: Record<string, number[]> = {
    jpeg: [0xff, 0xd8, 0xff],
    'empty jpeg segments': [0xff, 0xd8, 0xff, 0xe0, 0, 2],
    png: [...pngHeader(4, 4)],
    gif: [...text('GIF89a'), 4, 0, 4, 0, 0, 0, 0, 0x21, 0xfe, 1],
    webp: [...text('RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x04\0\0\x04\0\0')],
    heic: [...HEIC_HEADER],
    'many boxes': [...HEIC_HEADER, ...u32(0), ...text('meta'), ...u32(0)],
  };
  for (const [name, head] of Object.entries(starts))
    for (const filler of [0, 1, 0xff]) {
      const bytes = new Uint8Array(size).fill(filler);
      bytes.set(head);
      const start = performance.now();
      try {
        readHeader(bytes);
      } catch (error) {
        assert.ok(error instanceof RetrievalError);
      }
      assert.ok(performance.now() - start < 1500, `${name}, filled with ${filler}`);
    }
});

test('rejects what is not bytes', () => {
  for (const bad of NOT_BYTES)
    assert.throws(
      () => readHeader(bad as Uint8Array),
      (e: unknown) => e instanceof TypeError,
    );
});

test.run();
