/** `blindsight tune`: the choice, and the command on example photos. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { IndexParameters, Prefilter } from '../src/client/index-parameters.ts';
import { bestFigures, choosePrefilterFigures, prefilterGrid } from '../src/eval/prefilter-choice.ts';
import type { PrefilterFigures } from '../src/eval/prefilter-measure.ts';
import { SAMPLES, answerOf, blindsight, hasten, temporaryFolder } from './command.ts';

interface Tuned {
  photos: number;
  queries: number;
  current: PrefilterFigures | null;
  chosen: PrefilterFigures | null;
  command: string | null;
  rows: PrefilterFigures[];
}

const test = suite('tune');
const folder = await temporaryFolder();
test.after(() => folder.remove());

const row = (probes: number, recall20: number, touched: number): PrefilterFigures => ({
  prefilter: { family: 'centroids', assigned: 2, probes },
  ...{ tokens: probes, bytes: 8 * probes, recall20, touched },
});

test('the choice meets the goal, touches least, then asks for least', () => {
  const goal = { recall: 0.9, maxTouched: 0.1, maxTokens: 32 };
  const rows = [row(4, 0.8, 0.02), row(8, 0.92, 0.06), row(16, 0.95, 0.05), row(24, 0.95, 0.05), row(64, 0.99, 0.01)];
  assert.is(choosePrefilterFigures(rows, goal), rows[2]);
  assert.is(choosePrefilterFigures(rows, { ...goal, recall: 0.999 }), undefined);
  assert.is(choosePrefilterFigures(rows, { ...goal, maxTouched: 0.01 }), undefined);
  assert.is(choosePrefilterFigures(rows, { ...goal, maxTokens: 64 }), rows[4]);
  assert.throws(() => choosePrefilterFigures(rows, { ...goal, recall: 2 }), /"recall" expected/);
  // The fourth asks for more than the third, and finds no more.
  assert.equal(bestFigures(rows), [rows[4], rows[0], rows[2], rows[1]]);
});

test('the grid keeps to the tokens, the bits and the centroids', () => {
  const grid = prefilterGrid({ maxTokens: 32 }, { centroids: 3, bits: 10, families: ['lsh', 'centroids'] });
  const asks = (prefilter: Prefilter): number =>
    prefilter.family === 'lsh' ? prefilter.tables * prefilter.probes : prefilter.probes;
  assert.ok(grid.every((prefilter) => asks(prefilter) <= 32));
  assert.ok(
    grid.every((prefilter) => (prefilter.family === 'lsh' ? prefilter.sampledBits <= 10 : prefilter.assigned <= 3)),
  );
  assert.equal([...new Set(grid.map(({ family }) => family))], ['lsh', 'centroids']);
  const none = prefilterGrid({ maxTokens: 8 }, { centroids: 0, bits: 64, families: ['lsh', 'centroids'] });
  assert.ok(none.length > 0 && none.every(({ family }) => family === 'lsh'));
});

/** Enough to measure on, and soon described. */
const photos = join(folder.path, 'photos');
test.before(async () => {
  await mkdir(photos);
  for (const name of ['cat.jpg', 'coffee.jpg', 'grass.jpg', 'gravel.jpg', 'alps.jpg'])
    await cp(join(SAMPLES, name), join(photos, name));
});
/** So few photos: all of them may be touched, and all buckets of a table asked for. */
const GENEROUS = ['--max-touched', '1', '--max-tokens', '64'];

test('a library: what is chosen is applied by the command that is printed', async () => {
  const library = join(folder.path, 'photos.blind');
  await answerOf(['init', library]);
  await hasten(library);
  await answerOf(['add', library, photos]);
  const tuned = await answerOf<Tuned>(['tune', library, '--family', 'lsh', ...GENEROUS]);
  assert.equal([tuned.photos, tuned.queries], [5, 5]);
  assert.ok(tuned.current !== null && tuned.chosen !== null && tuned.command !== null);
  assert.ok(tuned.chosen.recall20 >= 0.95 && tuned.chosen.tokens <= 64);
  assert.ok(tuned.rows.some(({ recall20 }) => recall20 < 1));
  const [, ...words] = tuned.command.split(' ');
  assert.equal(words.slice(0, 2), ['reindex', library]);
  await answerOf(words);
  const { index } = await answerOf<{ index: IndexParameters }>(['info', library]);
  assert.equal(index.prefilter, tuned.chosen.prefilter);
});

test('photos without a library; nothing that fits; and calls that are wrong', async () => {
  const text = await blindsight(['tune', '--photos', photos, '--cache', join(folder.path, 'cache'), ...GENEROUS]);
  assert.is(text.code, 0, text.stderr);
  assert.match(text.stdout, /Nothing is changed yet[^]*blindsight reindex LIBRARY --family/);
  // Nothing is found by touching nothing: an answer, and a status that says so.
  const impossible = [
    'tune',
    '--photos',
    photos,
    '--cache',
    join(folder.path, 'cache'),
    '--max-touched',
    '0',
    '--json',
  ];
  const none = await blindsight(impossible);
  assert.is(none.code, 1);
  assert.is((JSON.parse(none.stdout) as Tuned).chosen, null);
  for (const args of [
    ['tune'],
    ['tune', 'somewhere', '--photos', photos],
    ['tune', 'somewhere', '--cache', 'x'],
    ['tune', '--photos', photos, '--recall', '2'],
  ])
    assert.is((await blindsight(args)).code, 2, args.join(' '));
});

test.run();
