/** `blindsight models` against a server of the test's own, with all that can go wrong on the way. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { download } from '../src/adapters/download.ts';
import { withOutput } from '../src/adapters/onnx-graph.ts';
import { importModel, listModels, pullModel } from '../src/adapters/models.ts';
import { findModel, loadVocabulary, type ModelDownload, type ModelEntry } from '../src/adapters/package-files.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { FEATURES } from '../src/codes/block.ts';
import { createVocabulary, encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { SAMPLES, answerOf, blindsight, startBlindsight, temporaryFolder, type Outcome } from './command.ts';
import { floats } from './support.ts';
import { TINY_DIMS, TINY_SIDE, tinyOnnx } from './tiny-onnx.ts';
import { smallContent } from './vocabulary-support.ts';
import { where } from './where.ts';

const test = suite('models');
const temporary = await temporaryFolder();
const FILE = Buffer.from(tinyOnnx());
const HALF = Math.floor(FILE.length / 2);
const KEPT = withOutput(FILE, 'pool5_1');
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What the server does with a request for each path. `asked` holds the ranges that were asked for. */
const asked: (string | undefined)[] = [];
function serve(response: ServerResponse, from: number, file: Uint8Array = FILE): void {
  const headers = { 'content-length': file.length - from };
  if (from > 0)
    response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` });
  else response.writeHead(200, headers);
  response.end(file.subarray(from));
}
const paths: Record<string, (response: ServerResponse, from: number) => void> = {
  '/good': (response, from) => serve(response, from),
  '/no-ranges': (response) => serve(response, 0),
  '/altered': (response, from) => serve(response, from, Buffer.from(FILE).fill(0, 100, 101)),
  '/pointer': (response) => serve(response, 0, Buffer.alloc(133)),
  '/longer': (response) => {
    response.writeHead(200);
    response.end(Buffer.concat([FILE, FILE]));
  },
  '/short': (response) => {
    response.writeHead(200);
    response.end(FILE.subarray(0, HALF));
  },
  '/cut': (response) => {
    response.writeHead(200, { 'content-length': FILE.length });
    response.write(FILE.subarray(0, HALF), () => setTimeout(() => response.destroy(), 100));
  },
  '/silent': (response) => {
    response.writeHead(200, { 'content-length': FILE.length });
    response.write(FILE.subarray(0, HALF));
  },
  '/broken': (response) => response.writeHead(500).end('no'),
};
const server = createServer((request, response) => {
  const { range } = request.headers;
  asked.push(range);
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const answer = paths[request.url ?? ''];
  if (answer === undefined) response.writeHead(404).end('not found');
  else answer(response, from);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

test.before.each(() => void asked.splice(0));
test.after(async () => {
  server.closeAllConnections();
  server.close();
  await temporary.remove();
});

/** A folder of models whose manifest knows one download, `tiny`: from now on the user's. */
async function folder(name: string, facts: Partial<ModelDownload> = {}): Promise<string> {
  const path = join(temporary.path, name);
  await mkdir(path, { recursive: true });
  const tiny: ModelDownload = {
    id: 'tiny',
    url: `${base}/good`,
    bytes: FILE.length,
    sha256: hash(FILE),
    inputSide: TINY_SIDE,
    inputFit: 'square',
    channels: 'bgr',
    dims: TINY_DIMS,
    licence: 'Apache-2.0',
    origin: 'made by the test',
    ...facts,
  };
  await writeFile(join(path, 'manifest.json'), JSON.stringify({ downloads: [tiny] }));
  process.env['BLINDSIGHT_MODELS'] = path;
  return path;
}

/** The message of a failed command, whose code must be this. */
function refused({ code, stdout, stderr }: Outcome, expected: string): string {
  assert.is(code, 1, stderr);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  assert.is(error.code, expected, error.message);
  assert.match(stderr, `(${expected})`);
  return error.message;
}

/** Fetches `tiny`, from its own address or another path. */
async function pull(from?: string): Promise<'pulled' | RetrievalError> {
  try {
    await pullModel('tiny', from === undefined ? {} : { from: URL.canParse(from) ? from : base + from });
    return 'pulled';
  } catch (error) {
    if (error instanceof RetrievalError) return error;
    throw error;
  }
}

async function failed(from: string | undefined, expected: string): Promise<string> {
  const outcome = await pull(from);
  assert.ok(outcome !== 'pulled', `expected ${expected}`);
  assert.is(outcome.code, expected, outcome.message);
  return outcome.message;
}

test('list shows what is here and what can be fetched, with the zoo file as its hub lists it', async () => {
  await folder('list');
  const models = await listModels();
  const states = models.map(({ id, state, used }) => [id, state, used]);
  assert.equal(states, [
    ['densenet121-distilled', 'bundled', true],
    ['densenet121-imagenet', 'remote', false],
    ['tiny', 'remote', false],
  ]);
  const { bytes, sha256, dims } = models[1]!;
  assert.equal([bytes, dims], [32726877, 1024]);
  assert.is(sha256, '0294e7e88e5b3360de9b0fdc321baf9e6ef18b7f058c4536caae3b9f18ed9ed5');
});

test('pull fetches, checks, adds the pooled output, and keeps both checksums', async () => {
  const path = await folder('pull');
  const entry = await answerOf<ModelEntry & { known: boolean }>(['models', 'pull', 'tiny']);
  assert.equal([entry.known, entry.input, entry.output, entry.dims], [false, 'data_0', 'pool5_1', TINY_DIMS]);
  assert.equal([entry.sha256, entry.source?.sha256], [hash(KEPT), hash(FILE)]);
  assert.equal(new Uint8Array(await readFile(join(path, entry.file))), KEPT);
  assert.equal((await readdir(path)).sort(), ['manifest.json', 'tiny.onnx']);
  const again = await pullModel('tiny');
  assert.equal([again.known, asked.length], [true, 1]);
  // A damaged file is fetched anew.
  await writeFile(join(path, 'tiny.onnx'), KEPT.subarray(1));
  assert.is((await pullModel('tiny')).known, false);
  assert.is(hash(await readFile(join(path, 'tiny.onnx'))), hash(KEPT));
});

test('a connection that is cut half way: what came is kept, and the next call asks for the rest only', async () => {
  const path = await folder('cut');
  const message = await failed('/cut', 'download-failed');
  assert.match(message, `${HALF} of ${FILE.length} bytes are here`);
  assert.is((await stat(join(path, 'tiny.download'))).size, HALF);
  assert.not.ok((await readdir(path)).includes('tiny.onnx'));
  assert.is(await pull(), 'pulled');
  assert.equal(asked, [undefined, `bytes=${HALF}-`]);
  assert.is(hash(await readFile(join(path, 'tiny.onnx'))), hash(KEPT));
});

test('an answer that ends too early without saying so is kept too', async () => {
  await folder('short');
  await failed('/short', 'download-failed');
  assert.is(await pull(), 'pulled');
  assert.is(asked[1], `bytes=${HALF}-`);
});

test('a killed process: the next one takes its lock over, and goes on', async () => {
  const path = await folder('killed');
  const args = ['models', 'pull', 'tiny', '--from', `${base}/silent`];
  const running = startBlindsight(args);
  // The server has gone silent after half of the file.
  const arrived = async (): Promise<number> =>
    (await stat(join(path, 'tiny.download')).catch(() => undefined))?.size ?? 0;
  while (running.child.exitCode === null && (await arrived()) < HALF) await new Promise((wake) => setTimeout(wake, 20));
  running.child.kill('SIGKILL');
  assert.is((await running.outcome).signal, 'SIGKILL');
  assert.is((await stat(join(path, 'tiny.download'))).size, HALF);
  assert.is(await pull(), 'pulled');
  assert.is(asked[1], `bytes=${HALF}-`);
});

test('a server without ranges starts anew; one whole partial file needs no server', async () => {
  const path = await folder('no-ranges');
  await writeFile(join(path, 'tiny.download'), FILE.subarray(0, HALF));
  assert.is(await pull('/no-ranges'), 'pulled');
  const other = await folder('whole');
  await writeFile(join(other, 'tiny.download'), FILE);
  assert.is(await pull(), 'pulled');
  assert.is(asked.length, 1);
});

test('a wrong file is refused and deleted: other bytes, another length, a pointer instead of the file', async () => {
  const path = await folder('wrong');
  for (const from of ['/altered', '/pointer', '/longer']) {
    await failed(from, 'wrong-checksum');
    assert.equal(await readdir(path), ['manifest.json'], from);
  }
  // A partial file of something else, and an honest server for the rest.
  await writeFile(join(path, 'tiny.download'), Buffer.alloc(HALF, 1));
  await failed(undefined, 'wrong-checksum');
  assert.is(await pull(), 'pulled');
});

test('the official file is not taken from a server that has another', async () => {
  await folder('official');
  const outcome = await blindsight(['models', 'pull', 'densenet121-imagenet', '--from', `${base}/good`, '--json']);
  assert.match(refused(outcome, 'wrong-checksum'), '32726877');
});

test('404, 500, no server, no such host: each is told', async () => {
  const path = await folder('errors');
  assert.match(await failed('/nowhere', 'not-found'), '404');
  assert.match(await failed('/broken', 'download-failed'), '500');
  for (const from of ['http://127.0.0.1:1/x', 'http://nowhere.invalid/x'])
    assert.match(await failed(from, 'download-failed'), 'cannot be reached');
  assert.equal((await readFile(join(path, 'tiny.download'))).length, 0);
  const unknown = await blindsight(['models', 'pull', 'nothing', '--json']);
  assert.match(refused(unknown, 'not-found'), 'densenet121-imagenet');
  assert.is((await blindsight(['models', 'pull', 'tiny', '--from', 'file:///etc/passwd'])).code, 2);
});

test('a model with other dimensions than promised, or that is none, is not kept', async () => {
  const path = await folder('dims', { dims: 7 });
  await failed(undefined, 'parameter-mismatch');
  assert.not.ok((await readdir(path)).includes('tiny.onnx'));
  const junk = Buffer.alloc(1000, 0xff);
  const other = await folder('junk', { bytes: junk.length, sha256: hash(junk) });
  await writeFile(join(other, 'tiny.download'), junk);
  await failed(undefined, 'model-unavailable');
});

test('a server that falls silent is given up, and a stop is a stop', async () => {
  const path = join(temporary.path, 'silent');
  const url = new URL(`${base}/silent`);
  const options = { bytes: FILE.length, sha256: hash(FILE) };
  const ended = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
    );
  assert.match(await ended(download(url, path, { ...options, idleMs: 300 })), /^download-failed: .*silent for 0.3 s/);
  const controller = new AbortController();
  const stopped = download(url, `${path}-2`, {
    ...options,
    signal: controller.signal,
    onProgress: (received) => received > 0 && controller.abort(),
  });
  assert.match(await ended(stopped), /^cancelled/);
});

// A small file system of its own, where that can be made.
const small = join(temporary.path, 'small');
let mounted = false;
try {
  await mkdir(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
  mounted = true;
} catch {
  // Not root, or no tmpfs here.
}
const onSmallDisk = where(mounted, test, 'no tmpfs can be mounted');

onSmallDisk('a full disk: told, and with room it goes on', async () => {
  const path = await folder('small');
  try {
    await failed(undefined, 'storage-full');
    const { size } = await stat(join(path, 'tiny.download'));
    assert.ok(size > 0 && size < FILE.length);
    execFileSync('mount', ['-o', 'remount,size=2m', small]);
    assert.is(await pull(), 'pulled');
    assert.is(asked[1], `bytes=${size}-`);
  } finally {
    execFileSync('umount', ['-l', small]);
  }
});

test('import finds names, side and feature; a known file becomes the known model', async () => {
  const path = await folder('import');
  const file = join(temporary.path, 'mine.onnx');
  await writeFile(file, tinyOnnx('embedding', ['height', 'width']));
  const mine = await answerOf<ModelEntry>(['models', 'import', file, '--side', '48']);
  assert.equal(
    [mine.id, mine.input, mine.output, mine.inputSide, mine.inputFit, mine.dims],
    ['mine', 'data_0', 'embedding', 48, 'area', TINY_DIMS],
  );
  assert.is(mine.sha256, hash(await readFile(join(path, 'mine.onnx'))));
  const scores = await importModel(file, { id: 'scores', output: 'fc6_1' });
  assert.equal([scores.dims, scores.sha256], [512, hash(await readFile(file))]);
  await writeFile(file, FILE);
  const known = await importModel(file);
  assert.equal([known.id, known.channels, known.inputFit], ['tiny', 'bgr', 'square']);
  const wrong = (work: Promise<unknown>, expected: RegExp): Promise<void> =>
    work.then(
      () => assert.unreachable(`expected ${expected}`),
      (error: { code?: string; name: string }) => assert.match(error.code ?? error.name, expected),
    );
  await wrong(importModel(join(SAMPLES, 'cat.jpg')), /^model-unavailable$/);
  await wrong(importModel(join(temporary.path, 'none.onnx')), /^not-found$/);
  await writeFile(file, tinyOnnx('embedding'));
  await wrong(importModel(file, { output: 'nothing' }), /^parameter-mismatch$/);
  await wrong(importModel(file, { id: 'densenet121-distilled' }), /^parameter-mismatch$/);
  await wrong(importModel(file, { id: '../up' }), /^RangeError$/);
  await writeFile(file, tinyOnnx('embedding', [32, 48]));
  await wrong(importModel(file), /^parameter-mismatch$/);
});

/** A vocabulary of seeded numbers that goes with `tiny`. */
function tinyVocabulary(): Uint8Array {
  const content = smallContent();
  const dims = { ehd: 150, bow: content.idf.length, deep: TINY_DIMS };
  const blocks = { ...content.blocks };
  for (const feature of FEATURES)
    blocks[feature] = {
      ...blocks[feature],
      dims: dims[feature],
      mean: floats(dims[feature], 1),
      matrix: floats(blocks[feature].bits * dims[feature], 2),
    };
  const model = { id: 'tiny', sha256: hash(KEPT), dims: TINY_DIMS, inputSide: TINY_SIDE, inputFit: 'square' as const };
  return encodeVocabulary(createVocabulary({ ...content, model, blocks, deepMean: floats(TINY_DIMS, 3) }));
}

test('use names the default, says what to index anew, and a library is made with it', async () => {
  await folder('use');
  const vocabulary = join(temporary.path, 'tiny.vocabulary');
  const library = join(temporary.path, 'library');
  await writeFile(vocabulary, tinyVocabulary());
  refused(await blindsight(['models', 'use', 'tiny', '--json']), 'model-unavailable');
  assert.is((await findModel()).entry.id, 'densenet121-distilled');
  assert.is(await pull(), 'pulled');
  const first = await blindsight(['models', 'use', 'tiny']);
  assert.match(first.stdout, 'blindsight train PHOTOS');
  assert.is((await findModel()).entry.id, 'tiny');
  assert.is((await loadVocabulary()).vocabulary.model.id, 'densenet121-distilled');
  await answerOf(['models', 'use', 'tiny', '--vocabulary', vocabulary]);
  await answerOf(['init', library]);
  assert.is((await answerOf<{ added: number }>(['add', library, join(SAMPLES, 'cat.jpg')])).added, 1);
  assert.is((await answerOf<{ model: string }>(['info', library])).model, 'tiny');
  const told = await answerOf<{ libraries: unknown[] }>(['models', 'use', 'densenet121-distilled', library]);
  assert.equal(told.libraries, [{ library, model: 'tiny', reindex: true }]);
  assert.is((await loadVocabulary()).vocabulary.model.id, 'densenet121-distilled');
  const wrong = ['models', 'use', 'densenet121-distilled', '--vocabulary', vocabulary, '--json'];
  refused(await blindsight(wrong), 'parameter-mismatch');
});

test('every part of the command has examples', async () => {
  for (const part of ['list', 'pull', 'use', 'import', 'measure'])
    assert.match((await blindsight(['models', part, '--help'])).stdout, /Examples:\n {2}\$ blindsight models/);
});

test.run();
