/**
 * A whole `add` (read, hash, decode, all three features, code, thumbnail, seal, store on disk) against DenseNet alone on the same photos.
 *
 *     npm run bench -- add
 *     WORKERS=1 npm run bench -- add             another number of threads than there are cores
 *
 * Small photos are parts of the sample photos, as large as those of Corel collections; large ones have 12 megapixels. DenseNet alone has
 * its inputs in memory; it runs as one session with the runtime's own threads, and as one session with one thread in each worker. What
 * adding could reach is the faster of the two. Threads and models are started before anything is timed. CPU is that of all threads
 * together, so that it tells what a photo costs also while others use the machine. Checks first that all ways give the same codes, and
 * descriptors of DenseNet to the bit.
 */
import { deepEqual } from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { createLibrary, openLibrary, type Library } from '../src/adapters/library.ts';
import { loadDecoders } from '../src/adapters/decoders.ts';
import { loadJpegEncoder } from '../src/adapters/jpeg-encoder.ts';
import { loadModel, loadVocabulary } from '../src/adapters/package-files.ts';
import { addImages, type Source } from '../src/client/add-images.ts';
import { DEFAULT_INDEX } from '../src/client/index-parameters.ts';
import { VocabularyExtractor } from '../src/client/extractor.ts';
import { Encoder } from '../src/codes/encoder.ts';
import { ImageCipher, MAX_THUMBNAIL_BYTES, newImageKey } from '../src/crypto/image-cipher.ts';
import { LibraryKeys, newLibraryKey } from '../src/crypto/keys.ts';
import { SecureKnn } from '../src/crypto/secure-knn.ts';
import { BagOfWords } from '../src/features/bag-of-words.ts';
import { preprocess, type DeepInput, type DeepModel } from '../src/features/deep.ts';
import { FeatureExtractor } from '../src/features/feature-extractor.ts';
import { ImageReader } from '../src/image/decode.ts';
import { workingSize, type Image } from '../src/image/image.ts';
import { makeThumbnail } from '../src/image/thumbnail.ts';
import { Pixels } from '../src/image/pixels.ts';
import { seededRandom } from '../src/base/random.ts';
import { kernels } from '../test/support.ts';
import type { DenseNetThread } from './densenet-thread.ts';
import { median } from './harness.ts';
import { table } from './report.ts';

const WORKERS = Number(process.env['WORKERS'] ?? availableParallelism());
const ROUNDS = 3;
const SMALL = { count: 48, width: 384, height: 256, grain: 0 };
const LARGE = { count: 8, width: 4000, height: 3000, grain: 10 };
const SAMPLES = join(import.meta.dirname, '..', '..', 'examples', 'photos');
const KEY = { cost: { memoryKib: 64, passes: 1, lanes: 1 } };
const OPENER = { passphrase: 'bench' };

const { vocabulary } = await loadVocabulary();
const folder = await mkdtemp(join(tmpdir(), 'blindsight-bench-'));

/** Seeded parts of the sample photos as JPEG files, all different. */
async function makePhotos({ count, width, height, grain }: typeof SMALL): Promise<string[]> {
  const random = seededRandom(7);
  const samples = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).sort();
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const sample = sharp(join(SAMPLES, samples[i % samples.length]!));
    const { width: w = 0, height: h = 0 } = await sample.metadata();
    const share = 0.6 + 0.4 * random();
    const [cutWidth, cutHeight] = [Math.floor(w * share), Math.floor(h * share)];
    const [left, top] = [Math.floor((w - cutWidth) * random()), Math.floor((h - cutHeight) * random())];
    const path = join(folder, `${width}x${height}-${i}.jpg`);
    const part = sample
      .extract({ left, top, width: cutWidth, height: cutHeight })
      .resize(width, height, { fit: 'cover' })
      .toColourspace('srgb');
    // What is enlarged is smooth: with noise, files are about as long as a camera's.
    if (grain > 0)
      part.composite([
        {
          input: {
            create: {
              width,
              height,
              channels: 3,
              background: '#808080',
              noise: { type: 'gaussian', mean: 128, sigma: grain },
            },
          },
          blend: 'overlay',
        },
      ]);
    await part.jpeg({ quality: 90 }).toFile(path);
    paths.push(path);
  }
  return paths;
}

/** One way to work through all photos of a case. */
interface Side {
  readonly name: string;
  run(): Promise<void>;
  /** After a run; not timed. */
  reset?(): Promise<void>;
  close(): Promise<void>;
}

/** One session with the runtime's own threads. */
function oneSession(inputs: readonly DeepInput[], model: DeepModel, out: Float32Array[]): Side {
  return {
    name: 'DenseNet alone, one session',
    async run() {
      for (const [i, { data, width, height }] of inputs.entries()) out[i] = await model.run(data, width, height);
    },
    close: () => Promise.resolve(),
  };
}

