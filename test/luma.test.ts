import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Pixels } from '../src/image/pixels.ts';
import { NOT_BYTES, builds, bytes, kernels } from './support.ts';

const test = suite('luma and alpha');

const reference = (r: number, g: number, b: number): number => Math.round(0.299 * r + 0.587 * g + 0.114 * b);

// ITU-R BT.601: the colours of the 100 % bars.
test('known answers', () => {
  const data = Uint8Array.of(
    255,
    255,
    255,
    255,
    255,
    0,
    0,
    255,
    255,
    0,
    255,
    0,
    255,
    0,
    255,
    255,
    0,
    0,
    0,
    0,
    255,
    0,
    0,
    0,
  );
  const { data: luma } = new Pixels(kernels).luma({ width: 8, height: 1, data });
  assert.equal([...luma], [255, 226, 179, 150, 105, 76, 29, 0]);
});

for (const [build, module] of Object.entries(builds)) {
  test(`${build}: every colour equals the definition`, () => {
    const pixels = new Pixels(module);
    const data = new Uint8Array(3 * 256 * 256);
    let wrong = 0;
    // The debug build looks at every fifth red.
    for (let r = 0; r < 256; r += build === 'debug' ? 5 : 1) {
      for (let i = 0; i < 65536; i++) {
        data[3 * i] = r;
        data[3 * i + 1] = i >> 8;
        data[3 * i + 2] = i & 255;
      }
      const { data: luma } = pixels.luma({ width: 256, height: 256, data });
      for (let i = 0; i < 65536; i++) if (luma[i] !== reference(r, i >> 8, i & 255)) wrong++;
    }
    assert.is(wrong, 0);
  });

  test(`${build}: every tail length`, () => {
    for (let count = 1; count < 40; count++) {
      const data = bytes(3 * count, count);
      const expected = Array.from({ length: count }, (_, i) =>
        reference(data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!),
      );
      assert.equal([...new Pixels(module).luma({ width: count, height: 1, data }).data], expected);
    }
  });

  test(`${build}: every colour under every alpha lies over white`, () => {
    const data = new Uint8Array(4 * 65536);
    for (let i = 0; i < 65536; i++) data.set([i & 255, 255 - (i & 255), 7, i >> 8], 4 * i);
    const { data: out } = new Pixels(module).flatten({ width: 256, height: 256, channels: 4, data });
    let wrong = 0;
    for (let i = 0; i < 65536; i++)
      for (let c = 0; c < 3; c++) {
        const alpha = i >> 8;
        if (out[3 * i + c] !== Math.round((data[4 * i + c]! * alpha + 255 * (255 - alpha)) / 255)) wrong++;
      }
    assert.is(wrong, 0);
  });
}

test('an image of several strips is flattened as a whole', () => {
  const [width, height] = [1100, 1000];
  const data = bytes(4 * width * height, 3);
  const { data: out } = new Pixels(kernels).flatten({ width, height, channels: 4, data });
  let wrong = 0;
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3]!;
    for (let c = 0; c < 3; c++)
      if (out[3 * i + c] !== Math.round((data[4 * i + c]! * alpha + 255 * (255 - alpha)) / 255)) wrong++;
  }
  assert.is(wrong, 0);
});

test('opaque pixels are copied, not kept', () => {
  const data = bytes(12, 1);
  const { data: out } = new Pixels(kernels).flatten({ width: 2, height: 2, channels: 3, data });
  assert.equal([...out], [...data]);
  assert.is.not(out.buffer, data.buffer);
});

test('rejects what it cannot use', () => {
  const pixels = new Pixels(kernels);
  for (const bad of NOT_BYTES)
    assert.throws(
      () => pixels.luma({ width: 1, height: 1, data: bad as Uint8Array }),
      (e: unknown) => e instanceof TypeError,
    );
  assert.throws(
    () => pixels.luma({ width: 2, height: 2, data: new Uint8Array(11) }),
    /"data" expected 12 bytes, got 11/,
  );
  for (const width of [0, -1, 1.5, NaN, 2 ** 24])
    assert.throws(
      () => pixels.luma({ width, height: 1, data: new Uint8Array(3) }),
      (e: unknown) => e instanceof RangeError,
    );
});

test.run();
