/** What a bundler makes of the portable entries: no native code, and at most so many bytes. */
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

/** Bytes of JavaScript after gzip, without the kernels, and without what is loaded when it is first needed: key derivation, recovery words. */
const LIMIT = 60_000;
/** Of that. */
const LATE_LIMIT = 30_000;

const test = suite('bundle size');

/** Bytes after gzip of what an entry needs at once, and of what it loads late. */
async function sizeOf(entry: string): Promise<{ atOnce: number; late: number }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, '..', 'src', `${entry}.js`)],
    ...{ bundle: true, splitting: true, minify: true, format: 'esm', platform: 'browser', outdir: '.' },
    ...{ write: false, metafile: true, logLevel: 'silent' },
  });
  assert.not.ok(Object.keys(metafile.inputs).some((path) => /lmdb\/|sharp|onnxruntime|\.node$/.test(path)));
  const atOnce = new Set<string>();
  const visit = (path: string): void => {
    if (atOnce.has(path)) return;
    atOnce.add(path);
    for (const { path: next, kind } of metafile.outputs[path]!.imports) if (kind === 'import-statement') visit(next);
  };
  visit(`${entry}.js`);
  const bytes = { atOnce: 0, late: 0 };
  for (const path of Object.keys(metafile.outputs)) {
    const { contents } = outputFiles.find((file) => file.path === resolve(path))!;
    bytes[atOnce.has(path) ? 'atOnce' : 'late'] += gzipSync(contents).length;
  }
  return bytes;
}

for (const [entry, name] of [
  ['index', 'blindsight'],
  ['server', 'blindsight/server'],
] as const)
  test(`${name} is at most ${LIMIT} bytes after gzip`, async () => {
    const { atOnce, late } = await sizeOf(entry);
    assert.ok(atOnce > 1000 && atOnce <= LIMIT, `${atOnce} bytes`);
    assert.ok(late <= LATE_LIMIT, `${late} bytes late`);
  });

test.run();
