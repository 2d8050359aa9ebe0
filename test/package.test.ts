/** What `npm pack` makes, in a project of its own that has only the declared dependencies: it imports, types check, the command runs. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SAMPLES, temporaryFolder } from './command.ts';
import { RUNTIMES } from './runtimes.ts';
import { LONG } from './support.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const test = suite('package');
const folder = await temporaryFolder();
const modules = join(folder.path, 'node_modules');
const installed = join(modules, 'blindsight');

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

async function runIn(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, args, { cwd: folder.path, maxBuffer: 1 << 26 }).catch(
    (error: { stdout: string; stderr: string }) => assert.unreachable(error.stdout + error.stderr) as never,
  );
  return stdout;
}

// Under `npm test` the path begins with our development dependencies, which bring an npm of long ago.
const npm = process.env['npm_execpath'];
const [program, ...first] = npm === undefined ? ['npm'] : [process.execPath, npm];
let tarball = '';

test.before(async () => {
  const { stdout } = await run(
    program!,
    [...first, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder.path],
    { cwd: ROOT, maxBuffer: 1 << 26 },
  );
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  const stray = files.filter(({ path }) =>
    /^(test|bench|assembly|build\/(test|bench)|models\/train|node_modules)\//.test(path),
  );
  assert.equal(stray, []);
  tarball = join(folder.path, filename);
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  const { dependencies, optionalDependencies } = JSON.parse(
    await readFile(join(installed, 'package.json'), 'utf8'),
  ) as Manifest;
  // Not the development dependencies: who imports one of those is found out. @types/node is what a user of Node's types has.
  for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), '@types/node', 'undici-types']) {
    const from = join(ROOT, 'node_modules', name);
    if (!existsSync(from)) continue;
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(from, join(modules, name));
  }
  await writeFile(join(folder.path, 'package.json'), '{"type":"module"}');
});
test.after(() => folder.remove());

test('all entries can be imported, and the kernels found', async () => {
  const program = join(folder.path, 'entries.js');
  await writeFile(
    program,
    `import * as core from 'blindsight';
    import * as client from 'blindsight/client';
    import * as server from 'blindsight/server';
    import { readFileSync } from 'node:fs';
    import { fileURLToPath } from 'node:url';
    const kernels = await core.compileKernels(readFileSync(fileURLToPath(import.meta.resolve('blindsight/kernels.wasm'))));
    console.log([typeof core.Client, client.Client === core.Client, typeof server.createServer, kernels instanceof WebAssembly.Module].join(' '));`,
  );
  assert.is(await runIn(process.execPath, program), 'function true function true\n');
  for (const [runtime, { native }] of Object.entries(RUNTIMES)) {
    const [command, ...args] = native;
    if (existsSync(command))
      assert.is(await runIn(command, ...args, program), 'function true function true\n', runtime);
    else console.log(`skipped: ${runtime}: ${command} is not here`);
  }
});

test('a library of sample photos, with the bundled model and vocabulary, through the installed command', async () => {
  const command = join(installed, 'build', 'src', 'cli', 'main.js');
  assert.match(await runIn(process.execPath, command, '--help'), 'Usage: blindsight');
  const program = join(folder.path, 'library.js');
  await writeFile(
    program,
    `import { addImages, createLibrary, openLibrary } from 'blindsight/node';
    import { readFile } from 'node:fs/promises';
    const [path, ...photos] = process.argv.slice(2);
    await createLibrary(path, 'correct horse');
    const library = await openLibrary(path, { opener: { passphrase: 'correct horse' } });
    const sources = photos.map((name) => ({ name, read: () => readFile(name) }));
    for await (const { status } of addImages(library.client, sources)) console.log(status);
    const { matches } = await library.client.search(await library.client.query(await readFile(photos[0])), { k: 1 });
    console.log(matches[0].name === photos[0]);
    await library.close();`,
  );
  const photos = ['cat.jpg', 'bricks.jpg'].map((name) => join(SAMPLES, name));
  assert.is(await runIn(process.execPath, program, join(folder.path, 'library'), ...photos), 'added\nadded\ntrue\n');
});

for (const [module, resolution] of [
  ['node16', 'node16'],
  ['esnext', 'bundler'],
] as const)
  test(`types check under moduleResolution ${resolution}`, async () => {
    const program = join(folder.path, `types-${resolution}.ts`);
    await writeFile(
      program,
      `import { Client, type SearchResult } from 'blindsight';
      import { createServer, createHandler } from 'blindsight/server';
      import { openLibrary } from 'blindsight/node';
      export const search = async (client: Client, bytes: Uint8Array): Promise<SearchResult> => client.search(await client.query(bytes), { k: 3 });
      export const parts = [createServer, createHandler, openLibrary];
      // @ts-expect-error: k is a number.
      export const wrong = (client: Client, bytes: Uint8Array) => client.query(bytes).then((query) => client.search(query, { k: 'three' }));`,
    );
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--types', 'node'];
    await runIn(
      process.execPath,
      join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
      ...[...flags, '--module', module, '--moduleResolution', resolution, program],
    );
  });

// It needs the registry; the other tests do not.
for (const version of LONG ? ['10', '11'] : [])
  test(`npm ${version} installs it in an empty project, with all that it depends on`, async () => {
    const project = join(folder.path, `npm-${version}`);
    await mkdir(project);
    await writeFile(join(project, 'package.json'), '{"type":"module"}');
    // What an npm that runs the tests says of itself is not for this one.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(registry|cache))/.test(name)),
    );
    const install = ['install', '--no-audit', '--no-fund', tarball];
    await run(program!, [...first, 'exec', '--yes', '--', `npm@${version}`, ...install], { cwd: project, env });
    const { stdout } = await run(
      process.execPath,
      ['-e', "import('blindsight/node').then((all) => console.log(typeof all.openLibrary))"],
      { cwd: project },
    );
    assert.is(stdout, 'function\n');
    const command = join(project, 'node_modules', '.bin', 'blindsight');
    const found = JSON.parse((await run(command, ['demo', '--json'], { cwd: project, maxBuffer: 1 << 26 })).stdout) as {
      queries: number;
      sameFirst: number;
    };
    assert.ok(found.queries > 0 && found.sameFirst === found.queries);
  });

test.run();
