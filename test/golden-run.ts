/**
 * Deep descriptors and fused codes of three sample photos, as JSON, by one runtime and one decoder.
 *
 *     node build/test/golden-run.js native sharp > test/golden/descriptors.json     makes the golden file anew
 *     node build/test/golden-run.js web jimp
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createJimpDecoder } from '../src/adapters/jimp-decoder.ts';
import { loadOnnxModel } from '../src/adapters/onnx-model.ts';
import { loadKernels, loadManifest, loadVocabulary } from '../src/adapters/package-files.ts';
import { createSharpDecoder } from '../src/adapters/sharp-decoder.ts';
import { toHex } from '../src/base/bytes.ts';
import { VocabularyExtractor } from '../src/client/extractor.ts';
import { Encoder } from '../src/codes/encoder.ts';
import { ImageReader } from '../src/image/decode.ts';

const PHOTOS = ['cat', 'coffee', 'nagasaki-boats'];
// From build/test, the package's root is two folders up.
const ROOT = join(import.meta.dirname, '..', '..');

const [runtimeName, decoderName] = process.argv.slice(2);
const kernels = await loadKernels();
const manifest = await loadManifest();
const { vocabulary } = await loadVocabulary(manifest.vocabularies[0]!.id);
const entry = manifest.models.find(({ sha256 }) => sha256 === vocabulary.model.sha256)!;

async function loadRuntime(): Promise<unknown> {
  if (runtimeName === 'native') {
    const native = await import('onnxruntime-node');
    return native.default ?? native;
  }
  if (runtimeName !== 'web') throw new TypeError(`"runtime" expected native or web, got ${runtimeName}`);
  const web = await import('onnxruntime-web');
  web.env.wasm.numThreads = 1;
  web.env.logLevel = 'error';
  return web;
}

const decoder = decoderName === 'jimp' ? await createJimpDecoder() : await createSharpDecoder();
if (decoder === undefined) throw new TypeError('"decoder" expected one that is installed');
const model = await loadOnnxModel({
  bytes: await readFile(join(ROOT, 'models', entry.file)),
  id: entry.id,
  sha256: entry.sha256,
  inputName: entry.input,
  outputName: entry.output,
  inputSide: entry.inputSide,
  inputFit: entry.inputFit,
  runtime: (await loadRuntime()) as never,
});
const extractor = new VocabularyExtractor(kernels, vocabulary, model, new ImageReader(kernels, [decoder]));
const encoder = new Encoder(kernels, vocabulary);
const photos: unknown[] = [];
for (const name of PHOTOS) {
  const { descriptors } = await extractor.describe(await readFile(join(ROOT, 'examples', 'photos', `${name}.jpg`)));
  const { projections, code } = encoder.encode(descriptors);
  photos.push({
    name,
    code: toHex(code),
    margins: [...encoder.margins(projections)].map((value) => Number(value.toPrecision(5))),
    deep: [...descriptors.deep].map((value) => Number(value.toPrecision(8))),
  });
}
await model.close();
process.stdout.write(
  `${JSON.stringify({ model: entry.sha256, vocabulary: toHex(vocabulary.fingerprint), photos }).replaceAll('{"name"', '\n{"name"')}\n`,
);
