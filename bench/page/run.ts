/**
 * The browser page with many pictures, in a real Chromium: time to the first row, scrolling, jumping, a search, near-duplicates, memory.
 *
 *     npm run page -- 10000
 *     npm run page -- 10000 --write      puts the figures into docs/RUNTIMES.md
 *
 * Server and browser share one machine, over loopback; whatever else runs there shows in the figures, so its load is told. The key costs nothing to open here (a real one takes Argon2id with 64 MiB).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { listen } from '../../src/adapters/node-listener.ts';
import { loadKernels } from '../../src/adapters/package-files.ts';
import { pageFiles } from '../../src/adapters/page-files.ts';
import { markdownTable } from '../../src/eval/markdown.ts';
import { createCredential } from '../../src/server/credentials.ts';
import { createHandler } from '../../src/server/http.ts';
import { createServer } from '../../src/server/server.ts';
import { openLmdbStore } from '../../src/stores/lmdb-store.ts';
import { putBetweenMarks } from '../between-marks.ts';
import { median } from '../harness.ts';
import { makeManyPictures } from './library.ts';

const PASSPHRASE = 'correct horse';
const VIEWPORT = { width: 1280, height: 900 };
/** Pixels a second: a fast wheel; a held key or a dragged bar is faster, and like a jump. */
const SPEEDS = [1500, 6000];
const SCROLL_MS = 8000;
const JUMPS = 20;
const RUNTIMES = join(import.meta.dirname, '..', '..', '..', 'docs', 'RUNTIMES.md');

const { values, positionals } = parseArgs({ allowPositionals: true, options: { write: { type: 'boolean' } } });
const count = Number(positionals[0] ?? 10_000);
const folder = await mkdtemp(join(tmpdir(), 'blindsight-page-'));
const rows: string[][] = [];
const note = (what: string, figure: string): void => {
  rows.push([what, figure]);
  console.error(`${what}: ${figure}`);
};
const ms = (value: number): string => `${Math.round(value)} ms`;

/** What is on the screen: tiles, and those that show no picture yet. */
const LOOK = `() => {
  const tiles = [...document.querySelectorAll('.tiles .tile')].filter((tile) => {
    const { top, bottom } = tile.getBoundingClientRect();
    return bottom > 64 && top < innerHeight;
  });
  return { tiles: tiles.length, blank: tiles.filter((tile) => !tile.querySelector('img')?.complete).length };
}`;

/** Waits until the screen is full of pictures. @returns Milliseconds since the call. */
const FILLED = `(act) => new Promise((resolve) => {
  const look = ${LOOK};
  const start = performance.now();
  act();
  const check = () => {
    const { tiles, blank } = look();
    if (tiles > 0 && blank === 0) resolve(performance.now() - start);
    else requestAnimationFrame(check);
  };
  requestAnimationFrame(check);
})`;

