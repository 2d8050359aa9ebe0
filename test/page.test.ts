/**
 * The browser page in a real browser: Debian's chromium (or the one that CHROMIUM names), driven by playwright-core, against the real
 * server. Where there is no chromium, the tests are skipped, by name.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { openLibrary } from '../src/adapters/library.ts';
import { listen } from '../src/adapters/node-listener.ts';
import { pageFiles } from '../src/adapters/page-files.ts';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { THUMBNAIL_HEAD_BYTES } from '../src/crypto/image-cipher.ts';
import { readHeader } from '../src/image/header.ts';
import { decodeAnswer, decodeRequest, encodeResponse, type HeadAnswer } from '../src/protocol/messages.ts';
import { createCredential } from '../src/server/credentials.ts';
import { createHandler } from '../src/server/http.ts';
import { createServer, type Server } from '../src/server/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { SAMPLES, answerOf, blindsight, hasten, serve, temporaryFolder, type Served } from './command.ts';
import { kernels } from './support.ts';
import { where } from './where.ts';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const PASSPHRASE = 'correct horse';
const ROOT = join(import.meta.dirname, '..', '..');
const PHOTOS = ['cat.jpg', 'coffee.jpg', 'nagasaki-boats.jpg', 'alps.jpg'];

const test = suite('page');
const folder = await temporaryFolder();
const library = join(folder.path, 'library');
let browser: Browser | undefined;
let served: Served | undefined;
/** What a page must never do: a request elsewhere, a refusal by its own policy, an error nobody caught. */
const wrongs: string[] = [];

const here = existsSync(CHROMIUM);
const inBrowser = where(here, test, `${CHROMIUM} is not here`);

test.before(async () => {
  await promisify(execFile)(process.execPath, [join(ROOT, 'page.config.mjs')], { cwd: ROOT });
  await answerOf(['init', library]);
  await hasten(library);
  served = await serve(library, undefined, ['--ui']);
  if (here)
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      // Root has no sandbox.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    });
});
test.after(async () => {
  await browser?.close();
  served?.child.kill('SIGKILL');
  await folder.remove();
});

/** A page at an address. */
async function openPage(address: string): Promise<Page> {
  const page = await (await browser!.newContext({ acceptDownloads: true })).newPage();
  page.setDefaultTimeout(15_000);
  const { origin } = new URL(address);
  page.on('request', (request) => {
    if (![origin, 'null'].includes(new URL(request.url()).origin) && !request.url().startsWith(`blob:${origin}`))
      wrongs.push(`a request to ${request.url()}`);
  });
  page.on('pageerror', (error) => wrongs.push(String(error)));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) wrongs.push(message.text());
  });
  // The dialog of this cannot be answered from here: exports go the way of other browsers.
  await page.addInitScript('delete globalThis.showSaveFilePicker');
  await page.goto(address);
  return page;
}

async function unlock(page: Page, passphrase = PASSPHRASE): Promise<void> {
  await page.getByLabel('Passphrase').fill(passphrase);
  await page.getByRole('button', { name: 'Unlock' }).click();
}

async function choose(page: Page, button: string, paths: readonly string[]): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: button }).first().click();
  await (await chooser).setFiles([...paths]);
}

/** Drops a file onto one of the two places. */
async function drop(page: Page, zone: 'search' | 'add', path: string): Promise<void> {
  const bytes = (await readFile(path)).toString('base64');
  const name = path.slice(path.lastIndexOf('/') + 1);
  await page.evaluate(
    ([data, called, where]) => {
      const transfer = new DataTransfer();
      const content = Uint8Array.from(atob(data!), (character) => character.charCodeAt(0));
      transfer.items.add(new File([content], called!, { type: 'image/jpeg' }));
      const send = (target: Element, type: string): void => {
        target.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      };
      send(document.body, 'dragenter');
      const place = document.querySelector(`[data-zone="${where}"]`)!;
      if (place.getBoundingClientRect().width === 0) throw new Error('the places to drop at are not shown');
      send(place, 'dragover');
      send(place, 'drop');
    },
    [bytes, name, zone] as const,
  );
}

