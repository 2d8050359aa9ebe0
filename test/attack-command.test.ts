/** `blindsight attack` on real libraries of sample photos, under each ranking. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SuiteResult } from '../src/attacks/suite.ts';
import { SAMPLES, answerOf, blindsight, hasten, temporaryFolder } from './command.ts';

const test = suite('attack command');
const folder = await temporaryFolder();
const path = join(folder.path, 'library');
test.after(() => folder.remove());

test('reports what is stored, and nothing of what is not', async () => {
  const photos = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).slice(0, 5);
  await blindsight(['init', path]);
  await hasten(path);
  await blindsight(['add', path, ...photos.map((name) => join(SAMPLES, name))]);
  const server = await answerOf<SuiteResult & { ranking: string }>(['attack', path]);
  assert.equal([server.ranking, server.images, server.lattice!.searches], ['server', 5, 5]);
  assert.equal(server.knownPlaintext, [], 'too small a library');
  assert.is(server.similarity!.whitened.asked, 5);
  assert.is(server.tokens!.tokens, 5 * 2, 'two of the learned buckets an image');
  assert.is(server.order!.found, 1, 'four others, all named');

  const has = ['images', 'order', 'ranking', 'tokens'];
  for (const ranking of ['split', 'client']) {
    await blindsight(['migrate', path, '--ranking', ranking]);
    if (ranking === 'split') assert.equal(Object.keys(await answerOf(['attack', path])).sort(), has);
    else {
      const { stdout } = await blindsight(['attack', path]);
      assert.match(stdout, 'Ranking client, 5 images');
      assert.match(stdout, 'No vector and no score is there to attack');
      assert.not.match(stdout, 'From shared tokens');
    }
  }
});

test('wrong usage', async () => {
  assert.is((await blindsight(['attack'])).code, 2);
  assert.is((await blindsight(['attack', path, '--photos', SAMPLES])).code, 2);
});

test.run();