try {
  const start = performance.now();
  await makeManyPictures(join(folder, 'library'), PASSPHRASE, count);
  console.error(`made ${count} pictures in ${Math.round((performance.now() - start) / 1000)} s`);
  const store = openLmdbStore(join(folder, 'library', 'server'));
  const server = createServer({ store, kernels: await loadKernels() });
  const { credential, token } = createCredential('local', 'owner');
  const handler = createHandler(server, {
    credentials: () => [credential],
    files: await pageFiles({ client: join(folder, 'library', 'client') }),
    limits: { rate: 1e6, burst: 1e6 },
  });
  const { url, close } = await listen(handler, { host: '127.0.0.1', port: 0 });
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  try {
    const page = await (await browser.newContext({ viewport: VIEWPORT })).newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${url}/#${token}`);
    await measure(page);
    const { cpus: processors, model } = { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown' };
    const title = `\`npm run page -- ${count}\`, ${new Date().toISOString().slice(0, 10)}, ${model}, ${process.platform}-${process.arch}, ${processors} cores, Node ${process.version}, Chromium ${browser.version()}, ${VIEWPORT.width} x ${VIEWPORT.height}; load average of the last five minutes ${loadavg()[1]!.toFixed(1)}:`;
    const text = `${title}\n\n${markdownTable(['what', 'figure'], rows)}`;
    await putBetweenMarks(values.write === true ? RUNTIMES : undefined, 'page', text);
  } finally {
    await browser.close();
    await close();
    await server.close();
  }
} finally {
  await rm(folder, { recursive: true });
}

async function measure(page: Page): Promise<void> {
  await page.getByLabel('Passphrase').fill(PASSPHRASE);
  const first = await page.evaluate<number>(`(${FILLED})(() => document.querySelector('button[type=submit]').click())`);
  note(`unlock to a full first screen, ${count.toLocaleString('en')} records opened`, ms(first));
  note('height of the grid', `${(await page.evaluate<number>('document.body.scrollHeight')).toLocaleString('en')} px`);
  for (const speed of SPEEDS) await scroll(page, speed);
  const jumps: number[] = [];
  for (let i = 0; i < JUMPS; i++) {
    const place = ((i * 0.381966) % 1).toFixed(4);
    jumps.push(
      await page.evaluate<number>(
        `(${FILLED})(() => scrollTo(0, ${place} * (document.body.scrollHeight - innerHeight)))`,
      ),
    );
  }
  note(
    `a jump to anywhere, to a full screen (${JUMPS} jumps)`,
    `median ${ms(median(jumps))}, longest ${ms(Math.max(...jumps))}`,
  );
  note('memory of page and worker', await memory(page));

  await page.evaluate('scrollTo(0, 0)');
  const search = performance.now();
  await page.locator('.tiles .tile').first().click();
  await page.locator('.result .tile img').nth(3).waitFor();
  note('a click on a picture, to its answers', ms(performance.now() - search));
  const duplicates = performance.now();
  await page.getByRole('button', { name: 'Near-duplicates' }).click();
  await page.locator('.group .tile img').first().waitFor();
  note('near-duplicates, to the first groups', ms(performance.now() - duplicates));
}

/** Scrolls at a steady speed, and looks at every frame. */
async function scroll(page: Page, speed: number): Promise<void> {
  await page.evaluate(`(${FILLED})(() => scrollTo(0, 0))`);
  const { frames, tiles, nodes, share, longest } = await page.evaluate<{
    frames: number[];
    tiles: number;
    nodes: number;
    share: number;
    longest: number;
  }>(`new Promise((resolve) => {
    const look = ${LOOK};
    const frames = [];
    const since = new Map();
    let [tiles, nodes, seen, blank, longest] = [0, 0, 0, 0, 0];
    const start = performance.now();
    let last = start;
    const frame = (now) => {
      frames.push(now - last);
      last = now;
      scrollTo(0, ((now - start) / 1000) * ${speed});
      const { tiles: there, blank: empty } = look();
      seen += there;
      blank += empty;
      for (const tile of document.querySelectorAll('.tiles .tile')) {
        const { top, bottom } = tile.getBoundingClientRect();
        if (bottom <= 64 || top >= innerHeight) continue;
        if (tile.querySelector('img')?.complete) since.delete(tile);
        else {
          if (!since.has(tile)) since.set(tile, now);
          longest = Math.max(longest, now - since.get(tile));
        }
      }
      tiles = Math.max(tiles, document.querySelectorAll('.tiles .tile').length);
      nodes = Math.max(nodes, document.querySelectorAll('*').length);
      if (now - start < ${SCROLL_MS}) requestAnimationFrame(frame);
      else resolve({ frames: frames.slice(1), tiles, nodes, share: blank / seen, longest });
    };
    requestAnimationFrame(frame);
  })`);
  frames.sort((a, b) => a - b);
  note(
    `scrolling at ${speed.toLocaleString('en')} px/s: tiles without their picture`,
    `${(100 * share).toFixed(1)} % of those on the screen, the longest ${ms(longest)}`,
  );
  note(
    `scrolling at ${speed.toLocaleString('en')} px/s: time of a frame`,
    `median ${ms(median(frames))}, 95 of 100 within ${ms(frames[Math.floor(0.95 * frames.length)]!)}, longest ${ms(frames.at(-1)!)}`,
  );
  note(`scrolling at ${speed.toLocaleString('en')} px/s: most elements at a time`, `${nodes} (${tiles} tiles)`);
}

/** As the browser counts it, worker and WebAssembly included. */
async function memory(page: Page): Promise<string> {
  const bytes = await page.evaluate<number>('performance.measureUserAgentSpecificMemory().then(({ bytes }) => bytes)');
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
