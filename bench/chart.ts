/** Charts of benches, as SVG files that need nothing around them. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** A point of a line. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly series: string;
}

/** Told apart by people who see colours otherwise (Okabe and Ito), and on light and dark grounds. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** Lines on two logarithmic axes, their names beside them, from the highest down. */
export function drawChart(x: string, y: string, places: readonly Place[]): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const last = new Map(places.map(({ series, y: end }) => [series, end]));
  const series = [...last.keys()].sort((a, b) => last.get(b)! - last.get(a)!);
  const at = { x: 'x', y: 'y', z: 'series' } as const;
  const drawn = Plot.plot({
    document: document as unknown as Document,
    ...{ width: 760, height: 440, marginLeft: 56, marginRight: 250, marginBottom: 40 },
    style: { fontSize: '12px', background: 'white', color: 'black' },
    x: { type: 'log', label: x, grid: true, ticks: 5, tickFormat: ',' },
    y: { type: 'log', label: y, grid: true, ticks: 6, tickFormat: '~g' },
    color: { domain: series, range: COLOURS },
    marks: [
      Plot.line(places, { ...at, stroke: 'series', strokeWidth: 2 }),
      Plot.dot(places, { ...at, fill: 'series', r: 3 }),
      ...series.map((name, i) =>
        Plot.text([name.replaceAll('`', '')], {
          ...{ frameAnchor: 'top-right', textAnchor: 'start', dx: 12, dy: 18 * i },
          fill: COLOURS[i % COLOURS.length]!,
        }),
      ),
    ],
  });
  // Without its namespace it is no picture in a file of its own.
  drawn.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return drawn.outerHTML;
}
