/** Describing images in threads: the same descriptors and errors as on one thread, and what happens when a thread ends. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { loadJpegEncoder } from '../src/adapters/jpeg-encoder.ts';
import { loadDecoders } from '../src/adapters/decoders.ts';
import { ExtractorPool } from '../src/adapters/extractor-pool.ts';
import type { ThreadAnswer, ThreadParameters, ThreadRequest } from '../src/adapters/extractor-thread.ts';
import { createLibrary, openLibrary, type Library } from '../src/adapters/library.ts';
import { loadModel, loadVocabulary } from '../src/adapters/package-files.ts';
import { packError, unpackError } from '../src/adapters/thread-error.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { addImages } from '../src/client/add-images.ts';
import { VocabularyExtractor } from '../src/client/extractor.ts';
import { ImageReader } from '../src/image/decode.ts';
import { SAMPLES, blindsight, temporaryFolder } from './command.ts';
import { HEIC_HEADER, bmp, photo, withOrientation } from './photos.ts';
import { NOT_BYTES, kernels } from './support.ts';

const THREAD = new URL('../src/adapters/extractor-thread.js', import.meta.url);

const test = suite('extractor pool');
const { vocabulary } = await loadVocabulary();
const cat = new Uint8Array(await readFile(join(SAMPLES, 'cat.jpg')));
const jpeg = new Uint8Array(await photo(90, 60).jpeg().toBuffer());
const images: readonly Uint8Array[] = [
  cat,
  new Uint8Array(await readFile(join(SAMPLES, 'gravel.jpg'))),
  withOrientation(jpeg, 6),
  // A Buffer, as `readFile` gives: its `slice` is a view.
  Buffer.from(bmp(70, 40)),
];
const broken = [new Uint8Array(0), new TextEncoder().encode('no image'), cat.subarray(0, 2000), HEIC_HEADER];

/** A pool for one test, and the threads it has started. */
function open(workers: number, from = vocabulary): { pool: ExtractorPool; threads: Worker[]; close(): Promise<void> } {
  const threads: Worker[] = [];
  const note = (worker: Worker): void => void threads.push(worker);
  process.on('worker', note);
  const pool = new ExtractorPool(kernels, from, workers);
  return {
    ...{ pool, threads },
    async close() {
      await pool.close();
      process.off('worker', note);
    },
  };
}

async function failure(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => assert.unreachable('must fail'),
    (error: unknown) => error as Error,
  ) as Promise<Error & { code?: string }>;
}

test('descriptors, headers and errors are those of the main thread, bit for bit; bad files stop nothing', async () => {
  const model = await loadModel(vocabulary.model.sha256);
  const reader = new ImageReader(kernels, await loadDecoders());
  const single = new VocabularyExtractor(kernels, vocabulary, model, reader, await loadJpegEncoder());
  const { pool, threads, close } = open(2);
  const before = cat.slice();
  const wanted = await Promise.all(broken.map((bytes) => failure(single.describe(bytes))));
  const files = [...images, ...broken, ...images];
  const got = await Promise.allSettled(files.map((bytes, i) => pool.describe(bytes, { thumbnail: i < images.length })));
  for (const [i, bytes] of images.entries()) {
    const { header, descriptors, thumbnail } = await single.describe(bytes, { thumbnail: true });
    for (const settled of [got[i]!, got[i + images.length + broken.length]!]) {
      assert.is(settled.status, 'fulfilled');
      if (settled.status !== 'fulfilled') continue;
      assert.equal(settled.value.header, header);
      assert.equal(settled.value.thumbnail, settled === got[i] ? thumbnail : undefined);
      for (const feature of ['ehd', 'bow', 'deep'] as const) {
        const { buffer, byteOffset, byteLength } = settled.value.descriptors[feature];
        const expected = descriptors[feature];
        assert.equal(
          new Uint8Array(buffer, byteOffset, byteLength),
          new Uint8Array(expected.buffer, expected.byteOffset, expected.byteLength),
          `${feature} of image ${i}`,
        );
      }
    }
  }
  for (const [i, error] of wanted.entries()) {
    const settled = got[images.length + i]!;
    assert.is(settled.status, 'rejected');
    const reason = (settled as PromiseRejectedResult).reason as RetrievalError;
    assert.instance(reason, RetrievalError);
    assert.equal([reason.code, reason.message], [error.code, error.message]);
    assert.is((reason.cause as Error | undefined)?.message, (error.cause as Error | undefined)?.message);
  }
  assert.equal(cat, before, 'the caller keeps its bytes');
  assert.is(threads.length, 2);
  await close();
  await model.close();
});