/** A session in each of some threads. */
async function manySessions(inputs: readonly DeepInput[], out: Float32Array[]): Promise<Side> {
  const workerData: DenseNetThread = { sha256: vocabulary.model.sha256, inputs };
  const url = new URL('./densenet-thread.js', import.meta.url);
  const workers = Array.from({ length: WORKERS }, () => new Worker(url, { workerData }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  return {
    name: `DenseNet alone, ${WORKERS} sessions`,
    async run() {
      let next = 0;
      await Promise.all(
        workers.map(async (worker) => {
          while (next < inputs.length) {
            const answer = new Promise<[number, Float32Array]>((resolve) => worker.once('message', resolve));
            worker.postMessage(next++);
            const [index, descriptor] = await answer;
            out[index] = descriptor;
          }
        }),
      );
    },
    async close() {
      await Promise.all(
        workers.map((worker) => {
          worker.postMessage(null);
          return new Promise((resolve) => worker.once('exit', resolve));
        }),
      );
    },
  };
}

function sourcesOf(paths: readonly string[]): Source[] {
  return paths.map((path) => ({ name: path, read: () => readFile(path) }));
}

async function idsOf({ client }: Library): Promise<Uint8Array[]> {
  const ids: Uint8Array[] = [];
  for await (const { id } of client.list()) ids.push(id);
  return ids;
}

/** `add` to a library of its own. */
async function adding(paths: readonly string[], workers: number, codes: Map<string, Uint8Array>): Promise<Side> {
  const path = await mkdtemp(join(folder, 'library-'));
  await rm(path, { recursive: true });
  await createLibrary(path, OPENER.passphrase, { key: KEY });
  const library = await openLibrary(path, { opener: OPENER, workers });
  const concurrency = workers === 0 ? 3 : 2 * workers + 2;
  const reset = async (): Promise<void> => void (await library.client.remove(await idsOf(library)));
  const run = async (): Promise<void> => {
    for await (const outcome of addImages(library.client, sourcesOf(paths), { concurrency }))
      if (outcome.status !== 'added') throw new Error(`expected every photo to be added, got ${outcome.status}`);
  };
  await run();
  for (const [, { name, code }] of await library.client.records(await idsOf(library))) codes.set(name, code);
  await reset();
  return { name: `add, ${workers} workers`, run, reset, close: () => library.close() };
}

interface Cost {
  /** Milliseconds a photo, and of CPU. */
  readonly wall: number[];
  readonly cpu: number[];
}

async function measure({ width, height }: typeof SMALL, paths: readonly string[]): Promise<string[][]> {
  const model = await loadModel(vocabulary.model.sha256);
  const reader = new ImageReader(kernels, await loadDecoders());
  const extractor = new VocabularyExtractor(kernels, vocabulary, model, reader);
  const pixels = new Pixels(kernels);
  const { inputSide, inputFit } = vocabulary.model;
  const inputs: DeepInput[] = [];
  const deep: Float32Array[] = [];
  for (const path of paths) {
    const bytes = new Uint8Array(await readFile(path));
    inputs.push(preprocess(pixels, (await reader.read(bytes)).image, inputSide, inputFit));
    deep.push((await extractor.describe(bytes)).descriptors.deep);
  }
  const [one, many]: Float32Array[][] = [[], []];
  const [single, threaded] = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()];
  const sides = [
    oneSession(inputs, model, one!),
    await manySessions(inputs, many!),
    await adding(paths, 0, single),
    await adding(paths, WORKERS, threaded),
  ];
  for (const side of sides.slice(0, 2)) await side.run();
  deepEqual(one, deep);
  deepEqual(many, deep);
  deepEqual([...threaded].sort(), [...single].sort());
  deepEqual(single.size, paths.length);

  const costs = sides.map((): Cost => ({ wall: [], cpu: [] }));
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, side] of sides.entries()) {
      const [start, used] = [performance.now(), process.cpuUsage()];
      await side.run();
      const { user, system } = process.cpuUsage(used);
      costs[i]!.wall.push((performance.now() - start) / paths.length);
      costs[i]!.cpu.push((user + system) / 1000 / paths.length);
      await side.reset?.();
    }
  for (const side of sides) await side.close();
  await model.close();
  const best = Math.min(...costs.slice(0, 2).map(({ wall }) => median(wall)));
  return sides.map(({ name: side }, i) => {
    const { wall, cpu } = costs[i]!;
    const ms = median(wall);
    const spread = median(wall.map((value) => Math.abs(value - ms)));
    return [
      ...[
        `${width} x ${height}`,
        side,
        (1000 / ms).toFixed(1),
        `${((100 * spread) / ms).toFixed(0)} %`,
        median(cpu).toFixed(1),
      ],
      i < 2 ? '' : `${((100 * best) / ms).toFixed(0)} %`,
    ];
  });
}

