import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Checkpoints } from '../src/adapters/checkpoints.ts';
import { markdownTable } from '../src/eval/markdown.ts';
import { evenly, median } from '../src/eval/query-sample.ts';
import { temporaryFolder } from './command.ts';

const test = suite('checkpoints');
const folder = await temporaryFolder();
test.after(() => folder.remove());

test('a finished part is not done again by the run that goes on, and is by one with other settings, or after the end', async () => {
  let runs = 0;
  const work = (): { value: number } => ({ value: ++runs });
  const stage = (settings: unknown): Promise<{ value: number }> =>
    new Checkpoints(folder.path, settings).stage('part one', work);
  assert.equal(
    [await stage(['a', 1]), await stage(['a', 1]), await stage(['a', 2])],
    [{ value: 1 }, { value: 1 }, { value: 2 }],
  );
  await new Checkpoints(folder.path, ['a', 1]).finish();
  assert.equal([await stage(['a', 1]), await stage(['a', 2])], [{ value: 3 }, { value: 2 }]);
  const nowhere = new Checkpoints(undefined, 'x');
  assert.equal([await nowhere.stage('a', work), await nowhere.stage('a', work)], [{ value: 4 }, { value: 5 }]);
  await nowhere.finish();
});

test('a part that fails is not kept', async () => {
  const checkpoints = new Checkpoints(folder.path, 'fails');
  await checkpoints.stage('a', () => Promise.reject(new Error('stop'))).catch(() => undefined);
  assert.is(await checkpoints.stage('a', () => 7), 7);
  await writeFile(join(folder.path, 'mine'), 'x');
  await checkpoints.finish();
  assert.ok((await readdir(folder.path)).includes('mine'));
});

test('tables as Markdown, and samples', () => {
  assert.is(markdownTable(['a', 'b|c'], [[1, 'x\ny']]), '| a | b\\|c |\n| --- | --- |\n| 1 | x y |');
  assert.equal(evenly(10, 3), [0, 3, 6]);
  assert.equal(evenly(2, 3), [0, 1]);
  assert.equal([median([3, 1, 2]), median([]) !== median([])], [2, true]);
});

test.run();
