/**
 * Bundles the browser page: `src/page` and `src/page-worker` to `build/page`. `npm run build:page`.
 *
 * ONNX Runtime is not bundled: it is served as it is installed. What is bundled brings its licences along (`licences.txt`).
 */
import { build } from 'esbuild';
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = import.meta.dirname;
const out = join(root, 'build', 'page');

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/page/main.ts', worker: 'src/page-worker/worker.ts' },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  outdir: out,
  metafile: true,
  logLevel: 'warning',
  // Reached on other runtimes alone.
  external: ['node:*', 'onnxruntime-node', 'onnxruntime-web'],
});
for (const name of ['index.html', 'page.css', 'icon.svg'])
  await copyFile(join(root, 'src', 'page', name), join(out, name));

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const found = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (found !== null) packages.add(found[1]);
}
const licences = [];
for (const name of [...packages].sort()) {
  const folder = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  licences.push(
    `${name} ${version} (${license})\n\n${file === undefined ? '' : await readFile(join(folder, file), 'utf8')}`,
  );
}
await writeFile(join(out, 'licences.txt'), licences.join(`\n${'-'.repeat(72)}\n\n`));
await writeFile(join(root, 'build', 'page.meta.json'), JSON.stringify(metafile));
