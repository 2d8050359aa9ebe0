/** What a bundler makes of the portable entries: no native code, and at most so many bytes. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

/** Bytes of JavaScript after gzip, without the kernels. */
const LIMIT = 60_000;

const test = suite('bundle size');

test(`blindsight/server is at most ${LIMIT} bytes after gzip`, async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, '..', 'src', 'server.js')],
    ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', write: false, metafile: true },
    logLevel: 'silent',
  });
  assert.not.ok(Object.keys(metafile.inputs).some((path) => /lmdb\/|sharp|onnxruntime|\.node$/.test(path)));
  const bytes = gzipSync(outputFiles[0]!.contents).length;
  assert.ok(bytes > 1000 && bytes <= LIMIT, `${bytes} bytes`);
});

test.run();
