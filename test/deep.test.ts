/** The network's input, and the bundled network itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDecoders } from '../src/adapters/decoders.ts';
import { loadOnnxModel } from '../src/adapters/onnx-model.ts';
import { loadManifest, loadModel } from '../src/adapters/package-files.ts';
import { DeepExtractor, preprocess, type DeepModel } from '../src/features/deep.ts';
import { ImageReader } from '../src/image/decode.ts';
import { Pixels } from '../src/image/pixels.ts';
import { SAMPLES } from './command.ts';
import { bytes, kernels } from './support.ts';

const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];
const test = suite('deep');
const pixels = new Pixels(kernels);

const refused = (work: Promise<unknown>, code: string): Promise<void> =>
  work.then(
    () => assert.unreachable(`expected ${code}`),
    (error: { code?: string }) => assert.is(error.code, code),
  );

test('fit square: the middle square, in colour planes, normalised', () => {
  // 5 x 2: the middle square starts at column 1; at its own size nothing is resized.
  const data = bytes(3 * 5 * 2, 1);
  const input = preprocess(pixels, { width: 5, height: 2, data }, 2, 'square');
  assert.equal([input.width, input.height], [2, 2]);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < 2; y++)
      for (let x = 0; x < 2; x++) {
        const value = data[3 * (5 * y + x + 1) + channel]!;
        const expected = (value / 255 - MEAN[channel]!) / DEVIATION[channel]!;
        assert.ok(Math.abs(input.data[channel * 4 + 2 * y + x]! - expected) < 1e-6);
      }
});

test('fit area: the whole image in its own proportions, with about as many pixels as the square', () => {
  for (const [width, height, expected] of [
    [400, 400, [160, 160]],
    [400, 300, [185, 139]],
    [192, 128, [196, 131]],
    [64, 16, [320, 80]],
    [512, 8, [1280, 32]],
    [1, 1, [160, 160]],
  ] as const) {
    const flat = { width, height, data: new Uint8Array(3 * width * height).fill(77) };
    const input = preprocess(pixels, flat, 160, 'area');
    assert.equal([input.width, input.height], [...expected], `${width} x ${height}`);
    for (let channel = 0; channel < 3; channel++)
      assert.ok(
        Math.abs(
          input.data[channel * input.width * input.height]! - (77 / 255 - MEAN[channel]!) / DEVIATION[channel]!,
        ) < 1e-6,
      );
  }
});

test('a model that answers with too few numbers is refused', async () => {
  const model: DeepModel = {
    id: 'few',
    sha256: '',
    dims: 3,
    inputSide: 32,
    inputFit: 'area',
    run: async () => new Float32Array(2),
    close: async () => undefined,
  };
  await refused(
    new DeepExtractor(kernels, model).describe({ width: 6, height: 5, data: bytes(90, 1) }),
    'parameter-mismatch',
  );
});

test('the bundled model runs, and the web runtime gives the same numbers', async () => {
  const { models } = await loadManifest();
  const entry = models[0]!;
  const native = await loadModel(entry.sha256);
  assert.equal([native.dims, native.inputSide], [entry.dims, entry.inputSide]);
  const reader = new ImageReader(kernels, await loadDecoders());
  const { image } = await reader.read(await readFile(join(SAMPLES, 'cat.jpg')));
  const descriptor = await new DeepExtractor(kernels, native).describe(image);
  const web = await import('onnxruntime-web');
  web.env.wasm.numThreads = 1;
  web.env.logLevel = 'error';
  const portable = await loadOnnxModel({
    bytes: await readFile(join(import.meta.dirname, '..', '..', 'models', entry.file)),
    id: entry.id,
    sha256: entry.sha256,
    inputSide: entry.inputSide,
    inputFit: entry.inputFit,
    runtime: web as never,
  });
  const other = await new DeepExtractor(kernels, portable).describe(image);
  assert.ok(descriptor.some((value) => value > 0.1));
  for (const [i, value] of descriptor.entries())
    assert.ok(Math.abs(value - other[i]!) < 1e-4, `${i}: ${value} ${other[i]}`);
  await native.close();
  await portable.close();
});

test('a model with another checksum, or no model, is refused with a code', async () => {
  await refused(loadModel('0'.repeat(64)), 'model-unavailable');
  const runtime = await import('onnxruntime-node');
  const options = { id: 'x', inputSide: 8, inputFit: 'area' as const, runtime: runtime as never };
  await refused(loadOnnxModel({ ...options, bytes: bytes(9, 1), sha256: '0'.repeat(64) }), 'parameter-mismatch');
  await refused(loadOnnxModel({ ...options, bytes: bytes(9, 1) }), 'model-unavailable');
});

test.run();