/** What decoding at a quarter of the size would save, and which bits of the codes it would change: those are not the format's. */
async function shrinkOnLoad({ width, height }: typeof SMALL, paths: readonly string[]): Promise<void> {
  const model = await loadModel(vocabulary.model.sha256);
  const reader = new ImageReader(kernels, await loadDecoders());
  const features = new FeatureExtractor(kernels, vocabulary.local, model);
  const words = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);
  const encoder = new Encoder(kernels, vocabulary);
  const pixels = new Pixels(kernels);
  const to = workingSize(width, height);
  const codeOf = async (image: Image): Promise<Uint8Array> => {
    const { ehd, local, deep } = await features.describe(image);
    return encoder.encode({ ehd, bow: words.describe(local), deep }).code;
  };
  const ways = {
    'whole, then area average': async (bytes: Uint8Array) => (await reader.read(bytes)).image,
    'a quarter while decoding, then area average': async (bytes: Uint8Array) => {
      const { data, info } = await sharp(bytes, { ignoreIcc: true })
        .resize(width / 4, height / 4, { fit: 'fill', fastShrinkOnLoad: true })
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      return pixels.reduce({ width: info.width, height: info.height, channels: 3, data }, to.width, to.height);
    },
  };
  const codes: Uint8Array[][] = [];
  const rows: string[][] = [];
  for (const [way, read] of Object.entries(ways)) {
    const own: Uint8Array[] = [];
    const cpu: number[] = [];
    for (const path of paths) {
      const bytes = new Uint8Array(await readFile(path));
      const used = process.cpuUsage();
      const image = await read(bytes);
      const { user, system } = process.cpuUsage(used);
      cpu.push((user + system) / 1000);
      own.push(await codeOf(image));
    }
    codes.push(own);
    const changed = own.map((code, i) => hamming(code, codes[0]![i]!));
    rows.push([way, median(cpu).toFixed(1), `${median(changed)} of ${vocabulary.bits}`, `${Math.max(...changed)}`]);
  }
  await model.close();
  table(
    `Shrinking while a ${width} x ${height} JPEG is decoded: it changes codes, so it is not done`,
    ['working image', 'CPU ms a photo', 'bits changed, median', 'most'],
    rows,
  );
}

/** What one thread spends on a photo, step by step. Sealing is for ranking `server`, which seals most. */
async function steps({ width, height }: typeof SMALL, paths: readonly string[]): Promise<void> {
  const model = await loadModel(vocabulary.model.sha256, 1);
  const reader = new ImageReader(kernels, await loadDecoders());
  const pixels = new Pixels(kernels);
  const features = new FeatureExtractor(kernels, vocabulary.local, model);
  const words = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);
  const encoder = new Encoder(kernels, vocabulary);
  const keys = new LibraryKeys(newLibraryKey());
  const knn = new SecureKnn(kernels, { key: keys.get('knn'), bits: vocabulary.bits, ...DEFAULT_INDEX });
  const cipher = new ImageCipher(kernels);
  const encode = await loadJpegEncoder();
  const spent = new Map<string, number[]>();
  const timed = async <T>(step: string, work: () => T | Promise<T>): Promise<T> => {
    const used = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(used);
    spent.set(step, [...(spent.get(step) ?? []), (user + system) / 1000]);
    return result;
  };
  for (const path of paths) {
    const bytes = new Uint8Array(await readFile(path));
    const { image } = await timed('decode, working image', () => reader.read(bytes));
    const { ehd, local } = await timed('luma, edges, dense SIFT', () => features.describeLuma(image));
    const bow = await timed('words of local features', () => words.describe(local));
    const { inputSide, inputFit } = vocabulary.model;
    const { data, width, height } = await timed('input of the network', () =>
      preprocess(pixels, image, inputSide, inputFit),
    );
    const deep = await timed('DenseNet', () => model.run(data, width, height));
    const { code } = await timed('code', () => encoder.encode({ ehd, bow, deep }));
    await timed('thumbnail', () => makeThumbnail(pixels, encode, image, MAX_THUMBNAIL_BYTES));
    await timed('vector sealed', () => knn.seal(code));
    await timed('file sealed', () => cipher.seal(newImageKey(), new Uint8Array(16), bytes));
  }
  await model.close();
  knn.wipe();
  keys.wipe();
  table(
    `CPU of one thread for a ${width} x ${height} photo; reading, hashing, tokens, messages and the store come on top`,
    ['step', 'CPU ms a photo, median'],
    Array.from(spent, ([step, ms]) => [step, median(ms).toFixed(1)]),
  );
}

function hamming(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < 8 * a.length; i++) bits += ((a[i >> 3]! ^ b[i >> 3]!) >> (i & 7)) & 1;
  return bits;
}

try {
  const [small, large] = [await makePhotos(SMALL), await makePhotos(LARGE)];
  const rows = [...(await measure(SMALL, small)), ...(await measure(LARGE, large))];
  table(
    `Photos a second, ${WORKERS} workers`,
    ['photos', 'side', 'photos/s', 'MAD', 'CPU ms a photo', 'of DenseNet alone'],
    rows,
  );
  await steps(SMALL, small);
  await steps(LARGE, large);
  await shrinkOnLoad(LARGE, large);
} finally {
  await rm(folder, { recursive: true, force: true });
}
