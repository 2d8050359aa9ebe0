/**
 * Golden descriptors and codes: the same pixels give the same numbers on every runtime, and the same code but for bits
 * that were undecided. `node build/test/golden-run.js native sharp > test/golden/descriptors.json` makes them anew.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadVocabulary } from '../src/adapters/package-files.ts';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { temporaryFolder } from './command.ts';
import { DENO } from './runtimes.ts';
import { where } from './where.ts';

interface Golden {
  readonly model: string;
  readonly vocabulary: string;
  readonly photos: readonly { name: string; code: string; margins: readonly number[]; deep: readonly number[] }[];
}

const test = suite('golden');
const ROOT = join(import.meta.dirname, '..', '..');
const golden = JSON.parse(await readFile(join(ROOT, 'test', 'golden', 'descriptors.json'), 'utf8')) as Golden;
const noModels = await temporaryFolder();

/**
 * Most that a number of the deep descriptor may differ by, and the margin (in training deviations) from which on a bit
 * must be the same. Decoders round pixels differently, which moves far more than the order of a runtime's sums.
 */
const SAME_PIXELS = { deep: 1e-4, margin: 1e-3 };
const OTHER_DECODER = { deep: 0.05, margin: 0.3 };

test.after(() => noModels.remove());

const bit = (code: Uint8Array, at: number): number => (code[at >> 3]! >> (at & 7)) & 1;

test('the golden file is of the bundled vocabulary and its model', async () => {
  const { vocabulary } = await loadVocabulary('caltech101');
  assert.is(golden.model, vocabulary.model.sha256);
  assert.is(golden.vocabulary, toHex(vocabulary.fingerprint));
  assert.ok(golden.photos.every(({ deep }) => deep.length === vocabulary.model.dims && Math.max(...deep) > 0.1));
  // Bits are the signs of the margins.
  for (const { code, margins } of golden.photos)
    for (const [i, margin] of margins.entries())
      if (margin !== 0) assert.is(bit(fromHex(code)!, i), margin > 0 ? 1 : 0);
});

const DENO_RUN = [DENO, 'run', '--quiet', '--no-lock', '--allow-all'];
for (const [name, command, bounds] of [
  ['Node, onnxruntime-node', [process.execPath, '-native', '-sharp'], SAME_PIXELS],
  ['Node, onnxruntime-web', [process.execPath, '-web', '-sharp'], SAME_PIXELS],
  ['Node, onnxruntime-web, photos decoded by jimp', [process.execPath, '-web', '-jimp'], OTHER_DECODER],
  ['Deno, onnxruntime-node', [...DENO_RUN, '-native', '-sharp'], SAME_PIXELS],
] as const) {
  const inRuntime = where(existsSync(command[0]!), test, `${command[0]} is not here`);
  inRuntime(name, async () => {
    const [program, ...rest] = command;
    const [runtime, decoder] = rest.slice(-2).map((word) => word.slice(1));
    const args = [...rest.slice(0, -2), 'build/test/golden-run.js', runtime!, decoder!];
    const { stdout } = await promisify(execFile)(program!, args, {
      cwd: ROOT,
      env: { ...process.env, BLINDSIGHT_MODELS: noModels.path, NO_COLOR: '1' },
      maxBuffer: 1 << 24,
    });
    const made = JSON.parse(stdout) as Golden;
    assert.equal([made.model, made.vocabulary], [golden.model, golden.vocabulary]);
    assert.is(made.photos.length, golden.photos.length);
    for (const [i, { name: photo, code, margins, deep }] of golden.photos.entries()) {
      const other = made.photos[i]!;
      assert.is(other.name, photo);
      assert.is(other.deep.length, deep.length);
      for (const [j, value] of deep.entries())
        assert.ok(Math.abs(value - other.deep[j]!) <= bounds.deep, `${photo}, number ${j}: ${value} ${other.deep[j]}`);
      const [wanted, given] = [fromHex(code)!, fromHex(other.code)!];
      assert.is(given.length, wanted.length);
      for (const [j, margin] of margins.entries())
        if (Math.abs(margin) >= bounds.margin)
          assert.is(bit(given, j), bit(wanted, j), `${photo}, bit ${j} of margin ${margin}`);
    }
  });
}

test.run();