test('threads start when there is work, no more than asked for', async () => {
  const { pool, threads, close } = open(2);
  assert.is(threads.length, 0);
  await pool.describe(jpeg);
  await pool.describe(jpeg);
  assert.is(threads.length, 1, 'one after another keeps one thread busy');
  await Promise.all(Array.from({ length: 5 }, () => pool.describe(jpeg)));
  assert.is(threads.length, 2);
  await close();
  await Promise.all(threads.map((thread) => assert.is(thread.threadId, -1)));
});

test('a thread has one image decoded at a time: answers come in order, whatever takes longest', async () => {
  const { model, local, codebook, idf } = vocabulary;
  const workerData: ThreadParameters = { kernels, parameters: { model, local, codebook, idf } };
  const thread = new Worker(THREAD, { workerData });
  const kinds: string[] = [];
  thread.on('message', ({ kind }: ThreadAnswer) => kinds.push(kind));
  // The second and third are refused at once, were they begun.
  for (const bytes of [cat, new Uint8Array(0), new Uint8Array(3), jpeg])
    thread.postMessage({ bytes, options: {} } satisfies ThreadRequest);
  thread.postMessage(null satisfies ThreadRequest);
  await new Promise((resolve) => thread.on('exit', resolve));
  assert.equal(kinds, ['ready', 'described', 'failed', 'failed', 'described']);
});

test('an image whose thread ends has failed with a code, and the others are described by another thread', async () => {
  const { pool, threads, close } = open(1);
  await pool.describe(jpeg);
  const [lost, waiting, queued] = [cat, jpeg, images[1]!].map((bytes) => pool.describe(bytes));
  const error = failure(lost!);
  await new Promise((resolve) => setTimeout(resolve));
  await threads[0]!.terminate();
  assert.is((await error).code, 'worker-failed');
  assert.is((await waiting!).header.width, 90);
  assert.is((await queued!).header.format, 'jpeg');
  assert.is(threads.length, 2);
  await close();
});

test('a thread that cannot begin says why, or at least that the model is not there', async () => {
  const foreign = { ...vocabulary, model: { ...vocabulary.model, sha256: '00'.repeat(32) } };
  const { pool, close } = open(1, foreign);
  const errors = await Promise.all([jpeg, jpeg, jpeg].map((bytes) => failure(pool.describe(bytes))));
  assert.equal(
    errors.map(({ code }) => code),
    ['model-unavailable', 'model-unavailable', 'model-unavailable'],
  );
  assert.match(errors[0]!.message, 'models pull');
  await close();

  const other = open(1);
  const early = [other.pool.describe(jpeg), other.pool.describe(jpeg)].map(failure);
  await new Promise((resolve) => setTimeout(resolve, 1));
  await other.threads[0]!.terminate();
  for (const error of await Promise.all(early)) assert.is(error.code, 'model-unavailable');
  await other.close();
});

test('closing lets the images in work end, and cancels the rest', async () => {
  const { pool, threads, close } = open(1);
  await pool.describe(jpeg);
  const jobs = Array.from({ length: 4 }, () => pool.describe(jpeg));
  const outcomes = Promise.allSettled(jobs);
  await new Promise((resolve) => setTimeout(resolve));
  await close();
  const seen = (await outcomes).map((settled) =>
    settled.status === 'fulfilled' ? 'done' : (settled.reason as RetrievalError).code,
  );
  assert.equal(seen, ['done', 'done', 'cancelled', 'cancelled']);
  assert.is(threads.length, 1);
  assert.is((await failure(pool.describe(jpeg))).code, 'cancelled');
});

test('bad arguments', async () => {
  for (const workers of [-1, 0, 65, 1.5, NaN, '2', undefined])
    assert.throws(() => new ExtractorPool(kernels, vocabulary, workers as number), /"workers" expected/);
  const { pool, threads } = open(1);
  for (const wrong of NOT_BYTES) assert.instance(await failure(pool.describe(wrong as Uint8Array)), TypeError);
  assert.is(threads.length, 0);
});

test('errors keep class, code, message and cause across threads', () => {
  const inner = new RangeError('inner');
  const pairs = [
    new RetrievalError('corrupt-image', 'outer', { cause: inner }),
    new TypeError('mistake'),
    inner,
    new AggregateError([inner], 'many'),
  ].map((error) => [error, unpackError(structuredClone(packError(error)))] as const);
  for (const [error, copy] of pairs) {
    assert.equal([copy.message, copy.stack], [error.message, error.stack]);
    assert.is(copy.cause instanceof RangeError, error.cause instanceof RangeError);
  }
  assert.equal(
    pairs.map(([, { constructor }]) => constructor),
    [RetrievalError, TypeError, RangeError, Error],
  );
  assert.is((pairs[0]![1] as RetrievalError).code, 'corrupt-image');
  assert.is(unpackError(packError('text')).message, 'text');
});

