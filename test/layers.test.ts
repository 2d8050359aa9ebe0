/** The architecture, as a test: who may import whom, and which packages. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Who may import whom. The server is the party that must learn nothing: it cannot reach a key. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  wasm: ['base'],
  search: ['base', 'wasm'],
  image: ['base', 'wasm'],
  features: ['base', 'wasm', 'image'],
  codes: ['base', 'wasm'],
  crypto: ['base', 'wasm'],
  index: ['base', 'wasm', 'search'],
  protocol: ['base'],
  client: ['base', 'wasm', 'search', 'image', 'features', 'codes', 'crypto', 'protocol'],
  server: ['base', 'wasm', 'search', 'index', 'protocol'],
  stores: ['base', 'index'],
  // What a page shows: it sees pictures, and no key. The worker has those.
  page: ['base'],
  'page-worker': ['base', 'wasm', 'image', 'features', 'codes', 'crypto', 'protocol', 'client', 'adapters', 'page'],
  train: ['base', 'wasm', 'image', 'features', 'codes', 'crypto', 'eval'],
};

/** Which npm and `node:` modules a layer may import; none unless listed. `adapters`, `cli`, `eval` and the entries pick implementations. */
const MAY_USE: Record<string, RegExp> = {
  crypto: /^(@noble\/(hashes|ciphers)\/|@scure\/bip39|hash-wasm|age-encryption)/,
  server: /^(hono$|@noble\/hashes\/)/,
  stores: /^(lmdb|node:|@noble\/hashes\/)/,
  train: /^@noble\/hashes\//,
  codes: /^@noble\/hashes\//,
  client: /^@noble\/hashes\//,
  'page-worker': /^(client-zip|onnxruntime-web\/wasm)$/,
};

const SRC = join(import.meta.dirname, '..', '..', 'src');
// Static imports and exports, dynamic imports, imports for their side effects, and what `createRequire` makes.
const IMPORT = /(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g;

const test = suite('layers');

test('layers import only downwards, and only the packages they may', async () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const entry of await readdir(SRC, { recursive: true })) {
    if (!entry.endsWith('.ts')) continue;
    const [layer = ''] = entry.split('/');
    const allowed = MAY_IMPORT[layer];
    if (allowed === undefined) continue;
    seen++;
    const text = await readFile(join(SRC, entry), 'utf8');
    for (const [, path = ''] of text.matchAll(IMPORT)) {
      if (path.startsWith('.')) {
        const [target = ''] = relative(SRC, join(SRC, entry, '..', path)).split('/');
        if (target !== layer && !allowed.includes(target)) wrong.push(`${entry} -> ${target}`);
      } else if (!MAY_USE[layer]?.test(path)) wrong.push(`${entry} -> ${path}`);
    }
  }
  assert.equal(wrong, []);
  assert.ok(seen > 3, 'no source file was read');
});

test('the entries for every runtime reach no node: module and no native package', async () => {
  const NATIVE = /^(node:|lmdb|sharp|onnxruntime-node|jimp)/;
  const wrong: string[] = [];
  const visit = async (file: string, seen: Set<string>): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = await readFile(join(SRC, file), 'utf8').catch(() => '');
    for (const [, path = ''] of text.matchAll(IMPORT))
      if (path.startsWith('.')) await visit(relative(SRC, join(SRC, file, '..', path)), seen);
      else if (NATIVE.test(path)) wrong.push(`${file} -> ${path}`);
  };
  await visit('index.ts', new Set());
  await visit('server.ts', new Set());
  assert.equal(wrong, []);
});

test('the browser page reaches no key: its worker has types of it alone, and of adapters one that is portable', async () => {
  const wrong: string[] = [];
  for (const name of await readdir(join(SRC, 'page-worker'))) {
    const text = await readFile(join(SRC, 'page-worker', name), 'utf8');
    for (const [line, path = ''] of text.matchAll(/^import[^;]*?from '([^']+)';/gms)) {
      if (path.startsWith('../page/') && !line.startsWith('import type')) wrong.push(`${name} -> ${path}`);
      if (path.startsWith('../adapters/') && path !== '../adapters/onnx-model.ts') wrong.push(`${name} -> ${path}`);
    }
  }
  assert.equal(wrong, []);
});

test.run();
