/**
 * The report as one HTML file: no script, nothing from elsewhere; light and dark; each plot drawn once for wide and once for narrow
 * windows; a table under each.
 * @module
 */
import type { Figure, Table } from './figure.ts';
import type { PlotLibrary } from './plot-library.ts';

/** What stands above the figures. */
export interface PageHead {
  readonly title: string;
  /** Lines of plain text: what was measured, when, with what. */
  readonly lines: readonly string[];
}

/** Widths that plots are drawn at, in CSS pixels. */
const WIDE = 760;
const NARROW = 340;

export function reportPage(head: PageHead, figures: readonly Figure[], plots: PlotLibrary): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escape(head.title)}</title>
<style>${STYLE}</style>
<header>
<h1>${escape(head.title)}</h1>
${head.lines.map((line) => `<p>${escape(line)}</p>`).join('\n')}
<nav aria-label="Figures"><ol>
${figures.map(({ id, title }) => `<li><a href="#${id}">${escape(title)}</a></li>`).join('\n')}
</ol></nav>
</header>
<main>
${figures.map((figure, i) => section(figure, i + 1, plots)).join('\n')}
</main>
</html>
`;
}

function section({ id, title, text, table, plots: drawn }: Figure, number: number, plots: PlotLibrary): string {
  return `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title"><span>${number}</span> ${escape(title)}</h2>
<p>${escape(text)}</p>
${drawn
  .map(
    ({ title: caption, draw }, i) => `<figure>
<figcaption>${escape(caption)}</figcaption>
${[WIDE, NARROW]
  .map((width) => {
    const label = `${id}-${i}-${width}`;
    return `<div class="${width === WIDE ? 'wide' : 'narrow'}">${described(draw(plots, width), label, caption)}</div>`;
  })
  .join('\n')}
</figure>`,
  )
  .join('\n')}
<details${table.rows.length <= 12 ? ' open' : ''}><summary>Table: ${escape(title)}</summary>
${tableHtml(table, title)}
</details>
</section>`;
}

/** Gives the plot, which is the largest SVG, a role and a title: legends before it are read as they stand. */
function described(html: string, label: string, title: string): string {
  const at = html.lastIndexOf('<svg');
  const end = html.indexOf('>', at);
  const open = html.slice(at, end).replace('<svg', `<svg role="img" aria-labelledby="${label}"`);
  return `${html.slice(0, at)}${open}><title id="${label}">${escape(title)}. The numbers are in the table below.</title>${html.slice(end + 1)}`;
}

function tableHtml({ head, rows }: Table, caption: string): string {
  const numeric = (cell: unknown): boolean => typeof cell === 'number' || /^-?[\d.]+( %)?$/.test(String(cell));
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(`Table: ${caption}`)}"><table>
<thead><tr>${head.map((cell) => `<th scope="col">${escape(cell)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${row.map((cell, i) => (i === 0 ? `<th scope="row">${escape(String(cell))}</th>` : `<td${numeric(cell) ? ' class="n"' : ''}>${escape(String(cell))}</td>`)).join('')}</tr>`).join('\n')}
</tbody></table></div>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Colours after Okabe and Ito, which the colour-blind tell apart, darker on white and lighter on black. */
const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --ground: #fff; --ink: #1b1b1f; --faint: #5b5b66; --line: #d9d9e0;
  --series-1: #4d4d57; --series-2: #c2410c; --series-3: #0369a1; --series-4: #00795a; --series-5: #a8437d; --series-6: #1b1b1f; --series-7: #8a6100; --series-8: #5b4fc4; --series-9: #7c2d12; --series-10: #0e7490; }
@media (prefers-color-scheme: dark) { :root { --ground: #16161a; --ink: #ececf1; --faint: #a9a9b6; --line: #3a3a44;
  --series-1: #a9a9b6; --series-2: #ff9d5c; --series-3: #6cc1ff; --series-4: #3fd6a6; --series-5: #f29ad0; --series-6: #ececf1; --series-7: #e6c04d; --series-8: #b0a8ff; --series-9: #e08a6b; --series-10: #67d3e6; } }
body { margin: 0 auto; max-width: 52rem; padding: 1rem; background: var(--ground); color: var(--ink); }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.2rem; line-height: 1.3; margin-top: 3rem; } h2 span { color: var(--faint); font-weight: 400; }
header p { color: var(--faint); margin: .25rem 0; overflow-wrap: anywhere; } a { color: inherit; } nav ol { columns: 2 18rem; padding-left: 1.5rem; }
figure { margin: 1.25rem 0; } figcaption { font-weight: 600; font-size: .95rem; } figure figure { margin: 0; }
svg { max-width: 100%; height: auto; overflow: visible; } .narrow { display: none; }
figure [class*='-swatches'] { font-size: .8rem; flex-wrap: wrap; } .pair { display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0; } .pair img { max-width: 100%; height: auto; border-radius: 4px; }
.scroll { overflow-x: auto; max-height: 28rem; } table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; font-weight: 400; } thead th { font-weight: 600; position: sticky; top: 0; background: var(--ground); } td.n { text-align: right; }
tbody th { position: sticky; left: 0; background: var(--ground); } thead th:first-child { left: 0; z-index: 1; }
summary { cursor: pointer; color: var(--faint); font-size: .9rem; }
@media (max-width: 600px) { .wide { display: none; } .narrow { display: block; } body { padding: .75rem; } tbody th { max-width: 40vw; white-space: normal; box-shadow: 1px 0 var(--line); } }
@media print { details:not([open]) { display: none; } }
`;