const names = (tiles: Locator): Promise<string[]> =>
  tiles.evaluateAll((all) => all.map((tile) => tile.getAttribute('aria-label') ?? ''));

test('serve --ui: strict headers, restricted files for bearers alone, nothing beside them', async () => {
  const { url, page } = served!;
  const token = new URL(page!).hash.slice(1);
  const home = await fetch(`${url}/`);
  assert.is(home.status, 200);
  const policy = home.headers.get('content-security-policy')!;
  assert.match(policy, "default-src 'none'");
  assert.not.match(policy, 'unsafe-inline');
  assert.is(policy.replace("'wasm-unsafe-eval'", '').includes('unsafe'), false);
  assert.is(home.headers.get('cross-origin-embedder-policy'), 'require-corp');
  const again = await fetch(`${url}/`, { headers: { 'if-none-match': home.headers.get('etag')! } });
  assert.is(again.status, 304);
  for (const path of ['page/library/key', 'page/library/vocabulary', 'page/library/index.json', 'page/models.json']) {
    assert.is((await fetch(`${url}/${path}`)).status, 401, path);
    const response = await fetch(`${url}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    assert.is(response.status, 200, path);
    assert.match(response.headers.get('cache-control')!, 'private');
    await response.arrayBuffer();
  }
  const key = await fetch(`${url}/page/library/key`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(new Uint8Array(await key.arrayBuffer()), new Uint8Array(await readFile(join(library, 'client', 'key'))));
  for (const path of ['page/library/root', 'page/library/..%2fkey', 'page/..%2f..%2fpackage.json', 'page/models/x'])
    assert.is((await fetch(`${url}/${path}`, { headers: { authorization: `Bearer ${token}` } })).status, 404, path);
  const { code, stderr } = await blindsight(['serve', library]);
  assert.is(code, 2, stderr);
  assert.match(stderr, '"--credentials" expected');
});

test('page files are compressed when asked, each encoding under a tag of its own; what is restricted is not', async () => {
  const { url, page: address } = served!;
  const tags = new Set<string>();
  for (const [path, file] of [
    ['page/main.js', join(ROOT, 'build', 'page', 'main.js')],
    [
      'page/runtime/ort-wasm-simd-threaded.wasm',
      fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')),
    ],
  ] as const) {
    const wanted = await readFile(file);
    for (const encoding of ['br', 'gzip', 'identity']) {
      const headers = { 'accept-encoding': encoding };
      const response = await fetch(`${url}/${path}`, { headers });
      const told = encoding === 'identity' ? null : encoding;
      assert.equal([response.headers.get('content-encoding'), response.headers.get('vary')], [told, 'accept-encoding']);
      assert.match(response.headers.get('content-security-policy')!, "default-src 'none'");
      const length = Number(response.headers.get('content-length'));
      assert.ok(told === null ? length === wanted.length : length < wanted.length / 2, `${path} ${encoding} ${length}`);
      assert.ok(wanted.equals(new Uint8Array(await response.arrayBuffer())), `${path} ${encoding}`);
      const tag = response.headers.get('etag')!;
      tags.add(tag);
      const again = await fetch(`${url}/${path}`, { headers: { ...headers, 'if-none-match': tag } });
      assert.is(again.status, 304);
      const other = await fetch(`${url}/${path}`, {
        headers: { 'accept-encoding': encoding === 'br' ? 'gzip' : 'br', 'if-none-match': tag },
      });
      assert.is(other.status, 200);
      await other.arrayBuffer();
    }
  }
  assert.is(tags.size, 6);
  const token = new URL(address!).hash.slice(1);
  const key = await fetch(`${url}/page/library/key`, {
    headers: { authorization: `Bearer ${token}`, 'accept-encoding': 'br' },
  });
  assert.is(key.headers.get('content-encoding'), null);
  await key.arrayBuffer();
  const api = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
  assert.ok('/' in api.paths && '/page/{file}' in api.paths);
});

let page: Page;

inBrowser(
  'a wrong passphrase is told; the right one opens an empty library; the token leaves the address',
  async () => {
    page = await openPage(served!.page!);
    assert.is(new URL(page.url()).hash, '');
    await unlock(page, 'wrong horse');
    await page.getByText('That is not the passphrase').waitFor();
    assert.is(await page.evaluate('document.activeElement.id'), 'passphrase');
    await unlock(page);
    await page.getByText('Nothing here yet').waitFor();
    assert.is(await page.evaluate('crossOriginIsolated'), true, 'threads are allowed');
  },
);

inBrowser('pictures are added: encoded as elsewhere, the bad file listed', async () => {
  const bad = join(folder.path, 'notes.jpg');
  await writeFile(bad, 'no picture at all');
  await choose(page, 'Add pictures…', [...PHOTOS.map((name) => join(SAMPLES, name)), bad]);
  await page.locator('.panel strong', { hasText: '4 pictures added' }).waitFor({ timeout: 30_000 });
  await page.locator('.panel', { hasText: '1 not added' }).waitFor();
  await page.getByText('Not added', { exact: true }).click();
  await page.getByText('This is no picture.').waitFor();
  await page.getByText('4 pictures', { exact: true }).waitFor();
  await page.locator('.tile img').nth(3).waitFor();
  assert.equal((await names(page.locator('.tiles .tile'))).sort(), [...PHOTOS].sort());
  // What the browser made is what other runtimes make, but for bits that another decoder leaves undecided.
  const golden = JSON.parse(await readFile(join(ROOT, 'test', 'golden', 'descriptors.json'), 'utf8')) as {
    photos: { name: string; code: string; margins: number[] }[];
  };
  const opened = await openLibrary(library, { opener: { passphrase: PASSPHRASE }, readOnly: true });
  try {
    for (const { name, code, margins } of golden.photos) {
      const bytes = await readFile(join(SAMPLES, `${name}.jpg`));
      const id = await opened.client.identify(bytes);
      assert.equal(await opened.client.open(id), new Uint8Array(bytes));
      const small = readHeader((await opened.client.openThumbnail(id))!);
      assert.equal([small.format, Math.max(small.width, small.height)], ['jpeg', 256]);
      const record = await opened.client.record(id);
      assert.is(record.name, `${name}.jpg`);
      const wanted = fromHex(code)!;
      const differing = margins.flatMap((margin, i) =>
        ((wanted[i >> 3]! ^ record.code[i >> 3]!) >> (i & 7)) & 1 ? [Math.abs(margin)] : [],
      );
      assert.ok(Math.max(0, ...differing) < 0.3, `${name}: bits of margins ${differing.join(', ')} differ`);
    }
  } finally {
    await opened.close();
  }
});

inBrowser('a dropped picture finds what the command line finds, in its order, and says why', async () => {
  const query = join(SAMPLES, 'cat.jpg');
  await drop(page, 'search', query);
  await page.locator('.result').nth(3).waitFor();
  const { matches } = await answerOf<{ matches: { name: string }[] }>(['search', library, query, '-k', '4']);
  assert.equal(
    await page.locator('.result-name').allTextContents(),
    matches.map(({ name }) => name),
  );
  assert.is(await page.locator('.result').first().locator('.why li').count(), 3);
  await page.getByText('Copy').first().waitFor();
  await page.getByText('This is the whole question that the server was sent.').waitFor();
  await page.getByText('4 of 4 pictures compared').waitFor();
  assert.is(
    await page.locator('.panel strong').textContent(),
    '4 pictures added',
    'a search adds nothing, and says nothing of adding',
  );
  // No figure runs over its column, on a phone either.
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 844 });
    const over = await page.evaluate<string[]>(
      '[document.documentElement, ...document.querySelectorAll(".why li *, .result-head")].filter((e) => e.scrollWidth > e.clientWidth && e.clientWidth > 0 && getComputedStyle(e).textOverflow !== "ellipsis").map((e) => `${e.className}: ${e.textContent}`)',
    );
    assert.equal(over, [], `${width} pixels wide`);
  }
});

inBrowser('a click searches with a stored picture, and shows it beside what the server has', async () => {
  await page.getByRole('button', { name: 'Pictures', exact: true }).click();
  await page.getByRole('button', { name: 'coffee.jpg' }).click();
  await page.getByRole('heading', { name: 'coffee.jpg' }).waitFor();
  await page.locator('.result').nth(2).waitFor();
  await page.locator('.side img').waitFor();
  await page.getByText('Encrypted file').waitFor();
  const id = toHex(await withClient((client) => readFile(join(SAMPLES, 'coffee.jpg')).then((b) => client.identify(b))));
  await page.getByText(id).waitFor();
  // Back goes back.
  await page.goBack();
  await page.getByText('4 pictures', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'The server sees' }).click();
  await page.locator('.tile.server img').nth(3).waitFor();
  await page.getByRole('button', { name: 'You see' }).click();
});

async function withClient<T>(
  use: (client: Awaited<ReturnType<typeof openLibrary>>['client']) => Promise<T>,
): Promise<T> {
  const opened = await openLibrary(library, { opener: { passphrase: PASSPHRASE }, readOnly: true });
  try {
    return await use(opened.client);
  } finally {
    await opened.close();
  }
}

inBrowser('keys: one tile in the tab order, arrows move, Enter opens', async () => {
  const tiles = page.locator('.tiles .tile');
  await tiles.first().focus();
  assert.is(await page.locator('.tiles .tile[tabindex="0"]').count(), 1);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('End');
  const last = (await names(tiles)).at(-1)!;
  assert.is(await page.evaluate('document.activeElement.getAttribute("aria-label")'), last);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: last }).waitFor();
  assert.is(await page.evaluate('document.activeElement.tagName'), 'H1', 'the heading gets the focus');
  await page.getByRole('button', { name: 'All pictures' }).click();
});

inBrowser('export: a zip file with every picture, byte for byte', async () => {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export all' }).click();
  const zip = await readFile(await (await download).path());
  for (const name of PHOTOS) assert.ok(zip.includes(await readFile(join(SAMPLES, name))), name);
});

inBrowser('text has the contrast of WCAG AA, in light and dark', async () => {
  const pairs = [
    ...[
      ['text', 'ground'],
      ['text', 'surface'],
      ['quiet', 'ground'],
      ['quiet', 'surface'],
      ['quiet', 'sunken'],
    ],
    ...[
      ['on-accent', 'accent'],
      ['accent-text', 'accent-soft'],
      ['on-danger', 'danger'],
    ],
    ['warning-text', 'warning-ground'],
  ] as const;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate((wanted) => {
      const luminance = (name: string): number => {
        const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
        const parts = [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16) / 255);
        const [r, g, b] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
      };
      return wanted.map(([a, b]) => {
        const [low, high] = [luminance(a!), luminance(b!)].sort((x, y) => x - y);
        return [a, b, (high! + 0.05) / (low! + 0.05)] as const;
      });
    }, pairs);
    for (const [a, b, ratio] of found) assert.ok(ratio >= 4.5, `${colorScheme}: ${a} on ${b}: ${ratio.toFixed(2)}`);
  }
  await page.emulateMedia({ colorScheme: null });
});

inBrowser('a lost connection is waited out: the server is killed in the middle, and comes again', async () => {
  const added = ['canyon.jpg', 'gravel.jpg'];
  // Killed when the first message of the import is answered; none of it is stored then.
  const { url } = served!;
  const begun = page.waitForRequest((request) => request.url().endsWith('/v0/messages'));
  await choose(
    page,
    'Add pictures',
    added.map((name) => join(SAMPLES, name)),
  );
  await begun;
  served!.child.kill('SIGKILL');
  await page.locator('.panel strong', { hasText: 'No connection' }).waitFor();
  const token = new URL(served!.page!).hash.slice(1);
  // The same token: a credentials file, as a server has one.
  const users = join(folder.path, 'users.json');
  const sha256 = createHash('sha256').update(token).digest('hex');
  const credentials = [{ name: 'local', role: 'owner', sha256, createdAt: new Date().toISOString() }];
  await writeFile(users, JSON.stringify({ format: 'blindsight-credentials', version: 0, credentials }));
  served = await serve(library, users, ['--ui', '--port', new URL(url).port]);
  assert.is(served.url, url);
  await page.getByText('6 pictures', { exact: true }).waitFor({ timeout: 30_000 });
  const { faults } = await answerOf<{ faults: unknown[] }>(['verify', library]);
  assert.equal(faults, []);
});

inBrowser('an import is paused and goes on: nothing is lost, nothing stored twice', async () => {
  const again = join(folder.path, 'coffee-again.jpg');
  await writeFile(again, Buffer.concat([await readFile(join(SAMPLES, 'coffee.jpg')), Buffer.of(0)]));
  const more = ['astronaut.jpg', 'pastoral.jpg', 'bricks.jpg'].map((name) => join(SAMPLES, name));
  await choose(page, 'Add pictures', [...more, again]);
  const panel = page.getByRole('region', { name: 'Adding pictures' });
  await panel.getByRole('button', { name: 'Pause' }).click();
  await panel.locator('strong', { hasText: 'Paused' }).waitFor();
  // What was in hand is stored; the rest waits, and the page says for how many.
  const shown = async (): Promise<string> => (await panel.locator('.small').textContent()) ?? '';
  let before = await shown();
  for (let now = ''; now !== before; now = await shown()) {
    before = await shown();
    await page.waitForTimeout(700);
  }
  assert.ok(Number(/^(\d+) of 4/.exec(before)?.[1]) < 4, before);
  await panel.getByRole('button', { name: 'Go on' }).click();
  await panel.locator('strong', { hasText: '4 pictures added' }).waitFor({ timeout: 30_000 });
  await page.getByText('10 pictures', { exact: true }).waitFor();
  await panel.getByRole('button', { name: 'Close' }).click();
  assert.is(await panel.isVisible(), false);
});

inBrowser('near-duplicates: two of one picture stand together, and one of them can go', async () => {
  await page.getByRole('button', { name: 'Near-duplicates' }).click();
  const group = page.locator('.group');
  await group.waitFor();
  assert.is(await group.count(), 1);
  // The larger file is kept.
  assert.equal(await group.locator('.result-name').allTextContents(), ['coffee-again.jpg', 'coffee.jpg']);
  assert.is(await group.getByText('Keep').count(), 1);
  await group.getByText('0.0 % of the bits differ').waitFor();
  await group.locator('.tile img').nth(1).waitFor();
  await group.getByRole('button', { name: 'Delete the other one' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No two pictures are nearly the same.').waitFor();
  await page.getByRole('button', { name: 'Pictures', exact: true }).click();
  await page.getByText('9 pictures', { exact: true }).waitFor();
});

inBrowser('delete asks first; what is deleted is gone from the server', async () => {
  const bytes = await readFile(join(SAMPLES, 'canyon.jpg'));
  const has = (): Promise<number> =>
    withClient(async (client) => (await client.has([await client.identify(bytes)]))[0]!);
  await page.getByRole('button', { name: 'canyon.jpg' }).click();
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByText('Delete canyon.jpg from the library?').waitFor();
  assert.is(await page.evaluate('document.activeElement.textContent'), 'Keep', 'what harms nothing has the focus');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  assert.not.equal(await has(), 0);
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('8 pictures', { exact: true }).waitFor();
  assert.ok(!(await names(page.locator('.tiles .tile'))).includes('canyon.jpg'));
  assert.is(await has(), 0);
});

inBrowser('a picture without texture: its bar says that it does not count', async () => {
  // One grey: a bitmap of 64 x 64 pixels.
  const side = 64;
  const flat = Buffer.alloc(54 + 3 * side * side, 128);
  flat.fill(0, 0, 54).write('BM');
  [flat.length, 0, 54, 40, side, side].forEach((value, i) => flat.writeUInt32LE(value, 2 + 4 * i));
  flat.writeUInt16LE(1, 26);
  flat.writeUInt16LE(24, 28);
  const path = join(folder.path, 'flat.bmp');
  await writeFile(path, flat);
  await drop(page, 'search', path);
  await page.locator('.result').first().waitFor();
  assert.match((await page.locator('.legend').first().textContent())!, 'Texture 0 %');
  const bar = page.locator('.result').first().locator('.why li', { hasText: 'Texture' });
  assert.is(await bar.locator('.figure').textContent(), '–');
  assert.is(await bar.locator('.bar').evaluate((element) => element.getBoundingClientRect().width), 0);
  assert.not.match((await page.locator('main').textContent())!, 'NaN');
  await page.getByRole('button', { name: 'All pictures' }).click();
});

inBrowser('an altered picture is refused and told, and harms no other', async () => {
  await served!.stop();
  const victim = toHex(
    await withClient((client) => readFile(join(SAMPLES, 'cat.jpg')).then((b) => client.identify(b))),
  );
  const honest = createServer({ store: openLmdbStore(join(library, 'server')), kernels });
  const asked: number[] = [];
  let pictures = 0;
  const liar: Server = {
    async handle(request) {
      const answer = await honest.handle(request);
      const message = decodeRequest(request);
      const alter = (bytes: Uint8Array): Uint8Array =>
        bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte));
      if (message.kind === 'heads') {
        asked.push(message.length);
        pictures += message.ids.length;
        const { heads } = decodeAnswer(answer, 'heads');
        const lie = (head: HeadAnswer | undefined, i: number): HeadAnswer | undefined =>
          head && toHex(message.ids[i]!) === victim ? { ...head, bytes: alter(head.bytes) } : head;
        return encodeResponse({ kind: 'heads', heads: heads.map(lie) });
      }
      if (message.kind !== 'blob') return answer;
      asked.push(message.length);
      if (toHex(message.id) !== victim) return answer;
      const response = decodeAnswer(answer, 'blob');
      return encodeResponse({ ...response, bytes: alter(response.bytes) });
    },
    close: () => honest.close(),
  };
  const { credential, token } = createCredential('local', 'owner');
  const handler = createHandler(liar, {
    credentials: () => [credential],
    files: await pageFiles({ client: join(library, 'client') }),
  });
  const { url, close } = await listen(handler, { host: '127.0.0.1', port: 0 });
  try {
    const other = await openPage(`${url}/#${token}`);
    await unlock(other);
    await other.getByRole('button', { name: /^cat.jpg: What the server sent was altered/ }).waitFor();
    await other.locator('.tile img').nth(6).waitFor();
    assert.equal(new Set(asked), new Set([THUMBNAIL_HEAD_BYTES]), 'the grid asks for thumbnails alone');
    assert.ok(pictures > 6 && asked.length < pictures, `${asked.length} messages for ${pictures} pictures`);
    await other.getByRole('button', { name: /^cat.jpg/ }).click();
    await other.getByRole('alert').getByText('altered, or is damaged').waitFor();
    await other.locator('.result').nth(6).waitFor();
    await other.close();
  } finally {
    await close();
    await honest.close();
  }
});

inBrowser('locking forgets the library, and asks for the passphrase anew', async () => {
  await page.getByRole('button', { name: 'Lock' }).click();
  await page.getByLabel('Passphrase').waitFor();
  assert.is(await page.locator('.tile').count(), 0);
  await page.close();
});

inBrowser('no request went elsewhere, nothing broke the page’s own policy, no error was lost', () => {
  assert.equal([...new Set(wrongs)], []);
});

test.run();
