/**
 * The golden queries: the same ids in the same order under Node, Deno, Bun, workerd and Chromium, under each ranking. `npm run golden` prints
 * the table. After a change of the bundled model or vocabulary, `node build/test/golden-queries-run.js > test/golden/queries.json`.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { chromium } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from './command.ts';
import { makeGoldenInput } from './golden-input.ts';
import type { GoldenAnswer } from './golden-queries.ts';
import { BUN, CHROMIUM, RUNTIMES } from './runtimes.ts';
import { where } from './where.ts';

interface GoldenFile {
  readonly model: string;
  readonly answers: readonly Omit<GoldenAnswer, 'ranking'>[];
}

/** Most that a score may differ by: `Math.exp` and its like are the engine's own. */
const SCORE_BOUND = 2e-6;

const test = suite('golden queries');
const ROOT = join(import.meta.dirname, '..', '..');
const MODULE = join(import.meta.dirname, 'golden-queries.js');
const KERNELS = join(ROOT, 'build', 'kernels.wasm');
const folder = await temporaryFolder();
const inputFile = join(folder.path, 'input.json');
const vocabularyFile = join(folder.path, 'vocabulary');
const golden = JSON.parse(await readFile(join(ROOT, 'test', 'golden', 'queries.json'), 'utf8')) as GoldenFile;
const { input, model, vocabulary } = await makeGoldenInput();
await writeFile(inputFile, JSON.stringify(input));
await writeFile(vocabularyFile, vocabulary);
const lines: string[] = [];

test.after(async () => {
  await folder.remove();
  console.log(`| runtime | version | queries x rankings | equal ids, in order | largest difference of a score |`);
  console.log(`| --- | --- | ---: | ---: | ---: |`);
  for (const line of lines) console.log(line);
});

/** A program of one file that answers the golden queries, for runtimes without files. */
async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    external: ['./kernels.wasm', './vocabulary.bin'],
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

function command([program, ...args]: readonly [string, ...string[]]): () => Promise<[string, GoldenAnswer[]]> {
  const run = async (...words: string[]): Promise<string> =>
    (
      await promisify(execFile)(program, words, {
        cwd: ROOT,
        maxBuffer: 1 << 26,
        env: { ...process.env, NO_COLOR: '1' },
      })
    ).stdout;
  return async () => {
    const version = /\d+\.\d+\.\d+/.exec(await run('--version'))![0];
    const script = join('build', 'test', 'golden-queries-run.js');
    return [version, JSON.parse(await run(...args, script, inputFile, KERNELS, vocabularyFile)) as GoldenAnswer[]];
  };
}

async function inWorkerd(): Promise<[string, GoldenAnswer[]]> {
  const contents = await bundle(`
    import kernels from './kernels.wasm';
    import vocabulary from './vocabulary.bin';
    import { answerGolden } from ${JSON.stringify(MODULE)};
    export default {
      fetch: async (request) => Response.json(await answerGolden(kernels, new Uint8Array(vocabulary), await request.json())),
    };`);
  const miniflare = new Miniflare({
    compatibilityDate: '2025-01-01',
    modules: [
      { type: 'ESModule', path: 'worker.js', contents },
      { type: 'CompiledWasm', path: 'kernels.wasm', contents: new Uint8Array(await readFile(KERNELS)) },
      { type: 'Data', path: 'vocabulary.bin', contents: new Uint8Array(vocabulary) },
    ],
  });
  try {
    const url = await miniflare.ready;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(input) });
    if (response.status !== 200) throw new Error(await response.text());
    const { version } = JSON.parse(await readFile(join(ROOT, 'node_modules', 'workerd', 'package.json'), 'utf8')) as {
      version: string;
    };
    return [version, (await response.json()) as GoldenAnswer[]];
  } finally {
    await miniflare.dispose();
  }
}

async function inChromium(): Promise<[string, GoldenAnswer[]]> {
  const script = await bundle(`
    import { answerGolden } from ${JSON.stringify(MODULE)};
    const get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
    globalThis.answer = async () => answerGolden(
      await WebAssembly.compile(await get('/kernels')), await get('/vocabulary'), await (await fetch('/input')).json());`);
  const files: Record<string, [string, string | Uint8Array]> = {
    '/': ['text/html', '<!doctype html><title>golden queries</title><script type="module" src="/script"></script>'],
    '/script': ['text/javascript', script],
    '/kernels': ['application/wasm', await readFile(KERNELS)],
    '/vocabulary': ['application/octet-stream', vocabulary],
    '/input': ['application/json', JSON.stringify(input)],
  };
  const server = createServer(({ url = '' }, response) => {
    const [type, body] = files[url] ?? ['text/plain', ''];
    response.writeHead(url in files ? 200 : 404, { 'content-type': type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.answer !== undefined');
    return [browser.version(), (await page.evaluate('answer()')) as GoldenAnswer[]];
  } finally {
    await browser.close();
    server.close();
  }
}

test('the golden file is of the bundled model, and copies of a photo find it', () => {
  assert.is(golden.model, model);
  const copies = golden.answers.filter(({ query }) => query.startsWith('copy of '));
  assert.is(golden.answers.length, input.queries.length);
  assert.ok(copies.length > 3);
  for (const { query, names } of copies) assert.is(`copy of ${names[0]}`, query);
});

for (const [runtime, program, answer] of [
  ['Node', process.execPath, command([process.execPath])],
  ['Deno', RUNTIMES.Deno.reading[0], command(RUNTIMES.Deno.reading)],
  ['Bun', BUN, command(RUNTIMES.Bun.reading)],
  ['workerd', join(ROOT, 'node_modules', 'workerd'), inWorkerd],
  ['Chromium', CHROMIUM, inChromium],
] as const) {
  const here = existsSync(program);
  if (!here) lines.push(`| ${runtime} | not here: skipped | | | |`);
  const inRuntime = where(here, test, `${program} is not here`);
  inRuntime(`${runtime}: the same ids in the same order`, async () => {
    const [version, answers] = await answer();
    let equal = 0;
    let difference = 0;
    for (const { query, ranking, ids, names, scores } of answers) {
      const wanted = golden.answers.find((candidate) => candidate.query === query)!;
      assert.equal([ids, names], [wanted.ids, wanted.names], `${query}, ranking ${ranking}`);
      equal++;
      for (const [i, score] of scores.entries()) difference = Math.max(difference, Math.abs(score - wanted.scores[i]!));
    }
    lines.push(`| ${runtime} | ${version} | ${answers.length} | ${equal} | ${difference.toExponential(0)} |`);
    assert.is(answers.length, 3 * golden.answers.length);
    assert.ok(difference <= SCORE_BOUND, `a score differs by ${difference}`);
  });
}

test.run();
