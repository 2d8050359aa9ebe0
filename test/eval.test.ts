/** `blindsight eval` and `train` through the real command line, on altered copies of the sample photos. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Study } from '../src/eval/study.ts';
import { ALTERATIONS, alter } from '../src/cli/variants.ts';
import { parseHTML } from 'linkedom';
import { SAMPLES, answerOf, blindsight, temporaryFolder } from './command.ts';

interface Evaluated {
  photos: number;
  classes: number;
  rows: { feature: string; side: string; p1: number; p10: number; p20: number; map: number }[];
  prefilter: { recall20: number; touched: number; tokens: number };
  agreement20: number;
  times: Record<string, number>;
  failed: unknown[];
}

const test = suite('eval');
const folder = await temporaryFolder();
const photos = join(folder.path, 'photos');
const cache = join(folder.path, 'cache');
const report = join(folder.path, 'report');
let result: Evaluated;

test.before(async () => {
  for (const name of (await readdir(SAMPLES)).filter((file) => file.endsWith('.jpg'))) {
    const label = join(photos, name.replace('.jpg', ''));
    await mkdir(label, { recursive: true });
    const bytes = await readFile(join(SAMPLES, name));
    await writeFile(join(label, name), bytes);
    for (const alteration of ALTERATIONS.slice(0, 2))
      await writeFile(join(label, `${alteration}.jpg`), await alter(bytes, alteration));
  }
});
test.after(() => folder.remove());

test('every row of the table, plain and encrypted', async () => {
  result = await answerOf<Evaluated>(['eval', photos, '--cache', cache, '--report', report, '--largest', '48']);
  assert.equal([result.photos, result.classes, result.failed], [48, 16, []]);
  assert.equal(
    result.rows.map(({ feature, side }) => `${feature} ${side}`),
    [
      ...['float', 'ehd', 'bow', 'deep', 'equal', 'adaptive'].map((feature) => `${feature} plain`),
      ...['ehd', 'bow', 'deep', 'equal', 'adaptive'].map((feature) => `${feature} encrypted`),
    ],
  );
  for (const { p1, p10, p20, map } of result.rows)
    for (const figure of [p1, p10, p20, map]) assert.ok(figure >= 0 && figure <= 1);
});

test('near-duplicates are found first, and encryption costs little', async () => {
  const row = (feature: string, side: string) =>
    result.rows.find((each) => each.feature === feature && each.side === side)!;
  // Two relevant photos among 47: chance is an mAP near 0.09.
  for (const feature of ['float', 'ehd', 'bow', 'deep', 'adaptive'])
    assert.ok(row(feature, 'plain').map > 0.3, `${feature} ${row(feature, 'plain').map}`);
  assert.ok(row('adaptive', 'plain').map > 0.9);
  assert.ok(Math.abs(row('adaptive', 'plain').map - row('adaptive', 'encrypted').map) < 0.03);
  assert.ok(result.agreement20 >= 0.97, String(result.agreement20));
  assert.ok(result.prefilter.recall20 > 0 && result.prefilter.recall20 <= 1);
  assert.ok(result.prefilter.touched > 0 && result.prefilter.touched <= 1);
});

test('the report: one file, with a plot for wide and narrow windows and a table in every figure', async () => {
  const page = await readFile(join(report, 'report.html'), 'utf8');
  const { document } = parseHTML(page);
  const sections: Element[] = [];
  document.querySelectorAll('main > section').forEach((section: Element) => sections.push(section));
  assert.is(sections.length, 13);
  for (const section of sections) {
    const title = section.querySelector('h2')!.textContent;
    assert.is(section.querySelectorAll('table').length, 1, title);
    for (const way of ['.wide', '.narrow'])
      section.querySelectorAll(`figure > ${way}`).forEach((part: Element) => {
        const plot = part.querySelector('svg[role=img]')!;
        assert.ok(plot.querySelector('title')!.textContent.length > 20, title);
        assert.ok(plot.querySelectorAll('path, rect').length > 5, title);
      });
    // Nothing that was not measured is drawn or written.
    assert.not.match(section.textContent, /NaN|undefined|Infinity/, title);
  }
  for (const [, address = ''] of page.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address, /^(#|data:image\/)/);
  assert.not.match(page, /<script/i);
});

test('the numbers of the report: known answers of the cipher, noise that costs, and no picture', async () => {
  const text = await readFile(join(report, 'report.json'), 'utf8');
  assert.not.match(text, /data:image/);
  const { study } = JSON.parse(text) as { study: Study };
  for (const { figures } of study.pictures) {
    assert.ok(Math.abs(figures.onePixel.npcr - 0.996094) < 0.002);
    assert.ok(Math.abs(figures.oneKeyBit.uaci - 0.334635) < 0.01);
    assert.ok(figures.cipher.entropy > 7.98);
  }
  const map = (noise: number | 'plain'): number => study.noise.find((row) => row.noise === noise)!.map;
  assert.ok(Math.abs(map(0) - map('plain')) < 0.01);
  assert.ok(map(128) < map(0) - 0.05);
  const row = result.rows.find(({ feature, side }) => feature === 'deep' && side === 'plain')!;
  assert.ok(Math.abs(study.curves.deep.map - row.map) < 1e-9);
  assert.is(study.lengths.find(({ feature, bits }) => feature === 'deep' && bits === 512)?.map, study.curves.deep.map);
  for (const { tokens, recall20, touched } of study.prefilter)
    assert.ok(tokens > 0 && recall20 >= 0 && recall20 <= 1 && touched <= 1);
  assert.is(study.sizes.at(-1)!.images, 48);
  // The run is through: what it kept to go on from is gone.
  assert.equal(
    (await readdir(cache)).filter((name) => name.startsWith('unfinished')),
    [],
  );
});

test('a labels file gives the same figures as folders, from the cache', async () => {
  const labels = join(folder.path, 'labels.csv');
  const lines = ['path,class'];
  for (const label of (await readdir(photos)).sort())
    for (const file of (await readdir(join(photos, label))).sort()) lines.push(`${label}/${file},${label}`);
  await writeFile(labels, lines.join('\n'));
  const again = await answerOf<Evaluated>(['eval', photos, '--labels', labels, '--cache', cache, '--plain-only']);
  assert.equal(
    again.rows,
    result.rows.filter(({ side }) => side === 'plain'),
  );
});

test('train makes a vocabulary that eval, init and add take; training again gives the same bytes', async () => {
  const file = join(folder.path, 'mine.vocabulary');
  const options = ['--words', '32', '--ehd-bits', '16', '--bow-bits', '24', '--deep-bits', '24', '--cache', cache];
  const trained = await answerOf<{ fingerprint: string; photos: number; bits: number }>([
    'train',
    photos,
    '-o',
    file,
    ...options,
  ]);
  assert.equal([trained.photos, trained.bits], [48, 64]);
  const again = await answerOf<{ fingerprint: string }>(['train', photos, '-o', `${file}.2`, ...options]);
  assert.is(again.fingerprint, trained.fingerprint);
  const evaluated = await answerOf<Evaluated>(['eval', photos, '--vocabulary', file, '--cache', cache, '--plain-only']);
  assert.ok(evaluated.rows.find(({ feature }) => feature === 'adaptive')!.map > 0.5);
  const library = join(folder.path, 'library');
  await answerOf(['init', library, '--vocabulary', file]);
  await answerOf(['add', library, join(photos, 'cat')]);
  const info = await answerOf<{ vocabulary: string; images: number }>(['info', library]);
  assert.equal([info.vocabulary, info.images], [trained.fingerprint, 3]);
  // Back to the vocabulary of the release: the photos stay, the index is made anew.
  const reindexed = await answerOf<{ reindexed: number }>(['reindex', library]);
  assert.is(reindexed.reindexed, 3);
  const after = await answerOf<{ vocabulary: string; images: number }>(['info', library]);
  assert.is.not(after.vocabulary, trained.fingerprint);
  assert.is(after.images, 3);
});

test('a folder without classes, or without photos, is refused', async () => {
  for (const path of [join(photos, 'cat'), join(folder.path, 'nothing')]) {
    const { code, stderr } = await blindsight(['eval', path]);
    assert.is(code, 1);
    assert.match(stderr, /\(not-found\)$/m);
  }
});

test.run();
