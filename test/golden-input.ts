/** The input of the golden queries, made of the sample photos: reduced by the kernels, written as BMP, shown to the bundled network. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createJimpDecoder } from '../src/adapters/jimp-decoder.ts';
import { loadKernels, loadModel, loadVocabulary } from '../src/adapters/package-files.ts';
import { crc32 } from '../src/base/crc32.ts';
import { preprocess } from '../src/features/deep.ts';
import { ImageReader } from '../src/image/decode.ts';
import type { Image } from '../src/image/image.ts';
import { Pixels } from '../src/image/pixels.ts';
import { bmpDecoder, type GoldenFile, type GoldenInput } from './golden-queries.ts';

// From build/test, the package's root is two folders up.
const SAMPLES = join(import.meta.dirname, '..', '..', 'examples', 'photos');
/** Longest side of a photo in the input, in pixels. */
const SIDE = 192;
/** Photos that are not in the library, and are searched for; of the same number in it, altered copies are. */
const QUERIES = 4;

/** RGB -> 24 bit BMP. */
function encodeBmp({ width, height, data }: Image): Uint8Array<ArrayBuffer> {
  const stride = 4 * Math.ceil((3 * width) / 4);
  const out = new Uint8Array(54 + stride * height);
  const view = new DataView(out.buffer);
  out.set([0x42, 0x4d]);
  for (const [at, value] of [
    [2, out.length],
    [10, 54], // pixels begin here
    [14, 40], // bytes of the second header
    [18, width],
    [22, height],
    [34, stride * height],
  ] as const)
    view.setUint32(at, value, true);
  view.setUint16(26, 1, true); // planes
  view.setUint16(28, 24, true); // bits of a pixel
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) out[54 + (height - 1 - y) * stride + 3 * x + 2 - c] = data[3 * (y * width + x) + c]!;
  return out;
}

/** The right three quarters, darker. */
function alter({ width, height, data }: Image): Image {
  const left = width >> 2;
  const out = new Uint8Array(3 * (width - left) * height);
  for (let y = 0; y < height; y++)
    out.set(
      data.subarray(3 * (y * width + left), 3 * (y + 1) * width).map((v) => (v * 3) >> 2),
      3 * y * (width - left),
    );
  return { width: width - left, height, data: out };
}

export async function makeGoldenInput(): Promise<{ input: GoldenInput; model: string; vocabulary: Uint8Array }> {
  const kernels = await loadKernels();
  // The vocabulary of the package: its model names it.
  const { vocabulary, bytes } = await loadVocabulary('caltech101');
  const model = await loadModel(vocabulary.model.sha256);
  const pixels = new Pixels(kernels);
  // jimp is always there, and its pixels are the same everywhere.
  const reader = new ImageReader(kernels, [await createJimpDecoder()]);
  const names = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).sort();
  const images: Image[] = [];
  for (const name of names) {
    const { image } = await reader.read(await readFile(join(SAMPLES, name)));
    const scale = SIDE / Math.max(image.width, image.height);
    const side = (length: number): number => Math.max(1, Math.round(length * Math.min(1, scale)));
    images.push(pixels.resizeArea(image, side(image.width), side(image.height)));
  }
  const deep: Record<string, string> = {};
  const file = async (name: string, image: Image): Promise<GoldenFile> => {
    const bmp = encodeBmp(image);
    const seen = await new ImageReader(kernels, [bmpDecoder]).read(bmp);
    const { width, height, data } = preprocess(pixels, seen.image, model.inputSide, model.inputFit);
    const numbers = await model.run(data, width, height);
    deep[String(crc32(new Uint8Array(data.buffer)))] = Buffer.from(
      numbers.buffer,
      numbers.byteOffset,
      numbers.byteLength,
    ).toString('base64');
    return { name, base64: Buffer.from(bmp).toString('base64') };
  };
  const photos: GoldenFile[] = [];
  const queries: GoldenFile[] = [];
  for (const [i, name] of names.entries())
    (i < names.length - QUERIES ? photos : queries).push(await file(name, images[i]!));
  for (const i of Array.from({ length: QUERIES }, (_, q) => 3 * q))
    queries.push(await file(`copy of ${names[i]!}`, alter(images[i]!)));
  await model.close();
  return { input: { photos, queries, deep }, model: vocabulary.model.sha256, vocabulary: bytes };
}
