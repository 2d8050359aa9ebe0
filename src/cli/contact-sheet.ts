/**
 * A contact sheet: the query and its matches, decrypted into a folder, with one page that shows them.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex } from '../base/bytes.ts';
import type { Client, Match, SearchResult } from '../client/client.ts';
import { FEATURES } from '../codes/block.ts';
import { safePath } from './safe-path.ts';

/** The picture that was searched with. */
export interface Shown {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const FEATURE_NAMES = { ehd: 'edges', bow: 'local features', deep: 'content' };

/**
 * Writes `index.html` and the pictures it shows.
 * @returns Path of the page.
 */
export async function writeContactSheet(
  folder: string,
  client: Client,
  query: Shown,
  result: SearchResult,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const queryFile = fileName('00-query', query.name);
  await writeFile(join(folder, queryFile), query.bytes, { mode: 0o600 });
  const figures: string[] = [];
  for (const [i, match] of result.matches.entries()) {
    const file = fileName(String(i + 1).padStart(2, '0'), match.name);
    await writeFile(join(folder, file), await client.open(fromHex(match.id)!), { mode: 0o600 });
    figures.push(figure(file, match, i + 1));
  }
  const page = join(folder, 'index.html');
  await writeFile(page, html(queryFile, query.name, figures, result), { mode: 0o600 });
  return page;
}

/** A stored name as a name in this folder. */
function fileName(prefix: string, name: string): string {
  return safePath(`${prefix}-${safePath(name).split('/').at(-1)!}`);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function figure(file: string, { name, path, score, features, copy }: Match, rank: number): string {
  const bars = FEATURES.map((feature) => {
    const share = Math.max(0, Math.min(1, features[feature]));
    return `<dt>${FEATURE_NAMES[feature]}</dt><dd><meter min="0" max="1" value="${share.toFixed(3)}">${share.toFixed(3)}</meter></dd>`;
  }).join('');
  return `<figure><img src="${encodeURIComponent(file)}" alt="${escape(name)}" loading="lazy">
<figcaption><span>${score.toFixed(3)}</span><b>${rank}</b> ${escape(path)}${copy > 0 ? ' <em>copy</em>' : ''}<dl>${bars}</dl></figcaption></figure>`;
}

function html(queryFile: string, queryName: string, figures: readonly string[], result: SearchResult): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'">
<title>Pictures like ${escape(queryName)}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; font-weight: 600; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1.25rem; }
figure { margin: 0; }
img { width: 100%; aspect-ratio: 4 / 3; object-fit: contain; background: color-mix(in srgb, currentColor 7%, transparent); border-radius: 6px; }
figcaption { overflow-wrap: anywhere; }
figcaption span { float: right; font-variant-numeric: tabular-nums; }
dl { clear: both; display: grid; grid-template-columns: auto 1fr; gap: 0 .5rem; margin: .25rem 0; font-size: .8rem; opacity: .85; }
dd { margin: 0; }
meter { width: 100%; }
.query { max-width: 20rem; margin-bottom: 2rem; }
</style>
<h1>Pictures like ${escape(queryName)}</h1>
<figure class="query"><img src="${encodeURIComponent(queryFile)}" alt="the query"><figcaption>the query;
${result.candidates} of ${result.records} encrypted images ranked by the server${result.near ? '' : '; nothing is near'}</figcaption></figure>
<main>
${figures.join('\n')}
</main>
</html>
`;
}