test('a program that forgets to close a pool ends all the same', async () => {
  const program = `
    const { loadKernels, loadVocabulary } = await import('${new URL('../src/adapters/package-files.js', import.meta.url).href}');
    const { ExtractorPool } = await import('${new URL('../src/adapters/extractor-pool.js', import.meta.url).href}');
    const pool = new ExtractorPool(await loadKernels(), (await loadVocabulary()).vocabulary, 1);
    const { readFile } = await import('node:fs/promises');
    const { header } = await pool.describe(await readFile(process.argv[1]));
    console.log(header.format);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, join(SAMPLES, 'cat.jpg')]);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  assert.equal([code, out], [0, 'jpeg\n']);
});

test('add with threads stores what add without them stores; no thread has the passphrase', async () => {
  const folder = await temporaryFolder();
  const photos = join(folder.path, 'photos');
  await mkdir(photos);
  for (const [i, bytes] of images.entries()) await writeFile(join(photos, `${i}.jpg`), bytes);
  await writeFile(join(photos, 'cut.jpg'), broken[2]!);
  // Sees all that a thread is given.
  const spy = join(folder.path, 'spy.mjs');
  await writeFile(
    spy,
    `import { syncBuiltinESMExports } from 'node:module';
     import threads from 'node:worker_threads';
     const say = (...what) => process.stderr.write('given ' + JSON.stringify(what) + '\\n');
     threads.Worker = class extends threads.Worker {
       constructor(url, { env, workerData, ...rest }) {
         super(url, { env, workerData, ...rest });
         say('start', Object.keys(env), Object.keys(workerData), Object.keys(workerData.parameters));
       }
       postMessage(message, transfer) {
         say('message', message?.bytes.length ?? message);
         super.postMessage(message, transfer);
       }
     };
     syncBuiltinESMExports();`,
  );
  const sizes = new Set<unknown>([null, ...images.map(({ length }) => length), broken[2]!.length]);
  const key = { cost: { memoryKib: 64, passes: 1, lanes: 1 } };
  const opener = { passphrase: 'correct horse' };
  const codesOf = async ({ client }: Library): Promise<unknown[]> => {
    const ids: Uint8Array[] = [];
    for await (const { id } of client.list()) ids.push(id);
    return (await client.records(ids)).map(([, { name, code }]) => [name, code]).sort();
  };
  const [without, within] = [join(folder.path, 'without'), join(folder.path, 'within')];
  for (const path of [without, within]) await createLibrary(path, opener.passphrase, { key });

  const single = await openLibrary(without, { opener });
  const sources = images.map((bytes, i) => ({ name: `${i}.jpg`, read: () => Promise.resolve(bytes) }));
  for await (const { status } of addImages(single.client, sources)) assert.is(status, 'added');
  const wanted = await codesOf(single);
  assert.is(wanted.length, images.length);
  await single.close();

  const { code, stdout, stderr } = await blindsight(['add', within, photos, '--json', '--workers', '2'], {
    env: { NODE_OPTIONS: `--import ${spy}` },
  });
  assert.is(code, 0, stderr);
  const { added, failed } = JSON.parse(stdout) as { added: number; failed: { code: string }[] };
  assert.equal([added, failed.map((one) => one.code)], [images.length, ['corrupt-image']]);
  const given = stderr.split('\n').filter((line) => line.startsWith('given '));
  let started = 0;
  for (const line of given) {
    const [kind, first, data, parameters] = JSON.parse(line.slice(6)) as [string, string[], string[], string[]];
    if (kind === 'message') assert.ok(sizes.has(first), line);
    else {
      started++;
      assert.not.ok(
        first.some((name) => /PASSPHRASE|TOKEN|NODE_OPTIONS/.test(name)),
        line,
      );
      assert.equal([...data, ...parameters].sort(), ['codebook', 'idf', 'kernels', 'local', 'model', 'parameters']);
    }
  }
  assert.is(started, 2);
  assert.is(given.length, 2 * started + images.length + 1);

  const threaded = await openLibrary(within, { opener, readOnly: true });
  assert.equal(await codesOf(threaded), wanted);
  await threaded.close();
  await folder.remove();
});

test.run();
