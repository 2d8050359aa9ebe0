/** Features kept in a folder: each part under its own settings. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Collector, type CollectedFeatures } from '../src/adapters/collector.ts';
import { loadDecoders } from '../src/adapters/decoders.ts';
import type { DeepModel } from '../src/features/deep.ts';
import type { LocalSettings } from '../src/features/feature-extractor.ts';
import { SAMPLES, temporaryFolder } from './command.ts';
import { kernels } from './support.ts';

const test = suite('collector');
const folder = await temporaryFolder();
const decoders = await loadDecoders();
const photo = await readFile(join(SAMPLES, (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg'))[0]!));
const DENSE: LocalSettings = { kind: 'dense', options: { maxSide: 64 } };

/** A model that says how bright each third of the input is, times `scale`; `runs` counts. */
function brightness(scale: number): DeepModel & { runs: number } {
  return {
    ...{ id: 'brightness', sha256: String(scale), dims: 3, inputSide: 32, inputFit: 'area', runs: 0 },
    run(input) {
      this.runs++;
      const third = input.length / 3;
      const sums = [0, 1, 2].map((i) => input.subarray(i * third, (i + 1) * third).reduce((a, b) => a + b, 0));
      return Promise.resolve(Float32Array.from(sums, (sum) => (scale * sum) / third));
    },
    close: () => Promise.resolve(),
  };
}

async function collect(model: DeepModel, local: LocalSettings, where?: string): Promise<CollectedFeatures> {
  return new Collector(kernels, local, model, decoders, where).collect(photo);
}

const files = async (): Promise<number> =>
  (await readdir(folder.path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

test.after(() => folder.remove());

test('another model, or other local features, cost only their own part again', async () => {
  const first = brightness(1);
  const plain = await collect(first, DENSE);
  assert.equal(await collect(first, DENSE, folder.path), plain);
  assert.is(await files(), 2);
  assert.equal(await collect(first, DENSE, folder.path), plain);
  assert.is(first.runs, 2);

  const second = brightness(2);
  const other = await collect(second, DENSE, folder.path);
  assert.is(await files(), 3);
  assert.is(second.runs, 1);
  assert.equal(other.local, plain.local);
  assert.equal(other.ehd, plain.ehd);
  assert.equal(
    other.deep,
    plain.deep.map((value) => 2 * value),
  );

  const keypoints = await collect(first, { kind: 'keypoint', options: {} }, folder.path);
  assert.is(await files(), 4);
  assert.is(first.runs, 2);
  assert.equal(keypoints.deep, plain.deep);
  assert.not.equal(keypoints.local.length, plain.local.length);
});

test.run();
